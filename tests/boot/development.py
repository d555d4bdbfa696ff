"""The development build: every check on, -O1. It runs what the daily build runs, and minds what that one trusts."""
from tests.boot import judge
from tools.rl.common import DEBUG, SYSTEM_FAILED
from tools.rl.qemu import Machine
from tools.rl.scenario import Scenario

DEVELOPMENT = [
    Scenario("the development build fuzzes", Machine(), folder=DEBUG, options={"seed": 1, "cases": 2000}, timeout=120,
             must=(r"^\{'type': 'end', 'status': 'ok'",), judge=judge.every_core_fuzzed),
    Scenario("the development build's own tests on four cores", Machine(cpus=4), folder=DEBUG, options={"test": "*"},
             timeout=300, judge=judge.tests_ran, long=True),
    Scenario("the development build minds clean bits that lie", Machine(cpus=1), folder=DEBUG,
             options={"plant": "changed-behind-clean-bits"}, status=SYSTEM_FAILED,
             must=(r"^error svm\.stale_clean_area on core 0\b", r"^panic: stopped$"), must_not=()),
    # The emulator forgives the same plant, and what SVM keeps for good is no leftover.
    Scenario("the daily build trusts its clean bits", Machine(cpus=1), options={"plant": "changed-behind-clean-bits"},
             status=SYSTEM_FAILED, must=(r"^error kernel\.test_failed ", r"a planted bug went unnoticed"),
             must_not=(r"stale_clean_area",)),
]
