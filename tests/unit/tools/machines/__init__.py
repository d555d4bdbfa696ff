"""Tests of tools/rl/machines: QEMU as a stream of events."""
