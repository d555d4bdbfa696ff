"""What a target printed: any bytes become text that is safe to show, and it stands in the trace once."""
import base64
import unittest

from tools.rl.results import printed
from tools.rl.results.crash_text import describe, trace_text


def record(output, total=None):
    return {"type": "crash", "hash": "0" * 16, "kind": "abort", "output": base64.b64encode(output).decode(),
            "printed": len(output) if total is None else total}


class PrintedTest(unittest.TestCase):
    def test_bytes_that_a_terminal_obeys_are_escaped(self):
        text, total = printed.of(record(b"a\n\x1b[2J\xff\xc3\xa9\t\0\r\xe2\x80\xae"))
        self.assertEqual((text, total), ("a\n\\x1b[2J\\xffé\\t\\x00\\r\\u202e", 15))

    def test_records_that_are_broken_have_printed_nothing(self):
        for one in ({}, {"output": 5}, {"output": "?"}, {"output": "QQ=", "printed": 1}, {"output": ["QQ=="]},
                    {"output": "", "printed": "x"}, {"output": "ü"}, {"output": "QQ==", "printed": float("inf")}):
            self.assertEqual(printed.of(one)[0], "")

    def test_a_trace_shows_it_once(self):
        described = describe(record(b"one\ntwo\n"), None)
        trace = trace_text(described, ["error target.abort on core 0", "  printed: two", "  target 0x1  <- origin"])
        self.assertEqual(trace.count("two"), 1)
        self.assertIn("  the target printed:\n    | one\n    | two\n", trace)

    def test_a_trace_says_that_something_is_left_out(self):
        for one in (record(b"end", 9000), record(b"x\n" * 900)):
            lines = printed.lines(*printed.of(one))
            self.assertIn("at the end of", lines[0])
            self.assertLessEqual(len(lines), printed.MOST_LINES + 1)
        self.assertEqual(printed.lines(*printed.of(record(b""))), [])


if __name__ == "__main__":
    unittest.main()
