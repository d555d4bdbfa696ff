"""The statistics of a comparison, against values from tables and from R's wilcox.test."""
import random
import unittest

from tools.rl.peers.statistics import effect_size, mann_whitney, ranks


class StatisticsTest(unittest.TestCase):
    def test_equal_values_share_the_mean_of_their_ranks(self):
        self.assertEqual(ranks([30, 10, 20, 20]), [4, 1, 2.5, 2.5])

    def test_five_against_five_without_overlap(self):
        self.assertAlmostEqual(mann_whitney([6, 7, 8, 9, 10], [1, 2, 3, 4, 5]), 2 / 252)
        self.assertEqual(effect_size([6, 7, 8, 9, 10], [1, 2, 3, 4, 5]), 1.0)

    def test_both_sides_are_alike(self):
        ours, theirs = [1, 4, 5, 9], [2, 3, 7]
        self.assertAlmostEqual(mann_whitney(ours, theirs), mann_whitney(theirs, ours))
        self.assertAlmostEqual(effect_size(ours, theirs) + effect_size(theirs, ours), 1)

    def test_equal_samples_show_no_difference(self):
        self.assertEqual(mann_whitney([5, 5, 5], [5, 5, 5]), 1.0)
        self.assertEqual(mann_whitney([5] * 30, [5] * 30), 1.0)
        self.assertEqual(effect_size([5, 5], [5, 5]), 0.5)

    def test_the_known_value_of_a_table(self):
        self.assertAlmostEqual(mann_whitney([1.1, 2.2, 3.3, 4.4], [0.5, 2.5, 5.5, 6.6, 7.7]), 0.4127, 3)

    def test_large_samples_agree_with_small_ones(self):
        stream = random.Random(1)
        ours, theirs = ([stream.gauss(mean, 1) for _ in range(10)] for mean in (0, 0.8))
        exact = mann_whitney(ours, theirs)
        more = mann_whitney(ours * 3, theirs * 3)
        self.assertLess(more, exact)
        self.assertGreater(exact, 0.0)


if __name__ == "__main__":
    unittest.main()
