"""One module for each engine that is measured; each runs in a process of its own."""
