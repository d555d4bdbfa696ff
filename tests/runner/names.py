"""The names of all tests, read from their sources: a filter that fits none is refused before anything is built."""
import argparse
import importlib
import re
import unittest

from tests.runner import scenario, target_checks
from tests.runner.tally import Tally
from tools.rl.common import ROOT, Stop, USAGE
from tools.rl.suggest import meant

PYTHON_TESTS = ("tests/unit/tools", "tests/unit/runner", "tests/unit/checks")
GOOGLE_TEST = re.compile(r"^(?:TEST|TEST_F)\((\w+), *(\w+)\)", re.M)
CHAINS = ("host chains are the same at every optimisation", "host chains are read back with their hashes")


def each(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from each(test)
        else:
            yield test


def python_tests():
    for folder in PYTHON_TESTS:
        yield from each(unittest.TestLoader().discover(str(ROOT / folder), top_level_dir=str(ROOT)))


def of_the_host(long):
    for path in sorted((ROOT / "tests/unit").rglob("*.cpp")):
        yield from (f"host {suite}.{test}" for suite, test in GOOGLE_TEST.findall(path.read_text()))
    yield from (f"tools {test.id()}" for test in python_tests())
    yield from (f"fuzz {path.stem}" for path in sorted((ROOT / "tests/fuzz_entries").glob("*.cpp")))
    yield from CHAINS
    yield from (f"target {name}" for name, _ in target_checks.commands())
    if long:
        yield "mutation"


def of_boots(long):
    rows, functions = scenario.chosen(Tally(), long)
    yield from (f"boot {row.name}" for row in rows)
    yield from map(scenario.command_name, functions)
    if long:
        yield from (scenario.command_name(function)
                    for function, _ in importlib.import_module("tests.qemu.commands").UNTRIED)


def every(arguments):
    if arguments.host or not arguments.boot:
        yield from of_the_host(arguments.long)
    if arguments.boot or not arguments.host:
        yield from of_boots(arguments.long)


def words_of(names):
    """Parts of names that somebody may have mistyped."""
    return {word for name in names for word in (name, *re.split(r"[\s.:,_]+", name)) if len(word) > 2}


def refuse(arguments):
    names, tally = list(every(arguments)), Tally(arguments.filter)
    if tally.fits(names):
        return
    if not arguments.long and tally.fits(every(argparse.Namespace(**{**vars(arguments), "long": True}))):
        raise Stop(USAGE, f"{arguments.filter!r} names long tests only: add --long")
    kind = "host " if arguments.host and not arguments.boot else "boot " if arguments.boot else ""
    raise Stop(USAGE, f"no {kind}test's name contains {arguments.filter!r}{meant(arguments.filter, words_of(names))}")
