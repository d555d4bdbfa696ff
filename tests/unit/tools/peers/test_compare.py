"""What a comparison writes: a table, a picture that is valid SVG, and its place in docs/measured.md."""
import tempfile
import unittest
import xml.etree.ElementTree
from pathlib import Path
from unittest import mock

from tools.rl.peers import chart, compare, edges, fuzzers, natives
from tools.rl.common import Stop
from tools.rl.results import measured

FOUND = {"Raclette": [1200, 1300, 1250], "libFuzzer": [1000, 1010, 990], "AFL++": [900, 905, 950]}
COUNTER = """#!/bin/sh
for folder; do :; done
bad=$(grep -l crash "$folder"/* | head -1)
[ -n "$bad" ] && { echo "Test unit written to ./crash-$(basename "$bad")" >&2; exit 77; }
echo "#2 INITED cov: $(ls "$folder" | wc -l) ft: 9" >&2
"""


class CompareTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)

    def test_the_table_has_a_line_for_each_fuzzer(self):
        lines = compare.table(FOUND).splitlines()
        self.assertEqual(len(lines), 5)
        self.assertIn("1,250 |  |  |", lines[2])
        self.assertIn("| 1.00 | 0.100 |", lines[3])

    def test_the_picture_is_svg_also_of_equal_values(self):
        for found in (FOUND, {"a": [5, 5], "b": [5, 5]}, {"<&>": [0, 1], "b": [0, 0]}):
            root = xml.etree.ElementTree.fromstring(chart.svg("a < b & c", found))
            dots = root.findall(".//{http://www.w3.org/2000/svg}circle")
            self.assertEqual(len(dots), sum(map(len, found.values())))

    def test_sections_are_replaced_and_survive_the_other_tables(self):
        document = self.folder / "measured.md"
        document.write_text("# Measured\n\nold rows\n")
        with mock.patch.object(measured, "DOCUMENT", document):
            measured.put_section("b", "### b, 10 executions\n\nfirst\n")
            measured.put_section("a", "### a, 10 executions\n\nother\n")
            measured.put_section("b", "### b, 20 executions\n\nsecond\n")
            text = document.read_text()
            self.assertEqual(measured.saved_sections().keys(), {"a", "b"})
            for part in ("old rows", "second", "other"):
                self.assertIn(part, text)
            self.assertNotIn("first", text)
            row = measured.Row("vm.round_trip", 7, "instructions", "")
            page = measured.page([row], measured.About("c", "q", "h"), measured.saved_sections())
        self.assertIn("second", page)
        self.assertIn("`vm.round_trip`", page)

    def program(self, text):
        path = self.folder / "counter"
        path.write_text(text)
        path.chmod(0o755)
        return path

    def test_inputs_that_crash_the_counter_are_left_out(self):
        inputs = self.folder / "inputs"
        inputs.mkdir()
        for name, data in (("a", b"one"), ("b", b"crash"), ("c", b"two"), (".hidden", b"x")):
            (inputs / name).write_bytes(data)
        self.assertEqual(edges.count(self.program(COUNTER), inputs), 2)
        self.assertTrue((inputs / "b").exists())

    def test_libfuzzer_that_ends_at_its_seeds_each_time_is_not_started_without_end(self):
        (self.folder / "seeds").mkdir()
        (self.folder / "seeds/a").write_bytes(b"x")
        for units, ends in ((1, True), (500, False)):
            program = self.program(f'#!/bin/sh\necho "stat::number_of_executed_units: {units}" >&2\nexit 77\n')
            task = fuzzers.Task(None, natives.Natives(program, None, None), self.folder / "seeds", "", 9, 1000)
            place = self.folder / f"of {units}"
            place.mkdir()
            if ends:
                with self.assertRaises(Stop) as caught:
                    fuzzers.libfuzzer(task, 1, place)
                self.assertIn("seeds", str(caught.exception))
            else:
                self.assertTrue(any(fuzzers.libfuzzer(task, 1, place).iterdir()))

    def test_a_counter_that_says_nothing_is_an_error(self):
        (self.folder / "inputs").mkdir()
        with self.assertRaises(Stop):
            edges.count(self.program("#!/bin/sh\n"), self.folder / "inputs")


if __name__ == "__main__":
    unittest.main()
