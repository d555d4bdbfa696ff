"""Machines that start their kernel again without the firmware: any number of times, from every way in."""
import re
import time

from tests.qemu import console_lines as lines, verdicts, ways
from tests.qemu.chains_expected import ANY, Error, Origin
from tests.qemu.monitors import Typed
from tests.runner.scenario import SIGNS_OF_FAILURE, Scenario
from tools.rl.machines.monitor import DebugPort
from tools.rl.machines.qemu import Machine

FUZZED = (r"^\{'type': 'end', 'status': 'ok'",)
RESETS = ["-action", "reboot=reset"]        # a reset starts the firmware again, rather than ending QEMU


def busy_since(session, starts):
    """So many boot records have come, and since the last one every core has a few cases."""
    return session.heard["boot"] == starts and verdicts.all_cores_busy(session.latest.get("stats", {"type": ""}))


class Reboots:
    """Types the commands, `reboot` being the last, several times: each time when every core of the machine fuzzes."""

    def __init__(self, times, commands):
        self.times = times
        self.commands = commands

    def arguments(self, _folder):
        return []

    def run(self, session, _folder):
        for starts in range(1, self.times + 2):
            if not Typed.wait(session, lambda: busy_since(session, starts)):
                return f"it did not fuzz after {starts - 1} reboots"
            if starts <= self.times:
                for command in self.commands:
                    session.type(command)
                    time.sleep(0.1)         # so that one command has been read before the next
        session.stop()
        return ""


def starts(outcome):
    """The records of each start of the kernel."""
    found = []
    for record in outcome.records:
        if record["type"] == "boot":
            found.append([])
        if found:
            found[-1].append(record)
    return found


def starts_again(times, before, cores):
    """Each start has its own base, all memory and work for so many cores; what comes before stage2 came once."""
    def verdict(outcomes):
        text = outcomes[0].text
        bases = re.findall(r"^6 kernel at (0x[0-9a-f]+)", text, re.M)
        if len(bases) != times + 1 or len(set(bases)) != len(bases):
            return f"the kernel was at {bases}"
        came = re.findall(r"^[123] .*", text, re.M)
        if len(came) != before:
            return f"before stage2 came {came}"
        boots = [records[0] for records in starts(outcomes[0])]
        if len({boot["frames_used"] + boot["frames_free"] for boot in boots}) != 1:
            return f"frames come or go: {boots}"
        used = [boot["frames_used"] for boot in boots]
        if max(used) > 1.05 * min(used):    # how many tables there are depends on the layout
            return f"each start uses another number of frames: {used}"
        busy = [any(verdicts.all_cores_busy(record) and len(record["cores"]) == cores for record in records)
                for records in starts(outcomes[0])]
        return "" if all(busy) else f"every core fuzzed in these starts only: {busy}"
    return verdict


def _reboots(name, machine, before, times=3, commands=("reboot",), working=None, **more):
    """`before`: so many lines of stage0, stage1 and the loader, once; `working`: cores that fuzz, if not all."""
    cores = working or machine.cpus
    return Scenario(f"reboots without the firmware: {name}", machine, options={"seed": 1, "cpus": cores},
                    timeout=180, monitor=lambda: Reboots(times, commands), must=FUZZED,
                    verdict=starts_again(times, before, cores), **more)


class CorruptKernel:
    """Changes a byte of the kernel's file, where stage1 loaded it, in a machine that fuzzes; then types `reboot`."""

    FILE = 16 << 20

    def arguments(self, folder):
        return DebugPort.arguments(folder / "gdb")

    def run(self, session, folder):
        port = DebugPort(folder / "gdb")
        port.resume()
        if not Typed.wait(session, lambda: busy_since(session, 1)):
            return "it did not fuzz"
        port.pause()
        port.physical()
        byte, = port.read(self.FILE + 0x5000, 1)
        port.write(self.FILE + 0x5000, bytes([byte ^ 1]))
        port.detach()
        session.type("reboot")
        if not Typed.wait(session, lambda: busy_since(session, 2)):
            return "it did not fuzz again"
        session.stop()
        return ""


class ResetBecause:
    """This error, then the line that announces the reset, then a boot from the firmware on."""

    def __init__(self, error):
        self.error = error
        self.behind = lines.RESET.pattern() + r"[\s\S]*^1 stage0$[\s\S]*" + lines.KERNEL_AT.pattern()

    def __str__(self):
        return f"{self.error}, then {self.behind}"

    def found_in(self, text):
        chain = self.error.chain_in(text)
        behind = "\n".join(text.splitlines()[chain.at:]) if chain else ""
        return re.search(self.behind, behind, re.M) is not None


def _resets(name, error, machine, monitor):
    """A machine that cannot be started again from memory is reset, and a chain says why."""
    machine.extra = RESETS
    return Scenario(f"resets {name}", machine, options={"seed": 1}, timeout=180, monitor=monitor,
                    must=(ResetBecause(error), *FUZZED),
                    must_not=[sign for sign in SIGNS_OF_FAILURE if "error" not in sign])


REBOOTS = [
    _reboots("BIOS, one core", Machine(cpus=1), 3),
    _reboots("BIOS, four cores", Machine(cpus=4), 3),
    _reboots("BIOS, ten times", Machine(), 3, times=10),
    _reboots("BIOS, eight cores with 64 MiB", Machine(cpus=8, memory="64M"), 3),
    _reboots("BIOS, 6 GiB", Machine(machine="q35", disk="ahci", memory="6G"), 3),
    _reboots("BIOS, while it is paused", Machine(), 3, commands=("pause", "reboot")),
    _reboots("BIOS, with cores that have no work", Machine(cpus=4), 3, working=2),
    _reboots("UEFI, one core", Machine(cpus=1, machine="q35", disk="usb", firmware="uefi"), 2),
    _reboots("UEFI, four cores", Machine(cpus=4, machine="q35", disk="usb", firmware="uefi"), 2),
    _reboots("PVH", Machine(cpus=4, disk="kernel"), 1, way="elf"),
    _reboots("PVH, microvm without ACPI", Machine(cpus=1, disk="kernel", machine="microvm,acpi=off", vga="none"), 1,
             way="elf"),
    _reboots("Multiboot2, GRUB's rescue CD", Machine(cpus=4, disk="cd"), 1, way="elf",
             wrapped=ways.grub_rescue("multiboot2")),
    _reboots("BIOS, CD", Machine(disk="cd"), 3, times=1, way="iso"),
    _reboots("PXE", Machine(disk="network", bootfile="raclette.pxe"), 3, times=1, way="lkrn"),
    _reboots("QEMU's Linux loader", Machine(disk="kernel"), 2, way="lkrn"),
    _resets("a machine that kept nothing", Error("kernel.not_kept", core=ANY), Machine(memory="18M"),
            lambda: Reboots(1, ("reboot",))),
    _resets("a machine whose kernel's file was corrupted",
            Error("boot.damaged", Origin("kernel/boot_memory.cpp"), core=ANY), Machine(), CorruptKernel),
]
