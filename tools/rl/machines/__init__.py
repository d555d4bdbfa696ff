"""Machines that run an image: QEMU, Bochs, one at a serial line."""
