"""A corpus of exports in every form and with every trouble met in the wild, each with the exact rows it must give."""
