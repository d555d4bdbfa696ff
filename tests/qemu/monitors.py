"""Monitors of a machine that runs: they change its ACPI tables, walk its live page tables, type commands."""
import re
import struct
import time

from tools.rl.machines.monitor import DebugPort, Monitor

BOOT_SECTOR = 0x7C00
SEARCHED = 128 << 10            # SeaBIOS puts QEMU's tables into the last 128 KiB of memory below 4 GiB
MEMORY = 512 << 20


class AtBootSector:
    """Stops where the boot sector begins, when the firmware has done its work, and changes what is there."""

    def __init__(self, change):
        self.change = change            # (DebugPort) -> None

    def arguments(self, folder):
        return DebugPort.arguments(folder / "gdb")

    def run(self, session, folder):
        port = DebugPort(folder / "gdb")
        port.run_to(BOOT_SECTOR)
        port.physical()
        try:
            self.change(port)
        except ValueError as error:
            session.kill(str(error))
            return str(error)
        port.detach()
        return ""


def signed(table, at=9):
    """This table with a right checksum."""
    table = bytearray(table)
    table[at] = (table[at] - sum(table)) & 0xFF
    return bytes(table)


def _is_madt(memory):
    size, = struct.unpack_from("<I", memory, 4)
    return memory[:4] == b"APIC" and 44 <= size < 4096 and sum(memory[:size]) & 0xFF == 0


def find_madt(port, low_end):
    """(address, bytes) of the table in the memory below `low_end`."""
    memory = port.read(low_end - SEARCHED, SEARCHED)
    for found in re.finditer(b"APIC", memory[:-44]):
        if _is_madt(memory[found.start():]):
            size, = struct.unpack_from("<I", memory, found.start() + 4)
            return low_end - SEARCHED + found.start(), memory[found.start():found.start() + size]
    raise ValueError("the monitor found no MADT")


def corrupt_acpi(spoil, low_end=MEMORY):
    """A monitor that puts spoil(MADT) in the MADT's place."""
    def change(port):
        at, table = find_madt(port, low_end)
        port.write(at, spoil(table))
    return lambda: AtBootSector(change)


LOCAL_APIC = 8                  # bytes of one


def every_core_claims_to_be_there(table):
    """Every entry for a processor that could be plugged in later says that it may be started."""
    table = bytearray(table)
    at = 44
    while at < len(table):
        if table[at] == 0:
            table[at + 4] |= 1
        at += table[at + 1]
    return signed(table)


def the_core_that_runs_comes_last(table):
    """The same, and the entry of the one core that is there comes last."""
    table = every_core_claims_to_be_there(table)
    return table[:44] + table[44 + LOCAL_APIC:] + table[44:44 + LOCAL_APIC]


BAD_CHECKSUM = corrupt_acpi(lambda table: table[:9] + bytes([table[9] ^ 1]) + table[10:])
BAD_LENGTH = corrupt_acpi(lambda table: table[:4] + struct.pack("<I", 0xFFFFFF00) + table[8:])
ABSENT_CORES = corrupt_acpi(every_core_claims_to_be_there)
ABSENT_CORES_IN_1_GIB = corrupt_acpi(every_core_claims_to_be_there, 1 << 30)
CORE_BEHIND_MANY = corrupt_acpi(the_core_that_runs_comes_last, 2 << 30)

FAR = 5 << 30                   # where a machine with 6 GiB has memory
NEAR = 0x60000                  # memory that no stage uses
LOW_END = 3 << 30               # of such a machine
BIOS_ROM, BIOS_ROM_BYTES = 0xE0000, 0x20000


def far_acpi(root_table=FAR, madt=FAR):
    """A monitor that makes the firmware's root pointer one of revision 2, to an XSDT and a MADT at these places. The
    RSDT stays where it was."""
    def change(port):
        _, table = find_madt(port, LOW_END)
        port.write(madt + 0x1000, table)
        port.write(root_table, signed(struct.pack("<4sI28sQ", b"XSDT", 44, b"\1", madt + 0x1000)))
        rom = port.read(BIOS_ROM, BIOS_ROM_BYTES)
        at = rom.index(b"RSD PTR ")
        root = signed(rom[at:at + 8] + b"\0" + rom[at + 9:at + 15] + b"\2" + rom[at + 16:at + 20], 8)
        port.write(BIOS_ROM + at, signed(struct.pack("<20sIQ4s", root, 36, root_table, b""), 32))
    return lambda: AtBootSector(change)


class LiveTables:
    """Pauses a machine that fuzzes and reads the kernel's page tables through the monitor (`info tlb`), and each
    processor's control registers while it is in the kernel."""

    PAGE = re.compile(r"^([0-9a-f]{16}): ([0-9a-f]{16}) ([X-])([G-])([P-])([D-])([A-])([C-])([T-])([U-])([W-])", re.M)
    TRIES = 500                 # to find each processor in the kernel and not in its guest
    WRITE_PROTECT = 1 << 16
    NO_EXECUTE = 1 << 11
    REGISTERS = ("CR0", "CR3", "CR4", "EFER")
    CR4 = {"umip": 1 << 11, "smep": 1 << 20, "smap": 1 << 21}

    def __init__(self, features, cores):
        self.features = features
        self.cores = cores
        self.pages = {}         # virtual page -> (physical, executable, writable)
        self.registers = {}     # core -> its value of each of REGISTERS

    @classmethod
    def of(cls, features, cores=2):
        """Made for each boot; `features`: what this model of processor can forbid, of CR4's names."""
        return lambda: cls(features, cores)

    def arguments(self, folder):
        return Monitor.arguments(folder / "qmp")

    def run(self, session, folder):
        monitor = Monitor(folder / "qmp")
        while "stats" not in session.heard and session.qemu.process.poll() is None:
            time.sleep(0.1)
        for _ in range(self.TRIES):
            monitor.pause()
            if not self.pages and "CPL=0" in monitor.human("info registers"):
                tables = monitor.human("info tlb")
                self.pages = {int(m[1], 16): (int(m[2], 16), m[3] == "-", m[11] == "W")
                              for m in self.PAGE.finditer(tables)}
                found = self.check_tables(tables)
            self.note_registers(monitor.human("info registers -a"))
            if self.pages and len(self.registers) == self.cores:
                break
            monitor.resume()
            time.sleep(0.02)
        else:
            return f"only processors {sorted(self.registers)} were ever seen in the kernel"
        found += self.check_registers()
        monitor.resume()
        session.stop()
        return "; ".join(found[:5])

    def note_registers(self, text):
        """Of each processor that is in the kernel's code; a guest has ring 0 and tables of its own."""
        for block in re.split(r"^CPU#", text, flags=re.M)[1:]:
            value = {name: int(re.search(rf"\b{name}\s*=\s*([0-9a-f]+)", block)[1], 16)
                     for name in ("RIP", *self.REGISTERS)}
            _, executable, _ = self.pages.get(value["RIP"] & ~0xFFF, (0, False, False))
            if "CPL=0" in block and executable:
                self.registers[int(block.split()[0])] = value

    def check_registers(self):
        found = []
        for core, value in sorted(self.registers.items()):
            if not value["CR0"] & self.WRITE_PROTECT:
                found.append(f"CR0.WP is off on core {core}")
            if not value["EFER"] & self.NO_EXECUTE:
                found.append(f"EFER.NXE is off on core {core}")
            found += [f"CR4.{name.upper()} is off on core {core}" for name in self.features
                      if not value["CR4"] & self.CR4[name]]
        roots = {core: hex(value["CR3"]) for core, value in sorted(self.registers.items())}
        if len(set(roots.values())) != 1:
            found.append(f"the cores use different tables: {roots}")
        return found

    def check_tables(self, text):
        found = []
        for match in self.PAGE.finditer(text):
            virtual, physical = int(match[1], 16), int(match[2], 16)
            if match[3] == "-" and match[11] == "W":
                found.append(f"{virtual:#x} is writable and executable")
            if match[10] == "U":
                found.append(f"{virtual:#x} is open to ring 3")
            if virtual == physical:
                found.append(f"{virtual:#x} is mapped to itself")
            if match[5] == "P":
                found.append(f"{virtual:#x} is a large page")
        if not self.pages:
            found.append("no page is mapped: the tables were not read")
        return found


class Both:
    """One monitor and then another, whose results it has."""

    def __init__(self, first, second):
        self.first, self.second = first, second

    def arguments(self, folder):
        return self.first.arguments(folder) + self.second.arguments(folder)

    def run(self, session, folder):
        return self.first.run(session, folder) or self.second.run(session, folder)

    def __getattr__(self, name):
        return getattr(self.second, name)


class Typed:
    """Types commands on the serial line of a machine that fuzzes, each when the one before has been answered."""

    def __init__(self, commands, then=None):
        self.commands = commands    # (command, pattern of the line that ends its answer)
        self.then = then

    def arguments(self, _folder):
        return []

    def run(self, session, _folder):
        self.wait(session, lambda: session.heard["stats"])
        for command, pattern in self.commands:
            before = self.count(session, pattern)
            session.type(command)
            if not self.wait(session, lambda: self.count(session, pattern) > before):
                return f"{command} was not answered"
        if self.then:
            complaint = self.then(session)
            if complaint:
                return complaint
        session.stop()
        return ""

    @staticmethod
    def count(session, pattern):
        return sum(bool(re.search(pattern, line)) for line in list(session.recent))

    @staticmethod
    def wait(session, happened):
        while not happened():
            if session.qemu.process.poll() is not None:
                return False
            time.sleep(0.05)
        return True


def fuzzes_again(session):
    """Statistics of another start, or of a run that went on, arrive."""
    before = session.heard["stats"]
    return "" if Typed.wait(session, lambda: session.heard["stats"] >= before + 2) else "it does not fuzz any more"
