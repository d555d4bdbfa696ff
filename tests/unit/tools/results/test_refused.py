"""What a target asked for and was refused: read from records, added up over cores, shown safely."""
import tempfile
import unittest
from pathlib import Path

from tools.rl.results import refused, report
from tools.rl.results.refused import Refused
from tools.rl.results.symbols import Frame

RECORD = {"type": "refused", "call": "openat2", "number": 437, "error": 38, "count": 3, "core": 0,
          "arguments": ["0x1", "0x2", "0x3", "0x0", "0x0", "0x0"], "path": "/etc/x", "function": "syscall",
          "frames": ["0x1000", "0x2000", "0x3000"]}


class Names:
    """A C library's function without a source below two of the target's."""
    PLACES = {0x1000: ("syscall", "", 0), 0x2000: ("open_it", "src/lib.c", 12), 0x3000: ("harness", "h.c", 3)}

    def frames(self, addresses, innermost_exact=True):
        return [Frame(a, *self.PLACES[a], False) for a in addresses]


class RefusedTest(unittest.TestCase):
    def lines(self, *records, symbolizer=Names()):
        calls = Refused()
        for record in records:
            self.assertTrue(calls.add(record, symbolizer))
        return calls.lines()

    def test_a_call_is_named_with_error_path_and_the_targets_own_line(self):
        line = self.lines(RECORD)[1]
        for part in ("openat2(0x1, 0x2, 0x3)", '"/etc/x"', "ENOSYS", "3 times", "open_it at lib.c:12"):
            self.assertIn(part, line)

    def test_the_last_record_of_a_core_counts_and_cores_add_up(self):
        calls = Refused()
        for core, count in ((0, 1), (0, 2), (1, 1), (1, 16), (0, 5)):
            calls.add({**RECORD, "core": core, "count": count}, Names())
        self.assertEqual([call.count for call in calls.calls()], [21])

    def test_without_symbols_the_machines_name_stands(self):
        self.assertIn("by syscall", self.lines(RECORD, symbolizer=None)[1])

    def test_nothing_refused_is_nothing_said(self):
        self.assertEqual(Refused().lines(), [])
        self.assertNotIn("refused", report.page("x", [], [], []))

    def test_what_is_no_such_record_is_dropped(self):
        for change in ({"call": "x y"}, {"call": 5}, {"call": "\x1b[2J"}, {"error": "x"}, {"count": 0}, {"count": True},
                       {"count": 1 << 70}, {"core": -1}, {"core": None}, {"arguments": None}, {"arguments": ["1"]},
                       {"arguments": ["0x" + "1" * 99]}, {"path": 7}, {"path": "\u2603"}, {"frames": ["x"]},
                       {"frames": 5}, {"frames": ["0x1"] * 99}, {"number": "x"}):
            self.assertFalse(Refused().add({**RECORD, **change}, Names()), change)
        for key in ("call", "number", "error", "count", "core", "arguments", "path", "frames"):
            for symbolizer in (None, Names()):
                broken = {name: value for name, value in RECORD.items() if name != key}
                self.assertFalse(Refused().add(broken, symbolizer), key)

    def test_bytes_of_the_target_are_escaped(self):
        line = self.lines({**RECORD, "path": "/\x1b[2J\xe9\n", "function": "f\x1b"}, symbolizer=None)[1]
        self.assertIn('"/\\x1b[2J', line)
        self.assertTrue(line.isprintable())

    def test_a_folder_keeps_them_for_the_report(self):
        calls = Refused()
        calls.add({**RECORD, "path": "<b>"}, Names())
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(refused.load(Path(folder)), [])
            Path(folder, refused.FILE).write_text(calls.text())
            self.assertEqual(refused.load(Path(folder)), calls.calls())
            page = report.page("x", [], [], [], refused_calls=refused.load(Path(folder)))
        self.assertIn("openat2", page)
        self.assertNotIn("<b>", page)


if __name__ == "__main__":
    unittest.main()
