"""Hostile memory maps (E820) of a machine with 512 MiB: it fuzzes, or refuses with a reason."""
from tests.qemu import bios_hooks, console_lines as lines, verdicts
from tests.runner.scenario import Scenario
from tools.rl.common import SYSTEM_FAILED
from tools.rl.machines.qemu import Machine

USABLE, RESERVED = 1, 2
VALID, IGNORED = 1, 0           # ACPI 3.0's attribute
MIB = 1 << 20
END = 512 * MIB - (1 << 17)     # SeaBIOS' own tables are behind it
LOW = [(0, 0x9F000, USABLE, VALID), (0x9F000, 0x61000, RESERVED, VALID)]
TABLES = (END, 1 << 17, 3, VALID)


def usable(start, end, attributes=VALID):
    return start, end - start, USABLE, attributes


def pieces(start, end, size):
    return [usable(at, min(at + size, end)) for at in range(start, end, size)]


HIGH = usable(MIB, END)
MAPS = {
    "unsorted": (LOW + [HIGH, TABLES])[::-1],
    "that overlap": [HIGH, usable(MIB, 300 * MIB), (200 * MIB, 50 * MIB, RESERVED, VALID), usable(190 * MIB, END),
                     *LOW, TABLES],
    "of which some are empty": [(20 * MIB, 0, RESERVED, VALID), *LOW, (16 * MIB, 0, USABLE, VALID), HIGH,
                                (0, 0, USABLE, VALID), TABLES],
    "that wrap round": [*LOW, HIGH, (3 << 30, (1 << 64) - (2 << 30), USABLE, VALID), TABLES],
    "that are to be ignored": [*LOW, (16 * MIB, 64 * MIB, RESERVED, IGNORED), HIGH, usable(3 << 30, 4 << 30, IGNORED),
                               TABLES],
    "that only together hold the kernel": [*LOW, usable(17 * MIB, END), usable(MIB, 16 * MIB + 8192),
                                           usable(16 * MIB + 8192, 17 * MIB), TABLES],
    "with a hole at 16 MiB": [*LOW, usable(MIB, 15 * MIB), usable(17 * MIB + 4096, END), TABLES],
    "with reserved memory at 16 MiB": [*LOW, HIGH, (16 * MIB + 4096, 4096, RESERVED, VALID), TABLES],
    "300 in number": LOW + pieces(MIB, 296 * MIB, MIB) + [usable(296 * MIB, END), TABLES],
    "511 in number, all but a few unusable": LOW + [(MIB * 400 + 4096 * i, 4096, RESERVED, VALID)
                                                    for i in range(507)] + [HIGH, TABLES],
}


MACHINES = {"img": Machine(), "lkrn": Machine(disk="network", bootfile="raclette.pxe")}


def _boots_with(what, way, entry_bytes=24):
    return Scenario(f"a memory map with entries {what}, of {entry_bytes} bytes, {way}", MACHINES[way],
                    options={"seed": 1, "cases": 200}, way=way, monitor=bios_hooks.memory_map(MAPS[what], entry_bytes),
                    must=(r"^\{'type': 'end', 'status': 'ok'",), verdict=verdicts.every_core_fuzzed)


TOO_MANY = pieces(MIB, 513 * MIB, MIB)

SCENARIOS = [_boots_with(what, "img") for what in MAPS] + [
    _boots_with("unsorted", "img", entry_bytes=20),
    *[_boots_with(what, "lkrn")
      for what in ("300 in number", "511 in number, all but a few unusable", "that are to be ignored")],
    Scenario("refuses a memory map with 512 entries", Machine(cpus=1), options={}, status=SYSTEM_FAILED,
             monitor=bios_hooks.memory_map(TOO_MANY), must=(lines.stops("stage1", "long_map"),),
             must_not=(r"^4 stage2",)),
]
