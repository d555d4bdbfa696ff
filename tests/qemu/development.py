"""The development build: every check on, -O1. It runs what the daily build runs, and minds what that one trusts."""
from dataclasses import replace

from tests.qemu import injected_bugs, verdicts
from tests.runner.scenario import Scenario, boot
from tools.rl.common import DEBUG, SYSTEM_FAILED
from tools.rl.machines.qemu import Machine
from tools.rl.results import chains


def told(outcome):
    """The chains of one boot as `build.py explain` groups them."""
    return [(chain.code, chain.hash()) for chain in chains.read(outcome.text)]


def same_in_both_builds(plant):
    """One planted failure gives the same chain and the same hash, however the kernel was compiled."""
    row = injected_bugs.scenario(next(bug for bug in injected_bugs.BUGS if bug.plant == plant))

    def judged(outcomes):
        development, daily = told(outcomes[0]), told(boot(row))
        return "" if development == daily != [] else f"the development build tells {development}, the daily one {daily}"
    return replace(row, name=f"{plant} is told alike by both builds", folder=DEBUG, judge=judged)


DEVELOPMENT = [
    Scenario("the development build fuzzes", Machine(), folder=DEBUG, options={"seed": 1, "cases": 2000}, timeout=120,
             must=(r"^\{'type': 'end', 'status': 'ok'",), judge=verdicts.every_core_fuzzed),
    Scenario("the development build's own tests on four cores", Machine(cpus=4), folder=DEBUG, options={"test": "*"},
             timeout=300, judge=verdicts.tests_ran, long=True),
    Scenario("the development build minds clean bits that lie", Machine(cpus=1), folder=DEBUG,
             options={"inject": "changed-behind-clean-bits"}, status=SYSTEM_FAILED,
             must=(r"^error svm\.stale_clean_area on core 0\b", r"^panic: stopped$"), must_not=()),
    # The emulator forgives the same plant, and what SVM keeps for good is no leftover.
    Scenario("the daily build trusts its clean bits", Machine(cpus=1), options={"inject": "changed-behind-clean-bits"},
             status=SYSTEM_FAILED, must=(r"^error kernel\.test_failed ", r"an injected bug went unnoticed"),
             must_not=(r"stale_clean_area",)),
    *(same_in_both_builds(plant) for plant in ("read-after-free", "vmrun", "double-free")),
]
