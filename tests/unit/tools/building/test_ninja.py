"""The ninja file: what is written twice is refused, names with odd characters survive, ninja understands it."""
import subprocess
import tempfile
import unittest
from pathlib import Path

from tools.rl.building.ninja import Ninja


class NinjaTest(unittest.TestCase):
    def test_two_edges_for_one_output_are_refused(self):
        ninja = Ninja()
        ninja.rule("r", "touch $out")
        ninja.build("a", "r", also=["b"])
        for output in ("a", "b"):
            with self.assertRaises(AssertionError):
                ninja.build(output, "r")

    def test_a_rule_is_written_once(self):
        ninja = Ninja()
        ninja.rule("r", "touch $out")
        with self.assertRaises(AssertionError):
            ninja.rule("r", "touch $out")

    def test_ninja_builds_what_was_written(self):
        ninja = Ninja()
        ninja.rule("make", "cat $in > $out && touch $map")
        ninja.build("out put", "make", "in:put", also=["m"], map="m")
        ninja.build("never", "make", "absent", default=False, map="n")
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "in:put").write_text("x")
            (Path(folder) / "build.ninja").write_text(ninja.text())
            subprocess.run(["ninja"], cwd=folder, check=True, capture_output=True)
            self.assertEqual((Path(folder) / "out put").read_text(), "x")
            again = subprocess.run(["ninja"], cwd=folder, check=True, capture_output=True, text=True)
            self.assertIn("no work to do", again.stdout)
