"""What boards do to a kernel: interrupts that it never asked for, machine checks, NMIs, devices left running."""
import struct
import time

from tests.qemu import console_lines as lines, monitors, other_loaders, verdicts, ways
from tests.qemu.chains_expected import ANY, Error, Origin
from tests.runner.scenario import Scenario
from tools.rl.common import SYSTEM_FAILED
from tools.rl.machines.monitor import DebugPort, Monitor
from tools.rl.machines.qemu import Machine

FUZZED = (r"^\{'type': 'end', 'status': 'ok'",)
PATIENCE = 100                  # seconds


def last_stats(outcome):
    return outcome.of_type("stats")[-1]


def wait(session, happened):
    deadline = time.monotonic() + PATIENCE
    while not happened() and session.qemu.process.poll() is None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return session.qemu.process.poll() is None


class StrayInterrupts:
    """Lets the PIT's line arrive with a vector that no code knows: at the boot sector, and while the machine fuzzes."""
    IO_APIC, ENTRY, VECTOR = 0xFEC00000, 2, 0x68    # the PIT is wired to entry 2

    def arguments(self, folder):
        return DebugPort.arguments(folder / "gdb")

    def entry(self, port):
        port.write(self.IO_APIC, struct.pack("<I", 0x10 + 2 * self.ENTRY))
        return struct.unpack("<I", port.read(self.IO_APIC + 0x10, 4))[0]

    def unmask(self, port):
        port.write(self.IO_APIC, struct.pack("<I", 0x10 + 2 * self.ENTRY))
        port.write(self.IO_APIC + 0x10, struct.pack("<I", self.VECTOR))

    def run(self, session, folder):
        port = DebugPort(folder / "gdb")
        port.run_to(monitors.BOOT_SECTOR)
        port.physical()
        self.unmask(port)
        port.resume()
        if not wait(session, lambda: session.heard["stats"]):
            return "the machine does not fuzz"
        port.pause()
        at_first = self.entry(port)
        self.unmask(port)
        port.resume()
        before = session.heard["stats"]
        if not wait(session, lambda: session.heard["stats"] > before + 1):
            return "no statistics came after the interrupt"
        port.pause()
        after = self.entry(port)
        port.resume()
        session.stop()
        unmasked = [name for name, entry in (
            ("at the boot", at_first), ("by the interrupt", after)) if not entry >> 16 & 1]
        return f"the entry was not masked {' and '.join(unmasked)}" if unmasked else ""


def strays_are_counted(outcomes):
    counted = last_stats(outcomes[0])["stray_interrupts"]
    said = outcomes[0].text.count("stray interrupt: vector 0x68 ")
    if not counted or said != 1:
        return f"{counted} stray interrupts counted, {said} reported"
    return verdicts.every_core_fuzzed(outcomes)


class Typed:
    """One command on QEMU's monitor while the machine fuzzes; `goes_on`: it does so afterwards."""

    def __init__(self, command, goes_on=False):
        self.command, self.goes_on = command, goes_on

    def arguments(self, folder):
        return Monitor.arguments(folder / "qmp")

    def run(self, session, folder):
        monitor = Monitor(folder / "qmp")
        if not wait(session, lambda: session.heard["stats"]):
            return "the machine does not fuzz"
        before = session.heard["stats"]
        monitor.human(self.command)
        if self.goes_on:
            # Core 0's tick comes once a second, as statistics do.
            if not wait(session, lambda: session.heard["stats"] > before + 2):
                return "the machine does not go on"
            session.stop()
        return ""


def typed(command, **more):
    return lambda: Typed(command, **more)


# mce CPU BANK STATUS MCG_STATUS ADDRESS MISC. Of the status: valid, enabled, MISC and ADDR valid; and, of the second,
# uncorrected and context corrupt.
CORRECTED = "mce 0 5 0x9c00000000000100 0x0 0x1234000 0x8c"
FATAL = "mce 0 5 0xbd00000000000100 0x5 0x1234000 0x8c"


def errors_are_counted(outcomes):
    counted = last_stats(outcomes[0])["hardware_errors"]
    return f"{counted} errors counted" if counted != 1 else verdicts.every_core_fuzzed(outcomes)


class BusMasters:
    """Reads each PCI function's command register on a machine that fuzzes."""
    BUS_MASTER = 1 << 2
    DISPLAY, BRIDGE = 3, 6

    def __init__(self):
        self.found = []

    def arguments(self, folder):
        return Monitor.arguments(folder / "qmp")

    @staticmethod
    def read(monitor, device, function, offset):
        monitor.human(f"o /w 0xcf8 {1 << 31 | device << 11 | function << 8 | offset:#x}")
        return int(monitor.human("i /w 0xcfc").split("=")[1], 0)

    def run(self, session, folder):
        monitor = Monitor(folder / "qmp")
        if not wait(session, lambda: session.heard["stats"]):
            return "the machine does not fuzz"
        monitor.pause()
        masters = []
        for device in range(32):
            for function in range(8):
                if self.read(monitor, device, function, 0) == 0xFFFFFFFF:
                    continue
                kind = self.read(monitor, device, function, 8) >> 24
                self.found.append(kind)
                if kind not in (self.DISPLAY, self.BRIDGE) and \
                        self.read(monitor, device, function, 4) & self.BUS_MASTER:
                    masters.append(f"{device}.{function}")
        monitor.resume()
        session.stop()
        if not set(self.found) - {self.DISPLAY, self.BRIDGE}:
            return "there is no device"
        return f"bus masters: {' '.join(masters)}" if masters else ""


def _quiet(name, machine, **more):
    return Scenario(f"hardware: no device writes to memory, {name}", machine, options={"seed": 1}, timeout=180,
                    must=(lines.DEVICES_STOPPED.pattern(), *FUZZED), monitor=BusMasters, **more)


HARDWARE = [
    Scenario("hardware: stray interrupts before and after the start", Machine(cpus=2), options={"seed": 1}, timeout=180,
             monitor=StrayInterrupts, must=FUZZED, verdict=strays_are_counted),
    Scenario("hardware: a corrected machine check is counted", Machine(cpus=2), options={"seed": 1}, timeout=180,
             monitor=typed(CORRECTED, goes_on=True), must=(lines.HARDWARE_ERROR.pattern("corrected", 0, 5), *FUZZED),
             verdict=errors_are_counted),
    Scenario("hardware: a fatal machine check is a chain", Machine(cpus=2), options={"seed": 1}, timeout=180,
             monitor=typed(FATAL), status=SYSTEM_FAILED, must_not=(lines.ANOTHER_FAILURE.pattern(),),
             must=(Error("kernel.machine_check", Origin("kernel/entry/machine_check.cpp", fields={
                 "bank": 5, "status": 0xBD00000000000100, "address": 0x1234000})), lines.STOPPED.pattern())),
    Scenario("hardware: an NMI of the board says where it came from", Machine(cpus=2), options={"seed": 1}, timeout=180,
             monitor=typed("nmi"), status=SYSTEM_FAILED, must_not=(lines.ANOTHER_FAILURE.pattern(),),
             must=(Error("kernel.unexpected_exception", Origin(lines.TRAPS, fields={"vector": 2}), core=ANY),
                   lines.STOPPED.pattern())),
    _quiet("BIOS and AHCI", Machine(cpus=1, machine="q35", disk="ahci")),
    _quiet("UEFI with a network card", Machine(cpus=1, machine="q35", disk="virtio", firmware="uefi", extra=[
        "-netdev", "user,id=net", "-device", "e1000,netdev=net"])),
    ways.fuzzes("the usual page to start cores is not usable", "lkrn", Machine(cpus=2, cpu="max"), ways.BY_LINUX,
                wrapped=other_loaders.enters(other_loaders.linux_entry, 4, reserved=0x8000)),
]
