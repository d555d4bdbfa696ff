"""Tests of tools/rl/results: what a run gave, and what is shown of it."""
