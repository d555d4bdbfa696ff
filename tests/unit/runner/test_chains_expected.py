"""What a row expects of an error chain, beside chains that are it and chains that are not."""
import re
import unittest

from tests.qemu import console_lines
from tests.qemu.chains_expected import ANY, Check, Error, Frame, Origin
from tests.qemu.console_lines import Line
from tools.rl.common import ROOT

CHAIN = """error mm.use_after_free on core 1, exception in the kernel
  kernel/entry/traps.cpp:1        describe_access           the kernel touched it  access reading, address 0x5
  mm/explain.cpp:24         range_chain               freed here  freed_from 0xffff800000100020, freed_by 0
  mm/explain.cpp:21         range_chain               made here  file mm/window.cpp, line 1, made_by 0   <- origin
error kernel.check_failed on core 0
  cpu/lock.cpp:65  lock  !held_by_me() must hold: some reason  0x0, injected outer   <- origin"""
FREED = "mm.use_after_free"


class Expected(unittest.TestCase):
    def check(self, found, *errors):
        for error in errors:
            self.assertEqual(error.found_in(CHAIN), found, str(error))

    def test_code_core_frames_and_fields_are_found(self):
        self.check(True, Error(FREED, core=1), Error(FREED, core=1, address=5, freed_by=0),
                   Error(FREED, core=1, address=re.compile("0x5"), freed_from=ANY, access="reading"),
                   Error(FREED, Frame("kernel/entry/traps.cpp"), Origin("mm/explain.cpp"), core=1),
                   Error(FREED, Frame(function="range_chain", fields={"freed_by": 0}), core=1),
                   Error(FREED, core=1, about="exception", without=("offset",)))

    def test_every_difference_counts(self):
        self.check(False, Error(FREED), Error("mm.double_free", core=1), Error(FREED, core=1, address=6),
                   Error(FREED, core=1, offset=ANY), Error(FREED, core=1, without=("freed_by",)),
                   Error(FREED, Origin("mm/explain.cpp"), Frame("kernel/entry/traps.cpp"), core=1),
                   Error(FREED, Origin("kernel/entry/traps.cpp"), core=1), Error(FREED, core=1, cut=True),
                   Error(FREED, Frame(function="explain"), core=1), Error(FREED, core=1, about="case"))

    def test_a_failed_check_is_known_by_its_condition_and_values(self):
        self.check(True, Check("cpu/lock.cpp", "!held_by_me()"),
                   Check("cpu/lock.cpp", "!held_by_me()", "injected outer"))
        self.check(False, Check("cpu/lock.cpp", "held_by_me()"), Check("cpu/lock.cpp", "!held_by_me()", "inner"),
                   Check("mm/frames.h", "!held_by_me()"), Check("cpu/lock.cpp", "!held_by_me()", core=1))

    def test_a_header_is_known_however_the_compiler_found_it(self):
        self.assertTrue(Check("mm/frames.h", "a != b").found_in(
            "error kernel.check_failed on core 0\n  ./mm/frames.h:6  free  a != b must hold: why  0x1   <- origin"))

    def test_a_chain_that_breaks_off_is_cut(self):
        text = "\n".join(CHAIN.splitlines()[:2])
        self.assertTrue(Error(FREED, core=1, cut=True).found_in(text))
        self.assertFalse(Error(FREED, core=1).found_in(text))

    def test_a_frame_is_known_by_the_statement_at_its_line(self):
        file, statement = "tests/kernel/codes.h", 'test_failed{"kernel.test_failed"}'
        line = next(n for n, text in enumerate((ROOT / file).read_text().splitlines(), 1) if statement in text)
        text = f"error mm.a on core 0\n  {file}:{line}  f  t  a 1   <- origin"
        self.assertTrue(Error("mm.a", Frame(source=statement)).found_in(text))
        self.assertFalse(Error("mm.a", Frame(source=statement)).found_in(text.replace(f":{line}", ":1")))


class Lines(unittest.TestCase):
    LINE = Line("a.cpp", "core {} has {x} (so it says)", "cores: ")

    def test_values_are_as_given_or_any(self):
        for pattern in (self.LINE.pattern(), self.LINE.pattern(1), self.LINE.pattern(1, "0x5")):
            self.assertRegex("cores: core 1 has 0x5 (so it says)", pattern)
        self.assertNotRegex("cores: core 1 has 0x5 (so it says)", self.LINE.pattern(2))
        self.assertNotRegex("cores: core 1 has 0x5 (so it says) and more", self.LINE.pattern())
        beginning = Line("a.cpp", "core {} has {x}...", "cores: ")
        self.assertRegex("cores: core 1 has 0x5 (so it says) and more", beginning.pattern())
        self.assertRegex("cores: core 1 has 0x5 (so it says) and more", beginning.pattern(end=r" .* more$"))

    def test_reasons_of_stages_are_read_from_their_source(self):
        for program, label in (("stage0", "bad_sum"), ("stage0", "read_failed"), ("stage1", "no_long_mode"),
                               ("pxe", "other_build")):
            self.assertRegex(console_lines.stops(program, label), rf"^\^{program}:.*stop:.*\w")
        with self.assertRaises(ValueError):
            console_lines.stops("stage1", "no_such_label")


if __name__ == "__main__":
    unittest.main()
