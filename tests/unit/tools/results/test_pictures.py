"""The live view's picture shows what a terminal of its size would show."""
import unittest
import xml.etree.ElementTree

from tools.rl.common import Stop
from tools.rl.results import pictures
from tools.rl.results.pictures import CLEAR, LARGE, SMALL, Terminal, rule

COLUMNS, ROWS = SMALL
RULE = rule(COLUMNS)

BLOCK = f"{RULE}\nexec/s      5           cases       <7>\n{RULE}\n"


def last(text):
    return list(Terminal(COLUMNS, ROWS).screens(text))[-1]


class Pictures(unittest.TestCase):
    def test_lines_stand_below_each_other_and_long_ones_go_on_in_the_next_row(self):
        self.assertEqual(last("a\n" + "b" * (COLUMNS + 2) + "\nc"), ["a", "b" * COLUMNS, "bb", "c"])

    def test_what_does_not_fit_scrolls_away(self):
        self.assertEqual(last("".join(f"{n}\n" for n in range(100)))[:2], [str(100 - ROWS + 1), str(100 - ROWS + 2)])

    def test_a_block_is_drawn_over_itself(self):
        screens = list(Terminal(COLUMNS, ROWS).screens(f"text\n{BLOCK}\x1b[3F\x1b[Jmore\n{BLOCK}"))
        self.assertEqual(screens[0], ["text", *BLOCK.split("\n")])
        self.assertEqual(screens[-1], ["text", "more", *BLOCK.split("\n")])

    def test_the_picture_is_of_the_last_block_with_figures(self):
        rows = pictures.live_screen(f"text\n{BLOCK}\x1b[3F\x1b[Jdone\n", SMALL)
        self.assertEqual(rows, ["text", *BLOCK.split("\n")])

    def test_a_terminal_that_was_resized_shows_the_block_of_its_new_size_alone(self):
        block = BLOCK.replace(RULE, rule(LARGE[0]))
        text = f"half a line of the small one\n{BLOCK}{CLEAR}{block}\x1b[3F\x1b[Jdone\n"
        self.assertEqual(pictures.live_screen(text, LARGE), block.split("\n"))

    def test_a_run_without_a_block_has_no_picture(self):
        with self.assertRaises(Stop):
            pictures.live_screen("text\n", SMALL)

    def test_the_picture_holds_the_rows_as_text(self):
        root = xml.etree.ElementTree.fromstring(pictures.svg(["text", "", "corpus <1>"], COLUMNS))
        self.assertEqual([e.text for e in root.iter() if e.tag.endswith("}text")], ["text", "corpus <1>"])


if __name__ == "__main__":
    unittest.main()
