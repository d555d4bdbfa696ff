"""Tests of tests/runner and tests/qemu: the runner, and what looks into a machine."""
