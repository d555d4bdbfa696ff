"""Tests of tools/rl/compilers."""
