"""The table of boot scenarios: the matrix is pairwise and small, names differ, corruption stays in its part."""
import itertools
import threading
import time
import unittest

from tests.qemu import corrupt_images, scenarios
from tests.runner.scenario import Outcome, Scenario, Slots, complaints
from tests.unit.tools.images.test_image import parts
from tools.rl.images import disk_image


class TableTest(unittest.TestCase):
    def test_any_two_values_of_different_columns_meet_in_a_row(self):
        columns = list(zip(*scenarios.MATRIX))
        self.assertEqual([len(set(column)) for column in columns], [4, 3, 3, 2, 2, 4])
        for (i, first), (j, second) in itertools.combinations(enumerate(columns), 2):
            met = {(row[i], row[j]) for row in scenarios.MATRIX}
            self.assertEqual(met, set(itertools.product(set(first), set(second))), (i, j))

    def test_the_matrix_is_small(self):
        self.assertLessEqual(len(scenarios.MATRIX), 24)

    def test_names_differ(self):
        names = [row.name for row in scenarios.SCENARIOS]
        self.assertEqual(len(names), len(set(names)))


class CorruptImagesTest(unittest.TestCase):
    def setUp(self):
        self.image, self.layout = disk_image.compose(*parts())

    def changed_sectors(self, broken):
        return [n for n in range(len(self.image) // 512)
                if broken[n * 512:n * 512 + 512] != self.image[n * 512:n * 512 + 512]]

    def test_corruption_stays_in_its_part(self):
        for part in self.layout.parts[1:]:
            inside = range(part.lba, part.lba + disk_image.sectors(part.size))
            for breakage in (corrupt_images.flip, corrupt_images.blank):
                changed = self.changed_sectors(breakage(part.name)(self.image, self.layout))
                self.assertEqual(len(changed), 1)
                self.assertIn(changed[0], inside)

    def test_a_cut_disk_ends_before_the_part(self):
        for part in self.layout.parts[1:]:
            self.assertEqual(len(corrupt_images.cut(part.name)(self.image, self.layout)), part.lba * 512)


class VerdictTest(unittest.TestCase):
    ROW = Scenario("row", status=12, must=("no SVM",), must_not=("stats",))

    def verdict(self, status=12, why="", text="chain: no SVM"):
        return complaints(self.ROW, Outcome(status, why, text, [], 1.0))

    def test_a_boot_as_asked_has_no_complaint(self):
        self.assertEqual(self.verdict(), [])

    def test_every_difference_is_a_complaint(self):
        for difference in ({"status": 0}, {"why": "killed"}, {"text": "nothing"}, {"text": "no SVM\nstats"}):
            self.assertTrue(self.verdict(**difference), difference)


class SlotsTest(unittest.TestCase):
    def test_never_more_than_there_are_and_wide_ones_run_too(self):
        slots, busy, most, lock = Slots(2), [0], [0], threading.Lock()

        def work(wanted):
            with slots.take(wanted):
                with lock:
                    busy[0] += min(wanted, 2)
                    most[0] = max(most[0], busy[0])
                time.sleep(0.01)
                with lock:
                    busy[0] -= min(wanted, 2)

        threads = [threading.Thread(target=work, args=(n,)) for n in (1, 8, 1, 2, 1, 4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        self.assertFalse(any(thread.is_alive() for thread in threads))
        self.assertEqual(most[0], 2)
