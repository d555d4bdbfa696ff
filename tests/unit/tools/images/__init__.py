"""Tests of tools/rl/images: what is read back is what was written."""
