"""`build.py maps`: lines of the console become a table; only a whole answer counts."""
import unittest

from tools.rl.commands import maps

HOST = "map host ffff8f9777406000 0000000001400000 512 down rw- wb heap kernel::(anonymous namespace)::Chunk x.cpp:44"
DEVICE = "map host ffffdb659208f000 00000000fee00000 1 up rw- uc none local APIC"
NESTED = "map nested 0000000000014000 00000000011f3000 2 up r-x wb snapshot"
LAST = "maps: nested: 2 pages through the tables at 0x1158000"


class MapsTest(unittest.TestCase):
    def test_a_line_is_taken_apart(self):
        run = maps.parse(HOST)
        self.assertEqual((run.address, run.physical), (0xffff8f9777406000, 0x1400000))
        self.assertEqual((run.pages, run.direction), (512, "down"))
        self.assertEqual((run.allowed, run.cache, run.owner), ("rw-", "wb", "heap"))
        self.assertEqual(run.what, "kernel::(anonymous namespace)::Chunk x.cpp:44")
        self.assertEqual(maps.parse(NESTED).what, "")
        self.assertIsNone(maps.parse("maps: host: 1 pages"))

    def test_the_last_whole_answer_is_taken(self):
        lines = [HOST, NESTED, LAST, "other text", DEVICE, "maps: host: 1 pages", NESTED, LAST, HOST]
        runs, notes = maps.answer_in(lines)
        self.assertEqual([run.what for run in runs], ["local APIC", ""])
        self.assertEqual(len(notes), 2)
        self.assertIsNone(maps.answer_in([HOST, NESTED]))

    def test_an_answer_that_broke_off_is_not_mixed_into_the_next(self):
        runs, _ = maps.answer_in([HOST, NESTED, DEVICE, NESTED, LAST])
        self.assertEqual([run.physical for run in runs], [0xfee00000, 0x11f3000])

    def test_a_table_has_sizes_permissions_cache_and_owner(self):
        text = "\n".join(maps.table([maps.parse(line) for line in (HOST, DEVICE, NESTED)]))
        self.assertRegex(text, r"0xffff8f9777406000 0x0000000001400000 +2 MiB down rw- +wb +heap +kernel::")
        self.assertRegex(text, r"0x00000000fee00000 +4 KiB +rw- +uc +none +local APIC")
        self.assertRegex(text, r"guest-physical addresses: 2 pages in 1 runs")
