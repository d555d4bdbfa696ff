"""What stands behind build.py: building, images, QEMU, records, tests. Standard library only."""
