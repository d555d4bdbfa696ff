"""The report: a page that is well-formed and complete in itself, and says what the folder and the symbols say."""
import base64
import json
import re
import subprocess
import tempfile
import unittest
from html.parser import HTMLParser
from pathlib import Path

from tools.rl.results import line_coverage, report
from tools.rl.results.page import coverage, curves, facts, hexdump, markup
from tools.rl.results.page.axes import LEFT, RIGHT, TOP, WIDTH, Axes, round_times, round_values, short
from tools.rl.results.symbols import Symbolizer

SOURCE = """\
int sink;
__attribute__((noinline)) void reached(int n) {
    if (n == 1) sink++;
    sink--;
}
__attribute__((noinline)) void never(void) { sink++; }
void __sanitizer_cov_8bit_counters_init(char *a, char *b) { (void)a, (void)b; }
void __sanitizer_cov_pcs_init(const unsigned long *a, const unsigned long *b) { (void)a, (void)b; }
void start(void) { reached(sink); never(); }
"""
EMPTY = ("meta", "path", "polyline", "input")


class Page(HTMLParser):
    """Complains where an element does not end in its order, and about everything that lies elsewhere."""

    def __init__(self, text):
        super().__init__()
        self.open, self.count, self.elsewhere = [], {}, []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.count[tag] = self.count.get(tag, 0) + 1
        self.elsewhere += [value for name, value in attributes if name in ("src", "href", "srcset")]
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.count[tag] = self.count.get(tag, 0) + 1

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> in {self.open}"
        self.open.pop()


def parse(text):
    page = Page(text)
    assert not page.open and not page.elsewhere, (page.open, page.elsewhere)
    return page


class ReportTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)
        (self.folder / "crashes").mkdir()
        self.stats([])

    def stats(self, records):
        (self.folder / "stats.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))

    def crash(self, **fields):
        folder = self.folder / "crashes" / "00000000000000aa"
        folder.mkdir()
        crash = {"kind": "heap-buffer-overflow", "function": "parse<T>", "file": "", "line": 0, **fields}
        (folder / "crash.json").write_text(json.dumps(crash))
        (folder / "trace.txt").write_text("a chain <- origin & more\n")

    def written(self, elf=Path("/nonexistent"), symbolizer=None):
        return report.write(self.folder, "a <target>", elf, symbolizer).read_text()

    def test_an_empty_folder_gives_a_page(self):
        text = self.written()
        parse(text)
        self.assertIn("No statistics came", text)

    def test_a_curve_has_a_point_for_each_record_and_goes_on_in_a_resumed_run(self):
        self.stats([{"time_us": t * 1000000, "edges": e} for t, e in ((1, 10), (2, 20), (1, 20), (3, 40))])
        self.assertEqual(curves.times([{"time_us": 2000000}, {"time_us": 1000000}]), [2.0, 3.0])
        text = self.written()
        self.assertGreater(parse(text).count["polyline"], 4)
        points = [p.split(",") for p in re.search(r'<polyline class="s0" points="([^"]+)"', text)[1].split()]
        self.assertEqual(len(points), 4)
        self.assertEqual([float(x) for x, _ in points], sorted(float(x) for x, _ in points))
        self.assertEqual([float(y) for _, y in points], sorted((float(y) for _, y in points), reverse=True))

    def test_a_run_goes_on_behind_one_that_had_ended_before_its_first_record(self):
        short_one, long = ({"time_us": 1000000, "started": 5.0}, {"time_us": 3000000, "started": 9.0})
        self.assertEqual(curves.times([short_one, long, {**long, "time_us": 4000000}]), [1.0, 4.0, 5.0])
        self.assertEqual(facts.last_of_each_start([short_one, long, {**long, "time_us": 4000000}]),
                         [short_one, {**long, "time_us": 4000000}])

    def test_a_long_run_is_thinned_out_and_keeps_its_end(self):
        self.stats([{"time_us": n * 1000000, "edges": n} for n in range(1, 2501)])
        points = re.search(r'<polyline class="s0" points="([^"]+)"', self.written())[1].split()
        self.assertLessEqual(len(points), curves.MOST_POINTS + 1)
        self.assertEqual(points[-1], f"{WIDTH - RIGHT:.1f},{TOP:.1f}")

    def test_scales_have_round_values(self):
        self.assertEqual(round_values(2434), [0, 500, 1000, 1500, 2000])
        self.assertEqual(round_values(1), [0, 1])
        self.assertEqual(round_values(0), [0, 1])
        self.assertEqual(round_times(60, False), [0, 10, 20, 30, 40, 50, 60])
        self.assertLessEqual(len(round_times(3e6, False)), 10)
        self.assertEqual(round_times(700, True), [1, 10, 60, 600])
        self.assertEqual([short(n) for n in (0, 950, 1500, 25000, 3.4e6)], ["0", "950", "1,500", "25k", "3.4M"])

    def test_both_scales_end_at_the_same_places(self):
        for is_log in (False, True):
            axes = Axes(1000, 50, is_log)
            self.assertAlmostEqual(axes.x(1000), WIDTH - RIGHT)
            self.assertAlmostEqual(axes.x(0), LEFT)
            self.assertAlmostEqual(axes.y(50), TOP)
        self.assertGreater(Axes(1000, 50, True).x(10), Axes(1000, 50).x(10))

    def test_each_core_has_its_rate(self):
        stats = [{"time_us": t * 1000000, "cores": [{"core": 0, "case": 100 * t}, {"core": 1, "case": 10 * t}]}
                 for t in (1, 2, 4)]
        first, second = curves.by_core(stats, curves.times(stats))
        self.assertEqual((first.label, first.points), ("core 0", [(1, 100), (2, 100), (4, 100)]))
        self.assertEqual(second.points[-1], (4, 10))

    def test_where_the_time_went_is_weighed_by_time(self):
        stats = [{"time_us": 1000000, "time_share": {"target": 1.0}}, {"time_us": 4000000, "time_share": {"reset": 1}}]
        self.assertIn("target 25.0 %", curves.split_in_all(stats, curves.times(stats)))
        parse(curves.section(stats))

    def test_what_was_found_comes_first_and_the_first_of_it_is_open(self):
        self.stats([{"time_us": 1000000, "edges": 5}])
        self.crash(seen_at=20.0, seen_after=3.2)
        text = self.written()
        self.assertLess(text.index("<h2>Bugs: 1"), text.index("<h2>Timeouts"))
        self.assertLess(text.index("<h2>Timeouts"), text.index("<h2>Coverage"))
        self.assertLess(text.index("<h2>Coverage"), text.index("<h2>Over time"))
        self.assertEqual(text.count('<details class="crash" open>'), 1)
        self.assertIn("first seen after 3.2 s", text)
        self.assertIn("First seen 1970-01-01 00:00:20 UTC", text)

    def test_without_a_bug_the_first_timeout_is_open(self):
        self.crash()
        (self.folder / "crashes").rename(self.folder / "timeouts")
        text = self.written()
        self.assertEqual(text.count('<details class="crash" open>'), 1)
        self.assertIn("timeouts/00000000000000aa", text)

    def test_a_bug_has_its_times_and_its_stack_and_the_command_that_works_when_pasted(self):
        frame = {"address": "0x10", "function": "f<T>", "file": "", "line": 0, "column": 0, "inlined": False}
        self.crash(frames=[frame], alloc=[frame], access="read", access_size=4, address="0x5", region="heap block",
                   region_base="0x1", region_size=4, offset=4)
        (self.folder / "counts.json").write_text(json.dumps({"00000000000000aa": 1234}))
        text = self.written()
        parse(text)
        for said in ("1,234 times", "    #0 0x10 in f&lt;T&gt;", '<h3>Allocated by</h3><pre class="stack">',
                     "read of 4 bytes at 0x5, 0 bytes after a 4-byte heap block at 0x1",
                     f"{self.folder}/crashes/00000000000000aa/input</code>"):
            self.assertIn(said, text)

    def test_what_is_wrong_in_a_crash_is_left_out_and_the_rest_shown(self):
        self.crash(frames="no", alloc=[{"address": 5}], seen_at="x", recursion=[{"first": -1}], offset="?")
        parse(self.written())

    def test_a_shrunk_input_shows_what_was_left_out(self):
        self.assertEqual(hexdump.kept(b"ace", b"abcde"), [True, False, True, False, True])
        self.assertIsNone(hexdump.kept(b"ca", b"abc"))
        shown = hexdump.section(b"<e", b"<bcde")
        self.assertIn("2 bytes, shrunk from 5", shown)
        self.assertIn("3c <del>62 63 64 </del>65 ", shown)
        self.assertIn("|&lt;<del>bcd</del>e|", shown)
        self.assertNotIn("<del>", hexdump.section(b"abc"))
        self.assertNotIn("<del>", hexdump.section(b"xyz", b"abcdef"))
        self.assertIn("bytes more", hexdump.section(bytes(5000)))
        parse(hexdump.section(bytes(range(256)), bytes(range(256)) * 3))

    def test_the_head_tells_the_facts_of_the_last_run(self):
        (self.folder / "runs.jsonl").write_text("".join(json.dumps(one) + "\n" for one in (
            {"target": "t", "seed": 1, "started": 10.0}, {"target": "t", "seed": 7, "cores": 2, "started": 20.0,
                                                          "commit": "abc", "host": "a <host>"})) + "no JSON\n")
        self.stats([{"time_us": 5000000, "case": 50, "started": 20.0, "edges": 3, "counters": 12}])
        said = []
        text = report.write(self.folder, "t", Path("/nonexistent"), None, said.append).read_text()
        parse(text)
        for part in ("<dt>random seed</dt><dd>7</dd>", "<dt>commit</dt><dd>abc</dd>", "a &lt;host&gt;",
                     "<dt>ended</dt><dd>1970-01-01 00:00:25 UTC</dd>", "2 into this folder",
                     "<strong>3</strong>edges of 12 (25.0 %)", "<strong>10</strong>exec/s"):
            self.assertIn(part, text)
        self.assertIn("1 lines are no facts", said[0])

    def test_numbers_and_times_are_as_people_read_them(self):
        self.assertEqual([markup.duration(n) for n in (0.5, 59, 187, 7500, 273600)],
                         ["0.5 s", "59 s", "3 min 07 s", "2 h 05 min", "3 d 04 h"])
        self.assertEqual(markup.number(1234567), "1,234,567")
        self.assertEqual(markup.date(1e300), "")

    def test_a_crash_stands_with_its_chain_and_its_source_line(self):
        (self.folder / "t.c").write_text("".join(f"line {n} < {n}\n" for n in range(1, 30)))
        self.crash(file=str(self.folder / "t.c"), line=12)
        text = self.written()
        parse(text)
        self.assertIn("parse&lt;T&gt;", text)
        self.assertIn("a chain &lt;- origin &amp; more", text)
        self.assertIn("<mark>    12  line 12 &lt; 12</mark>", text)
        self.assertIn("t.c:12", text)
        self.assertNotIn("line 17 &lt;", text)

    def test_coverage_is_told_by_function_and_line(self):
        (self.folder / "p.c").write_text(SOURCE)
        elf = self.folder / "p.elf"
        instrumented = "-fsanitize-coverage=inline-8bit-counters,pc-table,no-prune"
        subprocess.run(["clang", "-c", "-O1", "-g", instrumented, "-o", self.folder / "p.o", self.folder / "p.c"],
                       check=True)
        subprocess.run(["ld.lld", "-static", "-e", "start", "-o", elf, self.folder / "p.o"], check=True)
        addresses = line_coverage.edge_addresses(elf)
        symbolizer = Symbolizer(elf)
        names = [frame.function for frame in symbolizer.places(addresses)]
        bits = sum(1 << edge for edge, name in enumerate(names) if name == "reached")
        reached, levels = bits.to_bytes(-(-len(addresses) // 8), "little"), bytes([25] * len(addresses))
        file, = line_coverage.by_file(line_coverage.edges(addresses, reached, levels, symbolizer))
        found = {one.name: one for one in file.functions}
        self.assertEqual(found["never"].reached, 0)
        self.assertEqual((file.lines[6].reached, file.lines[6].hits), (0, 0))
        self.assertEqual(found["reached"].reached, found["reached"].edges)
        self.assertEqual(file.lines[3].hits, 8)
        self.assertNotIn("__sanitizer_cov_pcs_init", found)         # the runtime's own
        (self.folder / "edges.json").write_text(json.dumps({
            "reached": base64.b64encode(reached).decode(), "hits": base64.b64encode(levels).decode()}))
        self.crash(frames=[{"address": "0x1", "function": "never", "file": file.name, "line": 6, "inlined": False}])
        text = self.written(elf, symbolizer)
        parse(text)
        self.assertIn('<strong>Never entered:</strong> never:6', text)
        self.assertRegex(text, r'<span class="hit" title="[^"]*">     3            8      if \(n == 1\) sink')
        self.assertRegex(text, r'<span class="(hit|part) crashed" title="[^"]*">     6            1  ')

    def test_a_level_is_the_count_to_an_eighth(self):
        self.assertEqual(line_coverage.hits_of(bytes((0, 1, 9, 25, 26, 255))), [0, 1, 2, 8, 9, 14 << 28])

    def test_line_numbers_are_told_in_ranges(self):
        self.assertEqual(coverage.ranges((1, 2, 3, 7, 9, 10)), "1-3, 7, 9-10")
