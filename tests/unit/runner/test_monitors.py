"""The monitor of live page tables finds wrong tables and missing protection, and skips guests."""
import unittest

from tests.qemu.monitors import LiveTables

CODE, STACK = 0x7000, 0x9000


def cpu(number, rip=CODE, ring=0, cr3=0x1000, cr0=0x80010033):
    return (f"CPU#{number}\nRIP={rip:016x} RFL=00000046 CPL={ring} II=0\n"
            f"CR0={cr0:08x} CR2=0000000000000000 CR3={cr3:016x} CR4=00000020\nEFER=0000000000000d00\n")


class Registers(unittest.TestCase):
    def setUp(self):
        self.tables = LiveTables((), 2)
        self.tables.pages = {CODE: (0x1000, True, False), STACK: (0x2000, False, True)}

    def complaints(self, *cpus):
        self.tables.note_registers("\n".join(cpus))
        return " ".join(self.tables.check_registers())

    def test_processors_on_the_same_tables_are_fine(self):
        self.assertEqual(self.complaints(cpu(0), cpu(1)), "")
        self.assertEqual(sorted(self.tables.registers), [0, 1])

    def test_tables_of_its_own_and_a_missing_protection_are_seen(self):
        self.assertIn("different tables: {0: '0x1000', 1: '0x5000'}", self.complaints(cpu(0), cpu(1, cr3=0x5000)))
        self.assertIn("CR0.WP is off on core 1", self.complaints(cpu(1, cr0=0x80000033)))

    def test_a_guest_is_not_taken_for_the_kernel(self):
        for outside in (cpu(1, ring=3), cpu(1, rip=0x401000, cr3=0x5000), cpu(1, rip=STACK)):
            self.assertEqual(self.complaints(cpu(0), outside), "")
            self.assertEqual(sorted(self.tables.registers), [0])


if __name__ == "__main__":
    unittest.main()
