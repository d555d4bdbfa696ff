"""Commands typed on the serial line of a machine that fuzzes (docs/inside.md): each is answered, records stay whole.

What is matched of the answers is what docs/inside.md documents for people.
"""
from tests.qemu import console_lines as lines, monitors
from tests.runner.scenario import SIGNS_OF_FAILURE, Scenario
from tools.rl.common import OK, SYSTEM_FAILED
from tools.rl.machines.qemu import Machine

FUZZED = (r"^\{'type': 'end', 'status': 'ok'",)
LAST_HELP, LAST_MAPS = r"^help: quit", r"^maps: nested: "
BROKEN_RECORD = r'^\{"|^[^{]*"type":'      # a record in pieces, or behind something else, is only text


def _typed(name, commands, must, machine=None, then=monitors.fuzzes_again, status=OK, must_end=FUZZED, **more):
    """Commands on the serial line: each is answered, no record is broken, and the machine fuzzes on."""
    return Scenario(f"the console {name}", machine or Machine(), options={"seed": 1}, timeout=120, status=status,
                    monitor=lambda: monitors.Typed(commands, then), must=(*must, *must_end),
                    must_not=(*SIGNS_OF_FAILURE, BROKEN_RECORD), **more)


CONSOLE = [
    _typed("answers each command", [("help", LAST_HELP), ("stats", r"^stats: \d+ exits"), ("cores", r"^cores: core 1"),
                                 ("heap", r"^heap: \d+ bytes in \d+ blocks of kernel::"),
                                 ("errors", r"^errors: core 1"), ("maps", LAST_MAPS),
                                 ("trace", r"^trace: end$")],
           (r"^stats: [1-9]\d* cases, \d+ kinds of crash", r"^cores: core 0: APIC id 0, [1-9]",
            r"^heap: frames of heap: [1-9]", r"^heap: frames of snapshot: ",
            r"^map host [0-9a-f]{16} [0-9a-f]{16} [1-9]\d* (up|down) r-x wb boot kernel image",
            r"^map host [0-9a-f]{16} 00000000fee00000 1 up rw- uc none local APIC",
            r"^map nested [0-9a-f]{16} [0-9a-f]{16} [1-9]\d* (up|down) rwx wb guest_private",
            r"^trace 0 \d+ B guest vmcb 0x[1-9a-f]\w* rip 0x", r"^trace 1 \d+ E guest exit_code 0x",
            r"^trace 0 \d+ E reset dirty_pages_so_far 0x", r"^trace: core 1 has 512 of \d+ records, [1-9]\d* ticks",
            r"^errors: core 0 has 0 of \d+ frames in use")),
    _typed("answers an unknown command with help",
           [("hlep", LAST_HELP), ("longer than any command there is", LAST_HELP)],
           (r"^help: stats ",)),
    _typed("pauses and resumes every core", [("pause", "^console: paused$"), ("cores", r"^cores: core 1.*, \w+$"),
                                             ("resume", "^console: resumed$")], ()),
    _typed("ends the run while it is paused", [("pause", "^console: paused$")], (), then=lambda session: ""),
    _typed("halts the machine", [("halt", "^console: halted: every core has stopped$")], (), then=lambda session: "",
           must_end=()),
]

TRACED = [
    Scenario("a panic prints the end of the trace", Machine(cpus=2), options={"inject": "vmrun"}, status=SYSTEM_FAILED,
             must=(r"^trace 0 \d+ B guest vmcb 0x[\s\S]*" + lines.STOPPED.pattern(),), must_not=()),
]
