"""An output folder that somebody else made: nothing is written outside of it, nothing waits, damage is mended."""
import json
import os
import tempfile
import unittest
from pathlib import Path

from tools.rl.common import USAGE, Stop, write_atomically
from tools.rl.results.outdir import OutDir

HASH = "0123456789abcdef"
CRASH = {"hash": HASH, "input": "R0lG"}
DESCRIBED = {"type": "crash", "hash": HASH, "function": "f", "file": "", "line": 0, "frames": []}


class OutDirTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.outside = Path(scratch.name, "outside")
        self.outside.mkdir()
        self.path = Path(scratch.name, "out")
        self.path.mkdir()

    opened = None

    def open(self):
        """The folder, as the next run finds it."""
        if self.opened:
            self.opened.close()
        out = self.opened = OutDir(self.path)
        self.addCleanup(out.close)
        return out

    def refused(self):
        with self.assertRaises(Stop) as caught:
            self.open()
        self.assertEqual(caught.exception.status, USAGE)
        self.assertEqual(list(self.outside.iterdir()), [])

    def test_a_link_in_place_of_a_part_is_refused(self):
        for part in ("corpus", "crashes"):
            (self.path / part).symlink_to(self.outside)
            self.refused()
            (self.path / part).unlink()
        for part in ("serial.log", "stats.jsonl"):
            (self.path / part).symlink_to(self.outside / part)
            self.refused()
            (self.path / part).unlink()

    def test_a_pipe_in_place_of_a_file_is_refused(self):
        for part in ("serial.log", "stats.jsonl"):
            os.mkfifo(self.path / part)
            self.refused()
            (self.path / part).unlink()

    def test_a_link_in_place_of_a_result_is_replaced(self):
        for part in ("corpus", "crashes"):
            (self.path / part).mkdir()
        (self.path / "corpus" / HASH).symlink_to(self.outside / "x")
        (self.path / "crashes" / HASH).symlink_to(self.outside)
        (self.path / "edges.json").symlink_to(self.outside / "x")
        (self.path / "campaign.json").symlink_to(self.outside / "x")
        out = self.open()
        out.note_target("t")
        out.add_corpus({"hash": HASH, "data": "QUJD"})
        out.add_edges({"reached": ""})
        self.assertTrue(out.add_crash(CRASH, DESCRIBED, None))
        out.add_chain(DESCRIBED, ["error"])
        self.assertEqual(list(self.outside.iterdir()), [])
        self.assertFalse(any(path.is_symlink() for path in self.path.rglob("*")))

    def test_a_link_where_a_file_is_first_written_is_replaced(self):
        (self.path / f".x.{os.getpid()}.tmp").symlink_to(self.outside / "x")
        write_atomically(self.path / "x", "text")
        self.assertEqual((list(self.outside.iterdir()), (self.path / "x").read_text()), ([], "text"))

    def test_a_link_in_the_corpus_is_no_input(self):
        (self.outside / "secret").write_bytes(b"secret")
        (self.path / "corpus").mkdir()
        (self.path / "corpus" / HASH).write_bytes(b"abc")
        (self.path / "corpus/link").symlink_to(self.outside / "secret")
        self.assertEqual(self.open().corpus(), [(HASH, b"abc")])

    def test_a_crash_without_its_input_is_saved_again(self):
        folder = self.path / "crashes" / HASH
        for missing in ("input", "crash.json", None):
            self.open().add_crash(CRASH, DESCRIBED, None)
            if missing:
                (folder / missing).unlink()
            else:
                (folder / "input").unlink()
                (folder / "input").mkdir()
            self.assertTrue(self.open().add_crash(CRASH, DESCRIBED, None))
            self.assertEqual((folder / "input").read_bytes(), b"GIF")
        self.assertFalse(self.open().add_crash(CRASH, DESCRIBED, None))

    def test_a_line_that_a_killed_run_began_is_ended(self):
        (self.path / "stats.jsonl").write_bytes(b'{"type":"stats","ca')
        self.open().add_stats({"type": "stats", "case": 5})
        line, = (self.path / "stats.jsonl").read_text().splitlines()
        self.assertEqual(json.loads(line)["case"], 5)
        self.assertEqual((self.path / "damaged/stats.jsonl").read_bytes(), b'{"type":"stats","ca')

    def test_what_a_record_says_of_its_target_is_not_kept(self):
        out = self.open()
        out.add_crash(CRASH, {**DESCRIBED, "target": "/elsewhere"}, None)
        self.assertNotIn("target", json.loads((self.path / "crashes" / HASH / "crash.json").read_text()))


if __name__ == "__main__":
    unittest.main()
