"""The set cover: everything stays covered, by few and small inputs."""
import random
import unittest

from tools.rl.corpus.cover import cover


def shown(features, chosen):
    return {feature for n in chosen for feature in features[n]}


class CoverTest(unittest.TestCase):
    def test_one_input_that_shows_everything_is_enough(self):
        self.assertEqual(cover([[1], [2], [1, 2, 3]], [1, 1, 9]), [2])

    def test_of_two_that_show_the_same_the_smaller_one_stays(self):
        self.assertEqual(cover([[1, 2], [1, 2]], [5, 4]), [1])

    def test_what_later_ones_make_superfluous_goes(self):
        # The greedy choice begins with the first, which the two others together replace; both are needed anyway.
        self.assertEqual(sorted(cover([[1, 2, 3, 4], [1, 2, 5], [3, 4, 6]], [9, 1, 1])), [1, 2])

    def test_nothing_is_the_cover_of_nothing(self):
        self.assertEqual(cover([], []), [])
        self.assertEqual(cover([[], []], [1, 2]), [])

    def test_random_sets_stay_covered_and_no_chosen_one_could_go(self):
        draw = random.Random(1)
        for _ in range(200):
            count = draw.randrange(1, 30)
            features = [sorted(draw.sample(range(40), draw.randrange(0, 15))) for _ in range(count)]
            sizes = [draw.randrange(0, 100) for _ in range(count)]
            chosen = cover(features, sizes)
            self.assertEqual(shown(features, chosen), shown(features, range(count)))
            for n in chosen:
                self.assertLess(shown(features, set(chosen) - {n}), shown(features, chosen))
            again = cover([features[n] for n in chosen], [sizes[n] for n in chosen])
            self.assertEqual(len(again), len(chosen))


if __name__ == "__main__":
    unittest.main()
