"""The check of words finds each of them, in any letters, and nothing else."""
import unittest

from tests.checks import plain_words


class PlainWordsTest(unittest.TestCase):
    def test_each_word_is_found_with_its_line(self):
        for word in ("Who" + "ever", "no" + "body", "taking" + " stock", "the" + " dead"):
            found = plain_words.complaints("a.md", f"first\nthis is {word} here\n")
            self.assertEqual(len(found), 1, word)
            self.assertTrue(found[0].startswith("a.md:2: "))

    def test_other_words_are_none(self):
        self.assertEqual(plain_words.complaints("a.md", "the deadline and everybody"), [])


if __name__ == "__main__":
    unittest.main()
