"""What looks into a machine while it boots: breaks its ACPI tables, walks its live page tables."""
import struct

from tools.rl.monitor import DebugPort

BOOT_SECTOR = 0x7C00
SEARCHED = 128 << 10            # SeaBIOS puts QEMU's tables into the last 128 KiB of memory below 4 GiB
MEMORY = 512 << 20


class DamagedAcpi:
    """Stops where the boot sector begins, when the firmware's tables are complete, and spoils the MADT."""

    def __init__(self, spoil):
        self.spoil = spoil

    @classmethod
    def bad_checksum(cls):
        return cls(lambda table: table[:9] + bytes([table[9] ^ 1]) + table[10:])

    @classmethod
    def bad_length(cls):
        return cls(lambda table: table[:4] + struct.pack("<I", 0xFFFFFF00) + table[8:])

    def arguments(self, folder):
        return DebugPort.arguments(folder / "gdb")

    def run(self, session, folder):
        port = DebugPort(folder / "gdb")
        port.run_to(BOOT_SECTOR)
        start = MEMORY - SEARCHED
        memory = port.read(start, SEARCHED)
        at = memory.find(b"APIC")
        while at >= 0 and not self._is_table(memory[at:]):
            at = memory.find(b"APIC", at + 1)
        if at < 0:
            session.kill("the probe found no MADT")
            return "the probe found no MADT"
        port.write(start + at, self.spoil(memory[at:at + 44]))
        port.detach()
        return ""

    @staticmethod
    def _is_table(memory):
        size, = struct.unpack_from("<I", memory, 4)
        return 44 <= size < 4096 and sum(memory[:size]) & 0xFF == 0
