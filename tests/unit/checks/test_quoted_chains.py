"""Quoted error chains: frames that moved get their new line numbers, and nothing else changes."""
import unittest
from unittest import mock

from tests.checks import quoted_chains
from tests.checks.quoted_chains import FRAME

PAGE = "text\n  mm/a.cpp:{}     free_block      freeing a block     block 0x5   <- origin\nmore\n"
SOURCE = ["", "void free_block() {", "    return FAIL(bad_free,", '                "freeing a block", block);', "}"]


def lines(file):
    return SOURCE if file == "mm/a.cpp" else []


class QuotedChains(unittest.TestCase):
    def setUp(self):
        sources = mock.patch.object(quoted_chains, "lines_of", lines)
        sources.start()
        self.addCleanup(sources.stop)

    @staticmethod
    def frame(line):
        return FRAME.search(PAGE.format(line))

    def complaints(self, line):
        page = mock.Mock()
        page.name = "page.md"
        return quoted_chains.complaints_about(page, self.frame(line))

    def test_a_frame_at_its_statement_is_fine(self):
        self.assertEqual(self.complaints(3), [])

    def test_a_frame_elsewhere_is_a_complaint(self):
        self.assertEqual(len(self.complaints(9)), 1)

    def test_a_line_that_moved_is_corrected_and_its_columns_stay(self):
        self.assertEqual(FRAME.sub(quoted_chains.corrected, PAGE.format("100")), PAGE.format("3  "))

    def test_what_stands_where_it_says_is_left_alone(self):
        self.assertEqual(FRAME.sub(quoted_chains.corrected, PAGE.format(2)), PAGE.format(2))

    def test_a_text_or_a_function_that_is_gone_is_left_alone(self):
        for other in (("freeing", "releasing"), ("free_block", "release")):
            page = PAGE.format(9).replace(*other)
            self.assertEqual(FRAME.sub(quoted_chains.corrected, page), page)


if __name__ == "__main__":
    unittest.main()
