"""What people see: curves, numbers, symbolised traces of a real ELF."""
import io
import subprocess
import tempfile
import unittest
from contextlib import redirect_stdout
from pathlib import Path

from tools.rl.common import ROOT
from tools.rl.results import live_view
from tools.rl.results.elf import Elf
from tools.rl.results.crash_text import describe, trace_text
from tools.rl.results.symbols import Symbolizer, in_tree, origin

PROGRAM = """\
int sink;
static inline __attribute__((always_inline)) int deep(int *p) { return *p + sink; }
__attribute__((noinline)) int outer(int *p) {
    sink++;
    return deep(p);
}
void start(void) { outer(&sink); }
"""


class ViewTest(unittest.TestCase):
    def test_a_curve_rises_with_its_values_and_fits(self):
        self.assertEqual(live_view.curve([0, 1, 2, 3, 4, 5, 6, 7], 8), "▁▂▃▄▅▆▇█")
        self.assertEqual(live_view.curve([5, 5], 8), "▁▁")
        self.assertEqual(live_view.curve([], 8), "")
        self.assertLessEqual(len(live_view.curve(list(range(1000)), 40)), 40)

    def test_a_curve_covers_the_whole_run_however_long(self):
        for records in (1, 2, live_view.HISTORY, live_view.HISTORY + 1, 5000, 20 * live_view.HISTORY + 7):
            history = live_view.History()
            for value in range(records):
                history.add(value)
            values = history.values()
            self.assertLessEqual(len(values), live_view.HISTORY + 1)
            self.assertEqual((values[0], values[-1]), (0, records - 1))
            steps = {later - value for value, later in zip(values, values[1:-1])}
            self.assertLessEqual(len(steps), 1, "evenly spaced")

    def test_the_live_view_draws_the_beginning_of_a_long_run(self):
        live = live_view.LiveView("t", "out")
        with redirect_stdout(io.StringIO()):
            for second in range(3 * live_view.HISTORY):
                live.stats(second, {"edges": 0 if second < live_view.HISTORY else 100})
        line = next(line for line in live._lines(0, 80) if line.startswith("edges"))
        self.assertAlmostEqual(line.count("▁") / (line.count("█") + line.count("▁")), 1 / 3, delta=0.05)

    def test_cpuid_is_shown_where_cases_pay_for_it(self):
        def shown(cases, cpuid):
            return "CPUID" in live_view.stats_line({"case": cases, "exits_by_reason": {"cpuid": cpuid}})
        self.assertTrue(shown(10_000, 20_000))
        self.assertFalse(shown(10_000, 128), "those of the start")
        self.assertFalse(shown(10_000_000, 2000))
        self.assertNotIn("CPUID", live_view.stats_line({}))

    def test_large_numbers_are_shortened(self):
        shown = [live_view.short(n) for n in (7, 9999, 25000, 3400000, 2e9)]
        self.assertEqual(shown, ["7", "9999", "25.0k", "3.4M", "2.0G"])

    def test_the_live_view_gives_back_every_line_it_took(self):
        live = live_view.LiveView("t", "out")
        printed = io.StringIO()
        with redirect_stdout(printed):
            live.stats(1, {"case": 10, "edges": 3, "time_us": 1000000, "cores": [{"core": 0, "case": 10}]})
            drawn = live.drawn
            live.stats(2, {"case": 30, "edges": 4, "time_us": 2000000, "cores": [{"core": 0, "case": 30}]})
        self.assertGreater(drawn, 3)
        self.assertIn(f"\x1b[{drawn}F", printed.getvalue())
        self.assertEqual(live.per_core[0][2], 20)

    def test_time_is_split_as_the_machine_says_and_the_rest_is_told_too(self):
        shares = {"target": 0.5, "exits": 0.125, "reset": 0.25, "mutation": 0.025}
        line, = live_view.split(shares, 40)
        self.assertEqual(line[5:45], "█" * 20 + "▓" * 5 + "▒" * 10 + "░" + " " * 4)
        for part in ("target 50%", "exits 12%", "reset 25%", "mutation 2%", "other 10%"):
            self.assertIn(part, line)
        self.assertEqual(live_view.split(None, 40), [])
        live = live_view.LiveView("t", "out")
        with redirect_stdout(io.StringIO()):
            live.stats(1, {"time_us": 1000000, "time_share": shares})
        self.assertTrue(any(shown.startswith("time █") for shown in live._lines(1, 110)))

    def test_the_live_view_has_a_bar_for_each_core_and_counts_crashes_by_kind(self):
        live = live_view.LiveView("t", "out")
        crashes = [{"hash": str(n), "function": "f", "file": "", "line": 0, "kind": kind}
                   for n, kind in enumerate(("overflow", "overflow", "use after free"))]
        with redirect_stdout(io.StringIO()):
            live.stats(1, {"time_us": 1000000, "cores": [{"core": 0, "case": 100}, {"core": 1, "case": 50}]})
            for described in (*crashes, crashes[0]):
                live.crash(2, described, True)
        lines = live._lines(2, 100)
        cores = next(line for line in lines if "100/s" in line)
        self.assertEqual([cell.count("█") for cell in cores.split("/s")[:2]], [live_view.BAR, live_view.BAR // 2])
        self.assertIn("     2x overflow", lines)
        self.assertIn("     1x use after free", lines)


class SymbolsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        source, cls.elf = Path(cls.scratch.name) / "program.c", Path(cls.scratch.name) / "program"
        source.write_text(PROGRAM)
        subprocess.run(["clang", "-g", "-O1", "-ffreestanding", "-nostdlib", "-static", "-Wl,-e,start", "-fuse-ld=lld",
                        "-o", str(cls.elf), str(source)], check=True)
        cls.symbols = {name: value for name, value, _ in Elf(cls.elf.read_bytes()).symbols()}

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def address_in_deep(self):
        """Some address of outer whose innermost frame is the inlined function."""
        symbolizer = Symbolizer(self.elf)
        for address in range(self.symbols["outer"], self.symbols["outer"] + 32):
            frames = symbolizer.frames([address])
            if frames[0].function == "deep":
                return address, frames
        self.fail("no address of the inlined function")

    def test_an_inlined_function_is_a_frame_of_its_own(self):
        _, frames = self.address_in_deep()
        self.assertEqual([(f.function, f.line, f.inlined) for f in frames], [("deep", 2, True), ("outer", 5, False)])
        self.assertTrue(frames[0].file.endswith("program.c"))

    def test_a_return_address_names_the_call_before_it(self):
        start = self.symbols["start"]
        exact = Symbolizer(self.elf).frames([start], innermost_exact=True)
        self.assertEqual(exact[0].function, "start")
        behind = Symbolizer(self.elf).frames([start], innermost_exact=False)
        self.assertNotEqual(behind[0], exact[0])

    def test_a_crash_is_described_and_readable(self):
        address, _ = self.address_in_deep()
        record = {"type": "crash", "hash": "aa", "kind": "wild-pointer", "frames": [hex(address)], "input": ""}
        described = describe(record, Symbolizer(self.elf))
        self.assertEqual((described["function"], described["line"]), ("deep", 2))
        self.assertNotIn("input", described)
        self.assertIn("wild-pointer in deep at", trace_text(described, ["error x"]))

    def test_an_unknown_address_keeps_the_kernels_name(self):
        record = {"type": "crash", "hash": "aa", "frames": ["0x10"], "function": "kernel_knew"}
        described = describe(record, Symbolizer(self.elf))
        self.assertEqual(described["function"], "kernel_knew")

    def test_a_source_is_named_from_the_root_also_by_nasm(self):
        for written, name in (("./kernel/a.cpp", "kernel/a.cpp"), (f"{ROOT}/kernel/kernel/a.asm", "kernel/a.asm"),
                              (f"{ROOT}/tests/kernel/tests/kernel/a.asm", "tests/kernel/a.asm"),
                              ("/elsewhere/x/x/a.asm", "/elsewhere/x/x/a.asm")):
            self.assertEqual(in_tree(written), name)

    def test_no_frame_at_all_is_no_mistake(self):
        self.assertEqual(origin([]).function, "?")
