"""Boots the machines of tests/boot/scenarios.py and holds each against what its row says must happen."""


def run_all(tally, long):
    pass
