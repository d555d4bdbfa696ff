"""What people see: curves, numbers, symbolised traces of a real ELF."""
import functools
import io
import subprocess
import tempfile
import unittest
from contextlib import redirect_stdout
from pathlib import Path
from unittest import mock

from tools.rl.common import ROOT
from tools.rl.results import live_block, live_view, meters
from tools.rl.results.crash_text import describe, trace_text
from tools.rl.results.elf import Elf
from tools.rl.results.page import facts
from tools.rl.results.refused import Call
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


RECORD = {"case": 1234567, "time_us": 1000_000_000, "cases_per_s": 1388, "edges": 2434, "counters": 4369,
          "corpus": 1033, "crashes": 3, "timeouts": 2, "out_of_memory": 1, "exits_per_case": 1.001,
          "dirty_pages_per_case": 16.6, "frames_free": 94042,
          "time_share": {"target": 0.59, "exits": 0.02, "reset": 0.32, "mutation": 0.01},
          "cores": [{"core": n, "case": 1000 * (n + 1)} for n in range(4)]}


def bug(number, function="stbi__gif_load_next"):
    return {"hash": f"{number:016x}", "function": function, "file": "/usr/include/stb/stb_image.h", "line": 6839,
            "kind": "heap-use-after-free"}


@functools.lru_cache(maxsize=None)
def some_run(bugs):
    """A view that has seen so many bugs."""
    view = live_view.LiveView("stb_image", "out/stb_image")
    with redirect_stdout(io.StringIO()):
        for second in range(300):
            view.stats(second, {**RECORD, "edges": RECORD["edges"] - 300 + second, "time_us": second * 1000000})
        for number in range(bugs):
            view.crash(300 + number, bug(number), True)
        view.counts(310, {bug(0)["hash"]: 1204})
        view.stats(350, {**RECORD, "seeds_left": 12, "seeds": 90})
    return view


def full(size, bugs=3):
    """The block of a run of some time, at a terminal of this size."""
    view, (width, height) = some_run(bugs), size
    return live_block.lines(view.campaign, view.title, 352, width - 1, height - 1)


class MeterTest(unittest.TestCase):
    def test_a_curve_rises_with_its_values_and_fits(self):
        self.assertEqual(meters.curve([0, 1, 2, 3, 4, 5, 6, 7], 8), "▁▂▃▄▅▆▇█")
        self.assertEqual(meters.curve([5, 5], 8), "▁" * 8)
        self.assertEqual(meters.curve([0, 7], 5), "▁▁▁██")
        self.assertEqual(meters.curve([], 8), "")
        self.assertEqual(len(meters.curve(list(range(1000)), 40)), 40)

    def test_a_curve_of_several_rows_has_more_steps(self):
        self.assertEqual(meters.plot([0, 7, 8, 15], 4, 2), ["  ▁█", "▁███"])
        self.assertEqual([len(line) for line in meters.plot(list(range(500)), 60, 4)], [60] * 4)

    def test_a_mark_stands_where_a_run_goes_on(self):
        history = meters.History()
        history.mark()
        for value in (1, 2, 3):
            history.add(value)
        history.mark()
        history.add(9)
        self.assertEqual(meters.curve(history.values(), 4, history.marks()), "▁▁▂┊")
        self.assertEqual(meters.curve(history.values(), 8, history.marks()), "▁▁▁▁▂▂┊█")

    def test_a_curve_covers_the_whole_run_however_long(self):
        for records in (1, 2, meters.HISTORY, meters.HISTORY + 1, 5000, 20 * meters.HISTORY + 7):
            history = meters.History()
            for value in range(records):
                history.add(value)
            values = history.values()
            self.assertLessEqual(len(values), meters.HISTORY + 1)
            self.assertEqual((values[0], values[-1]), (0, records - 1))
            steps = {later - value for value, later in zip(values, values[1:-1])}
            self.assertLessEqual(len(steps), 1, "evenly spaced")

    def test_a_text_that_is_too_long_keeps_its_beginning_and_its_end(self):
        self.assertEqual(meters.fitted("abcdefghij", 10), "abcdefghij")
        self.assertEqual(meters.fitted("abcdefghij", 7), "abc…hij")
        self.assertEqual([len(meters.fitted("abcdefghij", width)) for width in range(8)], list(range(8)))

    def test_time_is_split_as_the_machine_says_and_the_rest_is_told_too(self):
        shares = {"target": 0.5, "exits": 0.125, "reset": 0.25, "mutation": 0.025}
        line = meters.split(shares, 40)
        self.assertEqual(line[5:45], "█" * 20 + "▓" * 5 + "▒" * 10 + "░" + "·" * 4)
        for part in ("target 50%", "VM exits 12%", "reset 25%", "mutation 2%", "rest 10%"):
            self.assertIn(part, line)
        self.assertEqual(meters.split(None, 40), "")


class ViewTest(unittest.TestCase):
    FIGURES = ("exec/s      1,388 (1,235 on average)", "execs       1,234,567", "edges       2,434 of 4,369 (55.7%)",
               "new edge    0:00:02 ago", "crashes     3 bugs, 1,206 crashes", "last crash  0:00:42 ago",
               "corpus      1,033", "timeouts    2", "cores       4", "out of mem  1", "seeds       78 of 90 run")

    def test_nothing_that_matters_is_cut_at_80_by_24(self):
        lines = full((80, 24))
        text = "\n".join(lines)
        self.assertLessEqual(len(lines), 23)
        for figure in (*self.FIGURES, "target 59%", "rest 6%", "1.001 VM exits, 16.6 dirty pages", "367 MiB",
                       "     1,204x heap-use-after-free in stbi__gif_load_next at stb_image.h:6839"):
            self.assertIn(figure, text)
        self.assertNotIn("…", text)

    def test_the_room_of_160_by_45_is_used(self):
        lines = full((160, 45), bugs=20)
        self.assertGreaterEqual(len(lines), 43)
        self.assertGreaterEqual(len(full((160, 45))), 40)
        text = "\n".join(lines)
        for figure in self.FIGURES:
            self.assertIn(figure.replace("3 bugs, 1,206", "20 bugs, 1,223"), text)
        self.assertGreater(sum("▁" in line or "█" in line for line in lines), 8)
        self.assertGreater(sum(line.count("core ") for line in lines), 3)

    def test_curves_say_what_their_highest_and_lowest_rows_are_and_stand_below_each_other(self):
        for size in ((80, 24), (160, 45)):
            lines = full(size)
            edges, speed = ([n for n, line in enumerate(lines) if line.startswith(name)][0]
                            for name in ("edges, most 2,434 ", "exec/s, most 1,388 "))
            self.assertTrue(any(line.lstrip().startswith("least 2,134 ▁") for line in lines[edges:speed]))
            self.assertEqual(len({len(line) for line in lines[speed:speed + 3]} | {len(lines[edges])}), 1)
            self.assertEqual(len({line.index("█") for line in lines[speed:speed + 3]}), 1)

    def test_one_bug_is_one(self):
        self.assertIn("1 bug, 1,204 crashes", "\n".join(full((80, 24), bugs=1)))

    def test_a_bug_is_shown_with_its_folder_where_there_is_room(self):
        folder = f"  crashes/{bug(0)['hash']}"
        self.assertNotIn(folder, "\n".join(full((80, 24))))
        self.assertIn(folder, "\n".join(full((160, 45))))

    def test_a_place_without_a_line_has_none(self):
        self.assertEqual(live_view.crash_line({**bug(1), "line": 0}).split()[-1], "stb_image.h")

    def test_every_size_holds_its_lines_and_tells_what_is_left_out(self):
        for width in (1, 2, 20, 39, 40, 79, 120, 400):
            for height in (1, 2, 5, 12, 24, 45, 200):
                lines = full((width + 1, height + 1), bugs=60)
                self.assertLessEqual(len(lines), height)
                self.assertLessEqual(max(map(len, lines)), width)
        self.assertRegex("\n".join(full((80, 24), bugs=60)), r"\n +and \d+ more")

    def test_a_new_edge_and_a_crash_that_comes_again_are_news(self):
        view = live_view.LiveView("t", "out")
        with redirect_stdout(io.StringIO()):
            view.stats(1, {"edges": 5})
            view.stats(9, {"edges": 5})
            view.crash(3, bug(1), True)
            view.counts(7, {bug(1)["hash"]: 2, bug(2)["hash"]: 9})
            view.counts(8, {bug(1)["hash"]: 2})
        self.assertEqual((view.campaign.last_edge, view.campaign.last_crash), (1, 7))
        self.assertEqual([count for count, _ in view.campaign.bugs.values()], [2])

    def test_what_the_target_was_refused_is_told(self):
        view = live_view.LiveView("t", "out")
        view.refused([Call("mount", 38, 12, ("0x1",), "", "f", "x.c", 3)] * 9)
        view.campaign.record = RECORD
        lines = live_block.lines(view.campaign, ("t", "out"), 5, 99, 39)
        self.assertTrue(any(line.startswith("refused     mount(0x1): ENOSYS, 12 times") for line in lines))
        self.assertTrue(any("other calls" in line for line in lines))

    def test_cpuid_is_shown_where_cases_pay_for_it(self):
        def shown(cases, cpuid):
            return "CPUID" in live_view.stats_line({"case": cases, "exits_by_reason": {"cpuid": cpuid}})
        self.assertTrue(shown(10_000, 20_000))
        self.assertFalse(shown(10_000, 128), "those of the start")
        self.assertFalse(shown(10_000_000, 2000))
        self.assertNotIn("CPUID", live_view.stats_line({}))

    def test_a_machine_whose_memory_has_errors_is_told_and_one_without_is_not(self):
        self.assertEqual(live_block.hardware_text({"hardware_errors": 0}), "")
        ill = {"hardware_errors": 1200, "stray_interrupts": 3}
        self.assertEqual(live_block.hardware_text(ill),
                         "1,200 errors: this machine's memory has errors, 3 stray interrupts")
        self.assertIn("this machine's memory has errors", live_view.stats_line(ill))
        self.assertNotIn("hardware", live_view.stats_line({"case": 1}))
        self.assertIn(("hardware errors: this machine's memory has errors", "1,205"), facts.figures(
            [{"case": 1, "started": 1, "hardware_errors": 5}, {"case": 1, "started": 2, **ill}], None, 0, 0, 0, 9))
        self.assertNotIn("hardware", str(facts.figures([{"case": 1}], None, 0, 0, 0, 9)))

    def test_the_live_view_gives_back_every_line_it_took(self):
        view = live_view.LiveView("t", "out")
        printed = io.StringIO()
        with redirect_stdout(printed):
            view.stats(1, {"case": 10, "edges": 3, "time_us": 1000000, "cores": [{"core": 0, "case": 10}]})
            drawn = view.drawn
            view.stats(2, {"case": 30, "edges": 4, "time_us": 2000000, "cores": [{"core": 0, "case": 30}]})
        self.assertGreater(drawn, 3)
        self.assertIn(f"\x1b[{drawn}F", printed.getvalue())
        self.assertEqual(view.campaign.rates[0], 20)

    def test_a_terminal_of_another_size_is_drawn_anew(self):
        view = live_view.LiveView("t", "out")
        for change in (lambda: mock.patch.object(live_view, "terminal_size", lambda: (60, 20)),
                       lambda: mock.patch.object(view, "size", (0, 0))):
            printed = io.StringIO()
            with redirect_stdout(printed), mock.patch.object(live_view, "terminal_size", lambda: (100, 30)):
                view.stats(1, RECORD)
                self.assertNotIn(live_view.CLEAR, printed.getvalue())
                view.size = (100, 30)
                with change():
                    view.tick(2)
            self.assertEqual(printed.getvalue().count(live_view.CLEAR), 1)
            view.drawn, view.size = 0, None

    def test_a_core_has_a_bar_of_its_share_of_the_fastest(self):
        view = live_view.LiveView("t", "out")
        with redirect_stdout(io.StringIO()):
            view.stats(1, {"time_us": 1000000, "cores": [{"core": 0, "case": 100}, {"core": 1, "case": 50}]})
        cores, = live_block.core_lines(view.campaign, 99)
        self.assertEqual([cell.count("█") for cell in cores.split("/s")[:2]], [live_block.BAR, live_block.BAR // 2])


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
