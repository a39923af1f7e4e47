"""Members: one trained network each, with the manifest that says how to feed and read it."""
