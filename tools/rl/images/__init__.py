"""The files that boot, and the bundle in them."""
