"""Tests of tools/rl/building: the build graph and what it needs."""
