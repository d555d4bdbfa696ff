"""What compares texts with texts, for `build.py check`: each of MODULES has a check() that returns complaints."""
import importlib

NAMES = ("boot_expectations", "bug_table", "console_lines", "error_codes", "invalidations", "layer_table",
         "plain_words", "quoted_chains")


def __getattr__(name):
    """MODULES is made when it is asked for, so that one check can be run alone: python3 -m tests.checks.NAME."""
    if name != "MODULES":
        raise AttributeError(name)
    return tuple(importlib.import_module(f"{__name__}.{module}") for module in NAMES)
