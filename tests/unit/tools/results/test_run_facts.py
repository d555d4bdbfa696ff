"""What a folder says about its runs: facts of each start, and how often each crash came over all of them."""
import argparse
import json
import tempfile
import unittest
from pathlib import Path

from tools.rl.results import crash_counts, run_facts
from tools.rl.results.crash_counts import CrashCounts

KEY, OTHER = "00000000000000aa", "00000000000000bb"


class FolderTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)

    def test_a_start_is_a_line_with_what_host_and_machine_say(self):
        facts = run_facts.of_run("t", argparse.Namespace(seed=7), 3, 0)
        line = run_facts.line(facts, {"version": "9.9", "build": "b", "cores": 2, "memory_mib": 511, "slide": "0x1"})
        (self.folder / run_facts.FILE).write_text(line)
        damaged = []
        found, = run_facts.load(self.folder, damaged)
        self.assertEqual((found["target"], found["seed"], found["seeds"], found["cores"], found["version"]),
                         ("t", 7, 3, 2, "9.9"))
        self.assertEqual((damaged, "slide" in found), ([], False))

    def test_a_machine_that_no_run_started_names_its_target(self):
        self.assertEqual(json.loads(run_facts.line({}, {"target": "far"}))["target"], "far")

    def test_lines_that_are_none_are_left_out_and_named(self):
        (self.folder / run_facts.FILE).write_text('{"seed": 1}\n{"seed": -1}\nno\n{"started": "x"}\n[]\n')
        damaged = []
        self.assertEqual(run_facts.load(self.folder, damaged), [{"seed": 1}])
        self.assertEqual(len(damaged), 1)

    def test_counts_add_up_over_machines_and_runs(self):
        counts = CrashCounts(self.folder)
        counts.began()
        counts.add({KEY: 2})
        counts.add({KEY: 5})
        counts.began()                          # the machine starts again
        counts.add({KEY: 1, OTHER: 1})
        self.assertEqual((counts.of(KEY), counts.of(OTHER)), (6, 1))
        counts.save()
        self.assertEqual(crash_counts.load(self.folder), {KEY: 6, OTHER: 1})
        later = CrashCounts(self.folder)
        later.began()
        later.add({KEY: 1})
        self.assertEqual(later.of(KEY), 7)

    def test_damaged_counts_begin_anew_and_their_number_is_bounded(self):
        (self.folder / crash_counts.FILE).write_text('{"../x": 1}')
        counts = CrashCounts(self.folder)
        self.assertEqual(counts.total(), {})
        counts.add({f"{n:016x}": 1 for n in range(5000)})
        counts.began()
        counts.add({f"{n:016x}": 1 for n in range(5000, 9000)})
        self.assertLessEqual(len(counts.total()), crash_counts.MOST)


if __name__ == "__main__":
    unittest.main()
