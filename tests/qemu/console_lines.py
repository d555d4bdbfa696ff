"""The lines for people that rows expect on the console: all English that the boot tests match stands here.

Each line is written as its source has it; the source is named beside it, and tests/checks/console_lines.py checks
that it stands there. What stage0, stage1 and pxe print when they stop is read from their source at test time.
"""
import re
from dataclasses import dataclass

from tools.rl.common import ROOT

HOLE = re.compile(r"\{\w*\}")   # where a value is printed: {} decimal, {x} and {h} hexadecimal


@dataclass(frozen=True)
class Line:
    """A line as the program that prints it has it in its source, a file or one of a folder; "..." ends a beginning."""
    file: str
    text: str
    before: str = ""            # what the macro LOG puts before it: "stage2: "

    @property
    def whole(self):
        return not self.text.endswith("...")

    @property
    def literal(self):
        """What the source has."""
        return self.text if self.whole else self.text.removesuffix("...")

    def pattern(self, *values, end=None):
        """Matches the line with these values; those left out may be any. `end`: what comes behind a beginning."""
        end = ("$" if self.whole else "") if end is None else end
        parts = [re.escape(part) for part in HOLE.split(self.before + self.literal)]
        values = [*map(str, values), *[r"\S+"] * (len(parts) - 1 - len(values))]
        return "^" + "".join(part + value for part, value in zip(parts, [*values, ""])) + end

    def exactly(self):
        """For a value of a chain that is this text."""
        return re.compile(re.escape(self.literal) + "$")


def log(file, subsystem, text):
    return Line(file, text, f"{subsystem}: ")


def text_behind(file, anchor):
    """The literal behind this in a source, "" when there is none."""
    found = re.search(re.escape(anchor) + r'"([^"]+)"', (ROOT / file).read_text())
    return found[1] if found else ""


# --- the panic path
PANIC, DUMP = "kernel/panic/panic.cpp", "kernel/panic/dump.cpp"
STOPPED = Line(PANIC, "panic: stopped")
ANOTHER_FAILURE = Line(PANIC, "panic: another failure while this one was being reported")
FAILED_TOO = Line(PANIC, "panic: core {} failed too")
WAS_AT = Line(PANIC, "core {} was at...")
NO_ANSWER = Line(PANIC, "core {} does not answer")
BACKTRACE = Line(DUMP, "  backtrace, innermost first:")
HOLDS = Line(DUMP, "  core {} holds...")
IN_THE_KERNEL = r" 0x[0-9a-f]+  kernel\+0x"           # an address, behind one of the lines' beginnings

# --- the watchdog
WATCHDOG = "kernel/panic/watchdog.cpp"
NO_PROGRESS = Line(WATCHDOG, "watchdog: core {} works and has made no progress for {} ticks of core {}")
IS_AT = Line(WATCHDOG, "  core {} is at...")
CALLED_FROM = Line(WATCHDOG, "    from...")
TAKES_NO_NMI = Line(WATCHDOG, "  core {} takes no NMI: its global interrupt flag is clear...")

# --- what the hardware reports of itself
HARDWARE_ERROR = Line("kernel/entry/machine_check.cpp",
                      "hardware: {} error on core {}: bank {}, status {x}, address {x}...")

# --- what leaks and errors in flight are reported with
BLOCKS_OF = log("kernel/introspect/memory_report.cpp", "heap", "{} bytes in {} blocks of {}, {}:{}")
PINNED = Line("mm/window.cpp", "  {} frames are pinned, first from {}, one is {x}")
IN_FLIGHT = log("kernel/introspect/leak_check.cpp", "errors", "in flight on core {}:")

# --- texts that are values in chains: accesses, types of ranges, what an address is, a rule of VMRUN
TRAPS, KERNEL_ENTRY, KERNEL_WORLD = "kernel/entry/traps.cpp", "kernel/entry", "kernel/world.cpp"
READING, WRITING, EXECUTING = (Line(KERNEL_ENTRY, text) for text in ("reading", "writing", "executing"))
IMAGE, BUNDLE, STACK, ARGUMENTS = (
    Line(KERNEL_WORLD, text) for text in ("kernel image", "bundle", "core's stack", "core's arguments"))
INTERRUPT_STACK = Line("kernel/smp/cores.cpp", "interrupt stack")
NOTHING_NEAR = Line("mm/address_lookup.h", "nothing is or was near")
ADDRESS_SPACE_LOCKED = Line("mm/address_space_fault.h", "unknown: another core holds the address space's lock")
VMRUN_INTERCEPTED = Line("svm/check.cpp", "VMRUN is intercepted")
ONLY_IN_TEST_KERNEL = Line("kernel/mode.cpp", "only test_kernel.elf has this mode: boot an image from build/test")

# --- stage2 and the kernel's numbered lines
STAGE2 = "stage2/main.cpp"
CORES = log(STAGE2, "stage2", "{} cores, {} more than this build serves; SRAT {}")
CORE_DOES_NOT_START = log(STAGE2, "stage2", "the core with APIC id {} does not start...")
TABLE_OUT_OF_REACH = log(STAGE2, "stage2", text_behind(STAGE2, "topology.out_of_reach) LOG(stage2, "))
STAGE_STOPS = Line("stage2/console.cpp", "{}: stop")
DEVICES_STOPPED = log("stage2/devices.cpp", "stage2", "{} devices could write to memory: stopped")
ON_THE_WAY = Line("stage2/trampoline.asm", "error boot.unexpected_exception on the way into the kernel, at 0x...")
KERNEL_AT = Line("kernel/main.cpp", "6 kernel at {x}, build {h}, raclette {}")
RESET = log("kernel/campaign/commands.cpp", "console", "resetting the machine: the firmware starts it again")

ALL = {name: line for name, line in globals().items() if isinstance(line, Line)}

# --- the reasons of the programs that have no chains

STOPPING = {"stage0": "stage0/stage0.asm", "stage1": "stage1/stage1.asm", "pxe": "loader/pxe/pxe.asm"}


def text_at(label, file):
    """The text that stands at a label of an assembly source."""
    found = re.search(rf'^{label}:[ \t]*(?:;[^\n]*)?\n?[ \t]*db +"([^"]+)"', (ROOT / file).read_text(), re.M)
    if not found:
        raise ValueError(f"{file} has no text at {label}")
    return found[1]


def stops(program, label):
    """The pattern of the line with which a program stops for the reason at this label of its source."""
    file = STOPPING[program]
    return "^" + re.escape(text_at("stopped", file) + text_at(label, file))
