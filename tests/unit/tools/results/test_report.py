"""The report: a page that is well-formed and complete in itself, and says what the folder and the symbols say."""
import base64
import json
import re
import subprocess
import tempfile
import unittest
from html.parser import HTMLParser
from pathlib import Path

from tools.rl.results import report
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
EMPTY = ("meta", "path", "polyline")


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
        self.assertEqual(report.points([{"time_us": 2000000}, {"time_us": 1000000}])[1][0], 3.0)
        text = self.written()
        self.assertEqual(parse(text).count["polyline"], len(report.CURVES))
        points = [p.split(",") for p in re.search(r'points="([^"]+)"', text)[1].split()]
        self.assertEqual(len(points), 4)
        self.assertEqual([float(x) for x, _ in points], sorted(float(x) for x, _ in points))
        self.assertEqual([float(y) for _, y in points], sorted((float(y) for _, y in points), reverse=True))

    def test_a_run_goes_on_behind_one_that_had_ended_before_its_first_record(self):
        short, long = ({"time_us": 1000000, "started": 5.0}, {"time_us": 3000000, "started": 9.0})
        self.assertEqual([point[0] for point in report.points([short, long, {**long, "time_us": 4000000}])],
                         [1.0, 4.0, 5.0])

    def test_a_long_run_is_thinned_out_and_keeps_its_end(self):
        self.stats([{"time_us": n * 1000000, "edges": n} for n in range(1, 2501)])
        points = re.search(r'points="([^"]+)"', self.written())[1].split()
        self.assertLessEqual(len(points), report.MOST_POINTS + 1)
        self.assertTrue(points[-1].startswith(f"{report.WIDTH - report.MARGIN:.1f},{report.MARGIN:.1f}"))

    def test_a_crash_stands_with_its_chain_and_its_source_line(self):
        (self.folder / "t.c").write_text("".join(f"line {n} < {n}\n" for n in range(1, 30)))
        self.crash(file=str(self.folder / "t.c"), line=12)
        text = self.written()
        parse(text)
        self.assertIn("parse&lt;T&gt;", text)
        self.assertIn("a chain &lt;- origin &amp; more", text)
        self.assertIn("<mark>    12  line 12 &lt; 12</mark>", text)
        self.assertNotIn("line 17 &lt;", text)

    def test_coverage_is_told_by_function_and_line(self):
        (self.folder / "p.c").write_text(SOURCE)
        elf = self.folder / "p.elf"
        instrumented = "-fsanitize-coverage=inline-8bit-counters,pc-table,no-prune"
        subprocess.run(["clang", "-c", "-O1", "-g", instrumented, "-o", self.folder / "p.o", self.folder / "p.c"],
                       check=True)
        subprocess.run(["ld.lld", "-static", "-e", "start", "-o", elf, self.folder / "p.o"], check=True)
        addresses = report.edge_addresses(elf)
        symbolizer = Symbolizer(elf)
        names = [frame.function for frame in symbolizer.places(addresses)]
        bits = sum(1 << edge for edge, name in enumerate(names) if name == "reached")
        reached = bits.to_bytes(-(-len(addresses) // 8), "little")
        found = {f.name: f for f in report.functions(addresses, reached, symbolizer)}
        self.assertEqual(found["never"].reached, 0)
        self.assertEqual(found["never"].missed, (6,))
        self.assertEqual(found["reached"].reached, found["reached"].edges)
        self.assertGreater(found["reached"].edges, 1)
        self.assertIn(3, found["reached"].lines)
        (self.folder / "edges.json").write_text(json.dumps({"reached": base64.b64encode(reached).decode()}))
        text = self.written(elf, symbolizer)
        self.assertEqual(parse(text).count["tr"], 1 + len(found))
        self.assertIn("never entered", text)

    def test_line_numbers_are_told_in_ranges(self):
        self.assertEqual(report.ranges((1, 2, 3, 7, 9, 10)), "1-3, 7, 9-10")
