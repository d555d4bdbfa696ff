"""docs/measured.md is made of the benchmarks' rows alone, and every table says where it comes from."""
import re
import unittest

from tools.rl.common import VERSION
from tools.rl.results import measured
from tools.rl.results.measured import About, Row

ABOUT = About("0123456789", "QEMU 1.2.3 (TCG)", "4 x Some Processor")
ROWS = [Row("vm.round_trip", 1234567, "instructions", "Linux's KVM: 2"),
        Row("mm.window_case", 10, "instructions", "a linear map: 9"),
        Row("mm.window_case.time", 11, "clock ticks", "a linear map: 8"),
        Row("fuzz.cases_per_s.ratio", 1.5, "x", "perfect 2")]


class Measured(unittest.TestCase):
    def setUp(self):
        self.text = measured.page(ROWS, ABOUT)

    def part(self, title):
        return self.text.split(f"## {title}\n")[1].split("\n## ")[0]

    def test_every_row_is_in_one_table(self):
        named = re.findall(r"^\| `([^`]+)` \|", self.text, re.MULTILINE)
        self.assertEqual(sorted(named), sorted(row.name for row in ROWS))

    def test_a_row_has_its_value_its_meaning_and_what_it_is_compared_with(self):
        self.assertIn("| `vm.round_trip` | enter the guest and come back | 1,234,567 | instructions | Linux's KVM: 2 |",
                      self.text)
        self.assertIn("| `fuzz.cases_per_s.ratio` |  | 1.50 | x | perfect 2 |", self.text)

    def test_what_is_by_the_clock_stands_apart(self):
        self.assertNotIn(".time", self.part("Physical memory without a linear map"))
        self.assertIn("mm.window_case.time", self.part("The same by the clock"))

    def test_every_table_says_command_commit_and_machine(self):
        tables = self.text.split("\n## ")[1:]
        self.assertEqual(len(tables), 4)
        for part in tables:
            self.assertRegex(part, r"`python3 build\.py bench [\w.]+`")
            for word in (VERSION, ABOUT.commit, ABOUT.qemu, ABOUT.host):
                self.assertIn(word, part)

    def test_no_table_without_rows(self):
        self.assertNotIn("Coverage", self.text)

    def test_a_row_that_has_no_section_is_refused(self):
        with self.assertRaises(ValueError):
            measured.page([*ROWS, Row("new.benchmark", 1, "x", "")], ABOUT)

    def test_the_machine_has_a_processor(self):
        self.assertTrue(measured.host_processor())


if __name__ == "__main__":
    unittest.main()
