"""Tests of tools/rl/corpus: many inputs at once."""
