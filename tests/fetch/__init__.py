"""tthc fetch against real servers on the loopback."""
