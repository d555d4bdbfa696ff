"""The verdicts over layouts find pages of no range, wrong permissions, and layouts that are not random."""
import random
import unittest
from unittest import mock

from tests.qemu import layout


def record(first, pages, what="thing", allowed="rw", core=0):
    return layout.Range({"first": hex(first), "pages": pages, "what": what, "kind": "memory", "core": core,
                         "allowed": allowed})


class Accounting(unittest.TestCase):
    def setUp(self):
        image = mock.patch.object(layout, "image_pages", lambda: {})
        image.start()
        self.addCleanup(image.stop)
        self.ranges = [record(0x10000, 2), record(0x20000, 1, allowed="r")]
        self.mapped = {0x10000: (0x1000, False, True), 0x11000: (0x2000, False, True), 0x20000: (0x3000, False, False)}

    def complaints(self, **changed):
        mapped = {**self.mapped, **changed.get("more", {})}
        return " ".join(layout.unaccounted(changed.get("ranges", self.ranges), mapped))

    def test_what_is_all_owned_is_fine(self):
        self.assertEqual(self.complaints(), "")

    def test_a_page_of_no_range_is_seen(self):
        self.assertIn("belongs to no range", self.complaints(more={0x50000: (0x9000, False, True)}))

    def test_other_permissions_are_seen(self):
        self.assertIn("writable True", self.complaints(more={0x20000: (0x3000, False, True)}))

    def test_a_frame_that_is_mapped_twice_is_seen(self):
        self.assertIn("same frame", self.complaints(more={0x20000: (0x1000, False, False)}))

    def test_a_missing_gap_and_a_missing_page_are_seen(self):
        self.assertIn("no page between", self.complaints(ranges=[*self.ranges, record(0x12000, 1)]))
        self.assertIn("not mapped", self.complaints(ranges=[*self.ranges, record(0x40000, 1)]))


class Independence(unittest.TestCase):
    @staticmethod
    def least(table, verdict):
        return min(p for _, p in verdict(table))

    def setUp(self):
        draw = random.Random(1)
        self.table = {("thing", 0, n): [draw.getrandbits(36) << 12 for _ in range(100)] for n in range(4)}

    def test_what_is_random_passes(self):
        for verdict in (layout.one_by_one, layout.two_by_two, layout.by_kind, layout.all_together):
            self.assertGreater(self.least(self.table, verdict), layout.IMPROBABLE)

    def test_a_place_that_comes_again_and_a_stuck_bit_are_seen(self):
        self.table[("thing", 0, 0)][7] = self.table[("thing", 0, 0)][3]
        self.assertEqual(self.least(self.table, layout.one_by_one), 0)
        self.table[("thing", 0, 1)] = [place | 1 << 47 for place in self.table[("thing", 0, 1)]]
        self.assertLess(self.least({"x": self.table[("thing", 0, 1)]}, layout.one_by_one), layout.IMPROBABLE)

    def test_ten_boots_show_that_all_stacks_lie_in_one_half(self):
        draw = random.Random(2)
        stacks = [("core's stack", core, 1) for core in range(2)]
        stacks += [("interrupt stack", core, n) for core in range(2) for n in range(1, 4)]
        blocks = [("block", 0, n) for n in range(60)]
        table = {thing: [draw.getrandbits(36) << 12 for _ in range(10)] for thing in stacks + blocks}
        self.assertGreater(self.least(table, layout.by_kind), layout.IMPROBABLE)
        for stack in stacks:
            table[stack] = [place | 1 << 47 for place in table[stack]]
        self.assertLess(self.least(table, layout.by_kind), layout.IMPROBABLE)
        for verdict in (layout.one_by_one, layout.two_by_two, layout.all_together):
            self.assertGreater(self.least(table, verdict), layout.IMPROBABLE, "nothing else would have seen it")

    def test_pages_that_are_counted_wrongly_are_seen(self):
        ranges = [record(0x10000, 2), record(0x40000, 512, layout.WINDOW)]
        mapped = {page: (page, False, True) for page in (0x10000, 0x11000, 0x40000, 0x45000)}
        count = {"live_pages": 7, "through_windows": 5}  # more slots were in use when they were counted
        self.assertEqual(layout.miscounted(count, ranges, mapped), "")
        self.assertIn("3 pages were counted", layout.miscounted({**count, "live_pages": 8}, ranges, mapped))

    def test_a_fixed_distance_and_a_copied_bit_are_seen(self):
        one = self.table[("thing", 0, 0)]
        moved = {("a", 0, 1): one, ("b", 0, 1): [place + 0x5000 for place in one]}
        self.assertEqual(self.least(moved, layout.two_by_two), 0)
        copied = {("a", 0, 1): one, ("b", 0, 1): [place & ~(1 << 40) | one[n] & 1 << 40
                                                   for n, place in enumerate(self.table[("thing", 0, 1)])]}
        self.assertLess(self.least(copied, layout.two_by_two), layout.IMPROBABLE)


if __name__ == "__main__":
    unittest.main()
