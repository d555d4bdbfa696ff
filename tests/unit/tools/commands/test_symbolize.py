"""`build.py symbolize`: every way in which text names an address leads to the same function and line."""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from tools.rl.commands.symbolize import Annotator, Program
from tools.rl.common import ROOT
from tools.rl.results import build_ids
from tools.rl.results.elf import Elf

SOURCE = """\
int sink;
__attribute__((noinline)) void callee(void) { sink++; }
__attribute__((noinline)) void caller(void) {
    callee();
    sink--;
}
void start(void) { caller(); }
"""
SLIDE = 0x1234567AB000


class SymbolizeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        folder = Path(cls.scratch.name)
        (folder / "program.c").write_text(SOURCE)
        elf = folder / "program.elf"
        subprocess.run(["clang", "-O1", "-g", "-fno-optimize-sibling-calls", "-nostdlib", "-static", "-Wl,-e,start",
                        "-Wl,--image-base=0x400000", "-fuse-ld=lld", "-o", elf, folder / "program.c"], check=True)
        cls.program = Program("kernel", elf)
        cls.symbols = {name: value for name, value, _ in Elf(elf.read_bytes()).symbols()}

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def said(self, *lines, slide=None, target=None, of_build=None):
        annotator = Annotator(self.program, target, slide, of_build)
        return [text for line in lines for text in annotator.annotate(line)]

    def start_of(self, name):
        return self.symbols[name]

    def test_an_offset_needs_no_slide(self):
        line = f"  from 0xffff  kernel+{self.start_of('callee') + 1:#x}"
        said = self.said(line)
        self.assertEqual(said[0], line)
        self.assertIn("callee", said[1])
        self.assertIn("program.c:2", said[1])

    def test_the_slide_comes_from_the_kernels_own_line_or_from_the_argument(self):
        address = f"at {SLIDE + self.start_of('callee'):#x}"
        self.assertEqual(self.said(address), [address])
        self.assertIn("callee", self.said(address, slide=SLIDE)[1])
        self.assertIn("callee", self.said(f"6 kernel at {SLIDE:#x}, build 12", address)[2])

    def test_registers_without_0x_are_addresses_too(self):
        said = self.said(f"rax 0000000000000000 rip {SLIDE + self.start_of('caller'):016x}", slide=SLIDE)
        self.assertEqual(len(said), 2)
        self.assertIn("caller", said[1])

    def test_a_return_address_names_its_call(self):
        def place(label, offset):
            return self.said(f"  {label} kernel+{offset:#x}")[1].rsplit("  ", 1)[1]
        start = self.start_of("caller")
        behind = next(a for a in range(start + 1, start + 64) if place("at", a - 1) != place("at", a))
        self.assertEqual(place("from", behind), place("at", behind - 1))

    def test_an_address_is_resolved_once_a_line(self):
        offset = self.start_of("callee")
        self.assertEqual(len(self.said(f"{SLIDE + offset:#x}  kernel+{offset:#x}", slide=SLIDE)), 2)

    def test_what_lies_in_no_program_is_left_alone(self):
        for line in (f"at {SLIDE - 1:#x}", "kernel+0xffffffff", "plain words", "deadbeef of beef"):
            self.assertEqual(self.said(line, slide=SLIDE), [line])

    def test_a_targets_address_is_looked_up_in_the_target(self):
        said = self.said(f"target {self.start_of('callee'):#x}  x", target=self.program)
        self.assertIn("callee", said[1])

    def test_the_kernel_of_the_build_that_the_text_names_is_asked(self):
        other = Program("other", self.program.symbolizer.elf)
        kernel_line = f"6 kernel at {SLIDE:#x}, build 00000000000000ab"
        said = self.said(kernel_line, f"kernel+{self.start_of('callee'):#x}",
                         of_build=lambda build: (other, [f"  ({build} is not here)"]))
        self.assertEqual(said[:2], [kernel_line, "  (00000000000000ab is not here)"])
        self.assertTrue(said[3].startswith("    other+"), said)

    def test_text_of_a_build_that_is_not_here_is_said_to_be(self):
        done = subprocess.run([sys.executable, str(ROOT / "build.py"), "symbolize"], capture_output=True, text=True,
                              input="6 kernel at 0x123456000, build 00000000000000ab\n")
        if any(build_ids.here()):                          # else nothing is built yet
            self.assertIn("the log is of build 00000000000000ab, build/ holds ", done.stdout)
