"""The development build: every check on, -O1. It runs what the release build runs, and checks what that one trusts."""
from dataclasses import replace

from tests.qemu import console_lines as lines, injected_bugs, verdicts
from tests.qemu.chains_expected import Error
from tests.runner.scenario import Scenario, boot
from tools.rl.common import DEBUG, SYSTEM_FAILED
from tools.rl.machines.qemu import Machine
from tools.rl.results import chains


def grouped(outcome):
    """The chains of one boot as `build.py explain` groups them."""
    return [(chain.code, chain.hash()) for chain in chains.read(outcome.text)]


def same_in_both_builds(name):
    """One injected bug gives the same chain and the same hash, however the kernel was compiled."""
    row = injected_bugs.scenario(next(bug for bug in injected_bugs.BUGS if bug.name == name))

    def verdict(outcomes):
        development, release = grouped(outcomes[0]), grouped(boot(row))
        return "" if development == release != [] else f"the development build: {development}, the release: {release}"
    return replace(row, name=f"{name} is reported alike by both builds", folder=DEBUG, verdict=verdict)


STALE_CLEAN_BITS = {"inject": "changed-behind-clean-bits"}
DEVELOPMENT = [
    Scenario("the development build fuzzes", Machine(), folder=DEBUG, options={"seed": 1, "cases": 2000}, timeout=120,
             must=(r"^\{'type': 'end', 'status': 'ok'",), verdict=verdicts.every_core_fuzzed),
    Scenario("the development build's own tests on four cores", Machine(cpus=4), folder=DEBUG, options={"test": "*"},
             timeout=300, verdict=verdicts.tests_ran, long=True),
    Scenario("the development build finds wrong clean bits", Machine(cpus=1), folder=DEBUG, options=STALE_CLEAN_BITS,
             status=SYSTEM_FAILED, must=(Error("svm.stale_clean_area"), lines.STOPPED.pattern()), must_not=()),
    # An emulator reads the whole VMCB each time; and what SVM keeps for good is no leak.
    Scenario("the release build trusts its clean bits", Machine(cpus=1), options=STALE_CLEAN_BITS,
             status=SYSTEM_FAILED, must=(injected_bugs.unnoticed("changed-behind-clean-bits"),),
             must_not=(r"stale_clean_area",)),
    *(same_in_both_builds(name) for name in ("read-after-free", "vmrun", "double-free")),
]
