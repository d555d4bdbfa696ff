"""Coverage as genhtml and Lighthouse read it."""
import shutil
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

from tools.rl.corpus.exports import drcov, lcov
from tools.rl.corpus.reached_lines import File, Function

FILES = [File("a.c", {1: 3, 2: 0, 4: 1}, (Function("f", 1, 3), Function("g<int, 2>(char)", 4, 0))),
         File("gone.c", {1: 1}, ())]


class LcovTest(unittest.TestCase):
    def test_each_line_and_function_has_the_number_of_inputs_that_reach_it(self):
        text = lcov(FILES, {"a.c": "/src/a.c", "gone.c": None}.get)
        self.assertEqual(text.splitlines(), [
            "TN:", "SF:/src/a.c", "FN:1,f", "FN:4,g<int, 2>(char)", "FNDA:3,f", "FNDA:0,g<int, 2>(char)", "FNF:2",
            "FNH:1", "DA:1,3", "DA:2,0", "DA:4,1", "LF:3", "LH:2", "end_of_record"])

    @unittest.skipUnless(shutil.which("genhtml"), "genhtml is not installed")
    def test_genhtml_accepts_it_and_shows_the_counts(self):
        with tempfile.TemporaryDirectory() as scratch:
            source, trace, pages = (Path(scratch) / name for name in ("a.c", "trace", "html"))
            source.write_text("int f() {\n  return 1;\n}\nint g() { return 2; }\n")
            trace.write_text(lcov(FILES, {"a.c": source, "gone.c": None}.get))
            done = subprocess.run(["genhtml", "-o", str(pages), str(trace)], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("lines......: 66.7% (2 of 3 lines)", done.stdout)
            self.assertIn("return 2", next(pages.rglob("a.c.gcov.html")).read_text())


class DrcovTest(unittest.TestCase):
    def test_the_header_and_the_blocks_are_as_lighthouse_reads_them(self):
        data = drcov("/t/target.elf", 0x400000, 0x500000, 0x401000, [(0x401010, 7), (0x401000, 16), (0x401010, 7)])
        head, blocks = data.split(b"BB Table: ")
        self.assertEqual(head.decode().splitlines(), [
            "DRCOV VERSION: 2", "DRCOV FLAVOR: drcov", "Module Table: version 2, count 1",
            "Columns: id, base, end, entry, path", "0, 0x400000, 0x500000, 0x401000, /t/target.elf"])
        count, rows = blocks.split(b" bbs\n", 1)
        self.assertEqual((count, list(struct.iter_unpack("<IHH", rows))), (b"2", [(0x1000, 16, 0), (0x1010, 7, 0)]))

    def test_a_block_of_more_than_its_size_can_say_becomes_several(self):
        rows = drcov("t", 0, 1 << 20, 0, [(0x100, 0x1FFFF)]).split(b" bbs\n", 1)[1]
        self.assertEqual(list(struct.iter_unpack("<IHH", rows)),
                         [(0x100, 0xFFFF, 0), (0x100FF, 0xFFFF, 0), (0x200FE, 1, 0)])


if __name__ == "__main__":
    unittest.main()
