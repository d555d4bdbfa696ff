"""The table of libraries: rates of a campaign's second half, exits named by their reason, and where the table goes."""
import tempfile
import unittest
from pathlib import Path

from tests.qemu import libraries
from tests.qemu.expectations import Failed


def stats(time, cases, exits, new_pages, dirty):
    """Two cores' counts, of which each has half."""
    core = {"case": cases // 2, "exits": exits // 2, "dirty_pages": dirty // 2}
    return {"type": "stats", "time_us": time * 1_000_000, "edges": 50 + time, "corpus": 7, "cores": [core, dict(core)],
            "exits_by_reason": {"done": cases, "tick": time, "new_page": new_pages, "request": 3}}


class LibrariesTest(unittest.TestCase):
    def measured(self, records, build="cmake -S x\nmake -C y\n", harness="harness.cc"):
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "lib"
            folder.mkdir()
            (folder / "build.sh").write_text(build)
            (folder / harness).write_text("")
            return libraries.measured(folder, records, 2)

    def test_rates_are_those_of_the_second_half(self):
        records = [stats(1, 100, 900, 500, 100), stats(5, 1000, 2000, 900, 4000), stats(10, 2000, 3100, 1000, 9000)]
        one = self.measured(records)
        self.assertEqual((one.per_second, one.exits, one.dirty, one.edges), (200, 1.1, 5, 60))
        self.assertEqual(one.reasons, {"new_page": 0.1, "tick": 0.005})
        self.assertIn("1.10 (tick 0.01, new_page 0.10)", libraries.cells(one))

    def test_the_build_system_and_the_harness_are_what_the_folder_holds(self):
        records = [stats(1, 10, 10, 0, 10), stats(2, 20, 20, 0, 20)]
        for build, system in (("cd x\n./configure\nmake\n", "configure"), ("make -C x\n", "make"),
                              ("$CC -c\n", "compiler")):
            self.assertEqual(self.measured(records, build).system, system)
        found = [self.measured(records, harness=name).harness for name in ("harness.c", "harness.cc")]
        self.assertEqual(found, ["C", "C++"])

    def test_a_campaign_without_cases_in_its_second_half_is_refused(self):
        for records in ([], [stats(1, 10, 10, 0, 10)], [stats(1, 10, 10, 0, 10), stats(2, 10, 10, 0, 10)]):
            self.assertRaises(Failed, self.measured, records)

    def test_the_table_replaces_the_one_before(self):
        text = f"a\n{libraries.BEGIN}\nold\n{libraries.END}\nb\n"
        made = libraries.with_table(text, "| new |")
        self.assertEqual(made, f"a\n{libraries.BEGIN}\n| new |\n{libraries.END}\nb\n")

    def test_rows_are_read_back_and_those_of_unknown_libraries_are_dropped(self):
        rows = [["one", "C", "1.00"], ["two", "C++", "1.10 (new_page 0.10)"], ["gone", "C", "1"]]
        text = libraries.with_table(f"{libraries.BEGIN}{libraries.END}", libraries.table(rows))
        self.assertEqual(libraries.rows_of(text, {"one": 1, "two": 2}), {"one": rows[0], "two": rows[1]})

    def test_there_are_twenty_and_half_of_the_harnesses_are_cxx_over_c(self):
        folders = libraries.names().values()
        self.assertGreaterEqual(len(folders), 20)
        mixed = [folder for folder in folders
                 if folder.name not in libraries.IN_CXX and (folder / "harness.cc").exists()]
        self.assertGreaterEqual(2 * len(mixed), len(folders))
        own = [folder for folder in folders if libraries.system_of(folder) in ("cmake", "configure")]
        self.assertGreaterEqual(3 * len(own), len(folders))


if __name__ == "__main__":
    unittest.main()
