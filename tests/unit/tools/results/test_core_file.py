"""A core file made of a machine's memory: what both page tables map is in it, and tables that lie are an error."""
import struct
import tempfile
import unittest
from pathlib import Path

from tools.rl.machines.record_types import REGISTERS
from tools.rl.results import core_file
from tools.rl.results.core_file import BadTables, PAGE, PRESENT, USER, WRITABLE

PAGES = 64
NESTED, GUEST = 1, 8            # frames of the nested tables' root, and guest pages of the guest tables' root


class Machine:
    """Physical memory of some pages. The guest's page n lies in frame n + 16."""

    def __init__(self):
        self.memory = bytearray(PAGES * PAGE)
        for level in range(3):
            self.entry(NESTED + level, 0, (NESTED + level + 1) * PAGE | PRESENT | WRITABLE | USER)
        for page in range(32):
            self.entry(NESTED + 3, page, (page + 16) * PAGE | PRESENT | WRITABLE | USER)

    def entry(self, frame, number, value):
        struct.pack_into("<Q", self.memory, frame * PAGE + number * 8, value)

    def guest_entry(self, page, number, value):
        self.entry(page + 16, number, value)

    def map(self, address, page, flags):
        """One page of the guest, by tables at its pages 8 to 11: all addresses are within one 2 MiB."""
        for level, shift in enumerate((39, 30, 21)):
            self.guest_entry(GUEST + level, address >> shift & 511, (GUEST + level + 1) * PAGE | PRESENT | USER)
        self.guest_entry(GUEST + 3, address >> 12 & 511, page * PAGE | PRESENT | flags)
        self.memory[(page + 16) * PAGE:(page + 17) * PAGE] = bytes([page]) * PAGE

    def held(self):
        return {"type": "held", **dict.fromkeys(REGISTERS, "0x0"), "rip": "0x401000", "rsp": "0x7000",
                "root": hex(GUEST * PAGE), "nested_root": hex(NESTED * PAGE)}


def segments(core):
    """{address: (flags, bytes)} of PT_LOAD."""
    count, = struct.unpack_from("<H", core, 56)
    found = {}
    for number in range(count):
        kind, flags, at, address, _, size, _, _ = struct.unpack_from("<IIQQQQQQ", core, 64 + 56 * number)
        if kind == core_file.PT_LOAD:
            found[address] = flags, core[at:at + size]
    return found


class CoreFileTest(unittest.TestCase):
    def core_of(self, machine):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "core")
            self.pages = core_file.write(path, machine.held(), bytes(machine.memory))
            return path.read_bytes()

    def test_what_is_mapped_is_in_it_in_runs(self):
        machine = Machine()
        machine.map(0x401000, 1, USER)
        machine.map(0x402000, 2, USER)
        machine.map(0x403000, 3, USER | WRITABLE)
        machine.map(0x405000, 4, 0)                     # not the user's
        found = segments(self.core_of(machine))
        self.assertEqual({address: (flags, len(data)) for address, (flags, data) in found.items()},
                         {0x401000: (5, 2 * PAGE), 0x403000: (7, PAGE)})
        self.assertEqual(found[0x401000][1], bytes([1]) * PAGE + bytes([2]) * PAGE)
        self.assertEqual(self.pages, 3)

    def test_a_page_without_a_frame_is_left_out(self):
        machine = Machine()
        machine.map(0x401000, 1, USER)
        machine.guest_entry(GUEST + 3, 2, 40 * PAGE | PRESENT | USER)
        self.assertEqual(list(segments(self.core_of(machine))), [0x401000])

    def test_tables_that_lead_out_of_memory_are_an_error(self):
        machine = Machine()
        machine.map(0x401000, 1, USER)
        machine.entry(NESTED + 3, 5, 1 << 40 | PRESENT | USER)      # a page that is not read
        self.core_of(machine)
        machine.entry(NESTED + 1, 3, 1 << 40 | PRESENT | USER)      # a table
        with self.assertRaises(BadTables):
            self.core_of(machine)

    def test_a_guest_table_without_a_frame_is_an_error(self):
        machine = Machine()
        machine.map(0x401000, 1, USER)
        machine.guest_entry(GUEST, 1, 50 * PAGE | PRESENT | USER)
        with self.assertRaises(BadTables):
            self.core_of(machine)

    def test_a_table_that_is_its_own_entry_ends(self):
        machine = Machine()
        machine.map(0x401000, 1, USER)
        machine.guest_entry(GUEST, 5, GUEST * PAGE | PRESENT | USER)
        machine.entry(NESTED, 7, NESTED * PAGE | PRESENT | USER)
        self.assertIn(0x401000, segments(self.core_of(machine)))

    def test_memory_above_the_gap_follows_what_lies_below(self):
        class Gibibytes:
            def __len__(self):
                return 5 << 30

            def __getitem__(self, piece):
                return piece.start
        memory = core_file.PhysicalMemory(Gibibytes())
        self.assertEqual(memory.read(0xBFFFF000, PAGE), 0xBFFFF000)
        self.assertEqual(memory.read(1 << 32, PAGE), 0xC0000000)
        for address in (0xC0000000, 0xFFFFF000, 6 << 30):
            with self.assertRaises(BadTables):
                memory.read(address, PAGE)


if __name__ == "__main__":
    unittest.main()
