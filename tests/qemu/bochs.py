"""Bochs, the second machine: another BIOS, another processor with AMD-V, one instruction at a time."""
from tests.qemu import monitors, verdicts
from tests.runner.scenario import Scenario
from tools.rl.common import SYSTEM_FAILED
from tools.rl.machines.bochs import Bochs

FUZZED = (r"^3 stage1: all loaded$", r"^\{'type': 'end', 'status': 'ok'")

SECOND = [
    Scenario("Bochs, one core fuzzes", Bochs(), options={"seed": 1, "cases": 200}, timeout=180, must=FUZZED,
             judge=verdicts.every_core_fuzzed),
    Scenario("Bochs, from a CD, one core fuzzes", Bochs(medium="cdrom"), options={"seed": 1, "cases": 200}, way="iso",
             timeout=180, must=FUZZED, judge=verdicts.every_core_fuzzed, long=True),
    Scenario("Bochs, words are typed and answered", Bochs(), options={"seed": 1}, timeout=180, long=True,
             probe=lambda: monitors.Typed([("help", r"^help: quit"), ("stats", r"^stats: \d+ exits")],
                                        lambda session: ""),
             must=(r"^stats: [1-9]\d* cases", r"^\{'type': 'end', 'status': 'ok'")),
    Scenario("Bochs, two cores fuzz", Bochs(cpus=2), options={"seed": 1, "cases": 200}, timeout=300, must=FUZZED,
             judge=verdicts.every_core_fuzzed, long=True),
    Scenario("Bochs, the kernel's own tests on two cores", Bochs(cpus=2), options={"test": "*"}, timeout=400,
             judge=verdicts.tests_ran, long=True),
    Scenario("Bochs, a VMCB that the processor refuses", Bochs(), options={"inject": "vmrun"}, timeout=180,
             status=SYSTEM_FAILED, must=(r"^error svm\.vmrun_refused on core 0\b", r"rule VMRUN is intercepted"),
             must_not=(r"another failure while this one",), long=True),
]
