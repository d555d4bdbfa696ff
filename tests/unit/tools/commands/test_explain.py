"""A serial log explained: chains are found, grouped and hashed, addresses become lines, and what is unknown is said."""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from tools.rl.commands import explain
from tools.rl.common import MISSING, OK, ROOT, USAGE
from tools.rl.images.xxhash import xxh64
from tools.rl.results import chains
from tools.rl.results.symbols import Frame

BOOT = "6 kernel at 0xffff800000100000, build 00000000000000ab"
FAULT = """error mm.use_after_free on core 1, exception in the kernel
  kernel/entry/traps.cpp:1        describe_access           the kernel touched it  address 0x5, rip 0xffff800000100010
  mm/explain.cpp:24         range_chain               freed here  freed_from 0xffff800000100020, freed_by 0
  mm/explain.cpp:21         range_chain               made here  file mm/window.cpp, line 1, made_by 0   <- origin
  at 0xffff800000100010  kernel+0x10
  rax 0000000000000000 rbx 0000000000000001 rcx 0000000000000002 rdx 0000000000000003
  backtrace, innermost first:
  from 0xffff800000100030  kernel+0x30
core 0 was at 0xffff800000100040  kernel+0x40
panic: stopped"""
CRASH = """error target.heap-use-after-free on core 1, case 3517, hash 4c134d8d0b98dece
  read of 4 bytes at 0x60200000e3d0, 224 bytes inside a 480-byte freed heap block at 0x60200000e2f0
    #0 0x463c78 in stbi__gif_load_next+0x2408
    #1 0x463d00 in stbi__load_gif_main+0x355
  freed by:
    #0 0x463e00 in stbi__load_gif_main+0x355
  Raclette's own operations, outermost first:
  fuzz/worker.cpp           Worker::run_case          running one case    case 3517   <- origin
{"type":"stats"}"""


class Names:
    """A symbolizer of a kernel that is one long function; a return address is looked up in its call."""

    def frames(self, addresses, innermost_exact=True):
        return [Frame(a, f"f{a if innermost_exact else a - 1:x}", "mm/window.cpp", 2, False) for a in addresses]


def places():
    known = explain.Places(Path("/nonexistent"))
    known.symbolizer = Names()
    return known


def explained(text, built="00000000000000ab"):
    return list(explain.report(text, places(), built))


class Explain(unittest.TestCase):
    def test_a_chain_has_its_frames_and_a_panic_its_lines(self):
        chain, = chains.read(f"{BOOT}\n{FAULT}\nsomething else\n  indented")
        self.assertEqual((chain.code, chain.core, chain.at), ("mm.use_after_free", 1, 2))
        self.assertEqual(len(chain.lines), 3)
        self.assertEqual((len(chain.panic), chain.panic[-1]), (6, "panic: stopped"))
        frame = chains.frame_of(chain.lines[0])
        self.assertEqual(frame[:4], ("kernel/entry/traps.cpp", 1, "describe_access", "the kernel touched it"))
        self.assertEqual((frame.origin, frame.fields()), (False, [("address", "0x5"), ("rip", "0xffff800000100010")]))
        self.assertTrue(chains.frame_of(chain.lines[2]).origin)

    def test_a_record_inside_a_chain_does_not_end_it(self):
        whole, = chains.read(f"{BOOT}\n{FAULT}")
        torn, = chains.read("\n{}\n".format('{"type":"stats","case":7}').join((BOOT, *FAULT.splitlines())))
        self.assertEqual((torn.lines, torn.panic, torn.hash()), (whole.lines, whole.panic, whole.hash()))

    def test_the_hash_is_of_code_functions_and_texts(self):
        chain, = chains.read(FAULT)
        data = b"mm.use_after_freedescribe_accessthe kernel touched itrange_chainfreed hererange_chainmade here"
        self.assertEqual(chain.hash(), f"{xxh64(data):016x}")
        other, = chains.read(FAULT.replace("address 0x5", "address 0x6").replace(":24 ", ":25 "))
        self.assertEqual(other.hash(), chain.hash())

    def test_a_targets_crash_keeps_the_hash_that_it_brings(self):
        chain, = chains.read(CRASH)
        self.assertEqual(chain.hash(), "4c134d8d0b98dece")

    def test_what_follows_an_error_belongs_to_it_and_not_to_its_hash(self):
        one, = chains.read(FAULT)
        later = "<- origin\n  and after it test.closing on core 0\n    a/b.cpp:7   close    closing   <- origin"
        both, = chains.read(FAULT.replace("<- origin", later))
        self.assertEqual(len(both.lines), 5)
        self.assertEqual(both.hash(), one.hash())

    def test_equal_failures_are_one_and_others_are_not(self):
        elsewhere = FAULT.replace("100010", "100110").replace("kernel+0x10", "kernel+0x110")
        lines = explained("\n".join((BOOT, FAULT, FAULT, CRASH, elsewhere)))
        heads = [line for line in lines if ": error " in line]
        self.assertEqual(len(heads), 3)
        self.assertIn("2 times, first in line 2", heads[0])
        self.assertIn("4c134d8d0b98dece  once", heads[1])
        self.assertEqual(lines[-1], "4 errors, 3 different")

    def test_addresses_are_resolved_where_the_kernel_lay(self):
        text = "\n".join(explained(f"{BOOT}\n{FAULT}"))
        self.assertIn("kernel+0x10  f10  mm/window.cpp:2", text)       # the fault's own instruction
        self.assertIn("kernel+0x20  f1f  ", text)                         # a return address: its call
        self.assertIn("kernel+0x30  f2f  ", text)
        self.assertIn("kernel+0x40  f40  ", text)                         # where another core was
        self.assertNotIn("kernel+0x5 ", text)

    def test_each_boot_of_a_log_has_its_own_place(self):
        first, second = f"{BOOT}\n{FAULT}", f"{BOOT}\n{FAULT}".replace("0xffff800000", "0x123000000")
        found = chains.read(f"{first}\n{second}")
        self.assertEqual([chain.slide for chain in found], [0xffff800000100000, 0x123000000100000])
        self.assertEqual(explained(f"{first}\n{second}")[-1], "2 errors, 1 different")
        self.assertIn("kernel+0x10  f10  ", "\n".join(explained(second)))

    def test_the_lines_of_the_sources_stand_below(self):
        first = (ROOT / "mm/window.cpp").read_text().splitlines()[0]
        lines = explained(f"{BOOT}\n{FAULT}")
        at = next(i for i, line in enumerate(lines) if "made here" in line)
        site = lines.index("      mm/window.cpp:1")
        self.assertGreater(site, at)
        self.assertEqual(lines[site + 1], f"      >     1 | {first}")
        self.assertRegex(lines[site + 3], r"^            3 \| ")

    def test_the_targets_frames_have_their_sources_where_its_symbols_are_known(self):
        lines = list(explain.report(f"{BOOT}\n{CRASH}", places(), "00000000000000ab", Names()))
        text = "\n".join(lines)
        second = (ROOT / "mm/window.cpp").read_text().splitlines()[1]
        self.assertIn("0x463c78  f463c78  mm/window.cpp:2", text)       # where it crashed
        self.assertIn("0x463d00  f463cff  ", text)                      # returns there
        self.assertIn("0x463e00  f463dff  ", text)                      # the first of another stack is a call, too
        self.assertIn(f"      >     2 | {second}", text)
        self.assertNotIn("f463c78", "\n".join(explained(f"{BOOT}\n{CRASH}")))

    def test_the_chain_of_a_crash_is_whole(self):
        chain, = chains.read(CRASH)
        self.assertEqual((len(chain.lines), chain.panic), (7, []))

    def test_what_is_not_known_is_said(self):
        self.assertIn("does not say where the kernel lay", "\n".join(explained(FAULT)))
        self.assertIn("is of build 00000000000000ab, build/ holds 00000000000000cd", "\n".join(
            explained(f"{BOOT}\n{FAULT}", "00000000000000cd")))
        self.assertEqual(explained("all is well"), ["no error is in this log"])

    def test_a_failure_inside_a_panic_is_an_error_of_its_own(self):
        text = FAULT.split("\n")[0] + "\npanic: another failure while this one was being reported\n" + FAULT
        self.assertEqual(len(chains.read(text)), 2)

    def test_the_command_takes_a_file_or_a_pipe(self):
        argv = [sys.executable, str(ROOT / "build.py"), "explain"]
        with tempfile.NamedTemporaryFile("w", suffix=".log") as log:
            log.write(FAULT)
            log.flush()
            by_file = subprocess.run([*argv, log.name], capture_output=True, text=True)
        by_pipe = subprocess.run(argv, input=FAULT, capture_output=True, text=True)
        self.assertIn(by_file.returncode, (OK, MISSING))      # MISSING: nothing is built yet
        self.assertEqual((by_pipe.returncode, by_pipe.stdout), (by_file.returncode, by_file.stdout))
        self.assertEqual(subprocess.run([*argv, "/nonexistent"], capture_output=True).returncode, USAGE)


if __name__ == "__main__":
    unittest.main()
