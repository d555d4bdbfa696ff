"""A crash record as people read it."""
import unittest

from tools.rl.results.crash_text import describe, trace_text
from tools.rl.results.symbols import Frame


class Names:
    """Stands for the symbols of a target: each address is a function of its own."""

    @staticmethod
    def frames(addresses, innermost_exact=True):
        return [Frame(address, f"function_{address}", "a.c", address if address > 3 else 0, False)
                for address in addresses]


class ThreadsTest(unittest.TestCase):
    RECORD = {"type": "crash", "hash": "00000000000000aa", "kind": "deadlock", "frames": ["0x3", "0x4"],
              "threads": [{"id": 3, "frames": ["0x3", "0x4"]}, {"id": 2, "frames": ["0x5"]}]}

    def test_a_deadlock_has_each_threads_stack_with_functions(self):
        described = describe(self.RECORD, Names())
        self.assertEqual([thread["id"] for thread in described["threads"]], [3, 2])
        self.assertEqual([frame["function"] for frame in described["threads"][0]["frames"]],
                         ["function_3", "function_4"])
        text = trace_text(described, [])
        self.assertLess(text.index("function_4"), text.index("function_5"))

    def test_a_deadlock_is_in_the_function_whose_source_is_known(self):
        self.assertEqual(describe(self.RECORD, Names())["function"], "function_4")
        self.assertEqual(describe({**self.RECORD, "kind": "abort"}, Names())["function"], "function_3")

    def test_another_crash_names_no_threads(self):
        record = {key: value for key, value in self.RECORD.items() if key != "threads"}
        self.assertNotIn("threads", describe(record, Names()))

    def test_without_symbols_the_threads_remain(self):
        self.assertEqual([thread["id"] for thread in describe(self.RECORD, None)["threads"]], [3, 2])
