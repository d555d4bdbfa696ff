#!/usr/bin/env python3
"""build.py — the only entry point: builds, runs, tests and debugs Raclette (`build.py --help`)."""
import sys

if sys.version_info < (3, 9):
    sys.exit("build.py: Python 3.9 or later is needed")

from tools.rl import cli

# The tools do not know the tests; the tests know the tools.
sys.exit(cli.main(sys.argv[1:], {"test": "tests.runner.testing", "texts": "tests.checks"}))
