"""Bochs, the second machine: another BIOS, another processor with AMD-V, one instruction at a time."""
from tests.qemu import console_lines as lines, monitors, verdicts
from tests.qemu.chains_expected import Error
from tests.runner.scenario import Scenario
from tools.rl.common import SYSTEM_FAILED
from tools.rl.machines.bochs import Bochs

FUZZED = (r"^3 stage1: all loaded$", r"^\{'type': 'end', 'status': 'ok'")

VMRUN_REFUSED = Error("svm.vmrun_refused", rule=lines.VMRUN_INTERCEPTED.exactly())
SECOND = [
    Scenario("Bochs, one core fuzzes", Bochs(), options={"seed": 1, "cases": 200}, timeout=180, must=FUZZED,
             verdict=verdicts.every_core_fuzzed),
    Scenario("Bochs, from a CD, one core fuzzes", Bochs(medium="cdrom"), options={"seed": 1, "cases": 200}, way="iso",
             timeout=180, must=FUZZED, verdict=verdicts.every_core_fuzzed, long=True),
    Scenario("Bochs, words are typed and answered", Bochs(), options={"seed": 1}, timeout=180, long=True,
             monitor=lambda: monitors.Typed([("help", r"^help: quit"), ("stats", r"^stats: \d+ exits")],
                                        lambda session: ""),
             must=(r"^stats: [1-9]\d* cases", r"^\{'type': 'end', 'status': 'ok'")),
    Scenario("Bochs, two cores fuzz", Bochs(cpus=2), options={"seed": 1, "cases": 200}, timeout=300, must=FUZZED,
             verdict=verdicts.every_core_fuzzed, long=True),
    Scenario("Bochs, the kernel's own tests on two cores", Bochs(cpus=2), options={"test": "*"}, timeout=400,
             verdict=verdicts.tests_ran, long=True),
    Scenario("Bochs, a VMCB that the processor refuses", Bochs(), options={"inject": "vmrun"}, timeout=180,
             status=SYSTEM_FAILED, must=(VMRUN_REFUSED,), must_not=(lines.ANOTHER_FAILURE.pattern(),), long=True),
]
