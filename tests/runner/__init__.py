"""Runs the tests: on the host, in the kernel, and whole boots."""
