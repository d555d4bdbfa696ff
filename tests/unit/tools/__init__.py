"""Unit tests of tools/rl (build.py test --host runs them)."""
