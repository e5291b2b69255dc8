"""Pure steps from bytes to rates: no clock, no network, no Prefect; whatever they need is an argument."""
