"""A crash as a sanitizer would report it: stacks innermost first, never mixed, one way to say where an address lies."""
import re
import unittest

from tools.rl.results import crash_text
from tools.rl.results.crash_text import describe, trace_text
from tools.rl.results.symbols import Frame

# As the tools that read sanitizers' reports expect a frame.
FRAME = re.compile(r"^    #(\d+) 0x[0-9a-f]+ in (\S+) ([^:]+):(\d+):(\d+)$")
CHAIN = ["error target.heap-use-after-free on core 1, case 7, hash 00000000000000aa", "    #0 0x1 in f+0x1",
         crash_text.OWN, "  fuzz/worker.cpp  Worker::run_case  running one case   <- origin"]


class Names:
    """Each address is a function; those above 0x100 hold another, inlined one."""

    @staticmethod
    def frames(addresses, innermost_exact=True):
        found = []
        for address in addresses:
            if address > 0x100:
                found.append(Frame(address, f"inlined_{address:x}", "a.h", 2, True, 3))
            found.append(Frame(address, f"function_{address:x}", "a.c", address, False, 5))
        return found


def record(**more):
    return {"type": "crash", "hash": "00000000000000aa", "kind": "heap-use-after-free", "access": "read",
            "access_size": 4, "address": "0x1000", "region": "freed heap block", "region_base": "0xff0",
            "region_size": 480, "offset": 16, "frames": ["0x10", "0x101", "0x12"], "alloc": ["0x20", "0x21"],
            "free": ["0x30"], **more}


class TraceTest(unittest.TestCase):
    def trace(self, **more):
        return trace_text(describe(record(**more), Names()), CHAIN).splitlines()

    def test_each_stack_is_innermost_first_below_its_own_title(self):
        lines = self.trace()
        self.assertEqual(lines[:3], [
            CHAIN[0], "heap-use-after-free in function_10 at a.c:16:5",
            "  read of 4 bytes at 0x1000, 16 bytes inside a 480-byte freed heap block at 0xff0"])
        frames = [FRAME.match(line) for line in lines]
        names = [match[2] if match else line for match, line in zip(frames, lines)][3:-2]
        self.assertEqual(names, ["function_10", "inlined_101", "function_101", "function_12", "  allocated by:",
                                 "function_20", "function_21", "  freed by:", "function_30"])
        self.assertEqual([match[1] for match in frames if match], ["0", "1", "2", "3", "0", "1", "0"])

    def test_our_own_operations_come_last_and_are_marked(self):
        self.assertEqual(self.trace()[-2:], [crash_text.OWN.strip(), CHAIN[-1]])
        self.assertEqual("\n".join(self.trace()).count("f+0x1"), 0)

    def test_a_recursion_stands_behind_its_round_with_the_numbers_of_the_lines(self):
        lines = self.trace(recursion=[{"first": 1, "length": 2, "repeats": 3700}], frames_cut=True)
        at = lines.index("    ... #1 to #3 again, 3,700 times")
        self.assertIn(" in function_12 ", lines[at - 1])
        self.assertEqual(lines[at + 1], "    ... and further frames")

    def test_a_recursion_of_frames_that_are_not_there_is_left_out(self):
        for wrong in ({"first": 9, "length": 1}, {"first": 0, "length": 0}, {"first": 2, "length": 5}):
            self.assertNotIn("again", "\n".join(self.trace(recursion=[{**wrong, "repeats": 1}])))

    def test_an_offset_counts_from_the_nearest_end_of_the_block(self):
        for offset, said in ((-4, "4 bytes before"), (0, "0 bytes inside"), (479, "479 bytes inside"),
                             (480, "0 bytes after"), (484, "4 bytes after")):
            text = crash_text.access_text(record(offset=offset, region="red zone of a heap block"))
            self.assertTrue(text.endswith(f", {said} a 480-byte heap block at 0xff0"), text)

    def test_the_article_is_that_of_the_number_as_it_is_read(self):
        said = [f"{crash_text.article(n)} {n}" for n in (1, 8, 11, 18, 80, 110, 118, 811, 1800, 11000, 18000, 180000)]
        self.assertEqual(said, ["a 1", "an 8", "an 11", "an 18", "an 80", "a 110", "a 118", "an 811", "a 1800",
                                "an 11000", "an 18000", "a 180000"])

    def test_a_crash_without_an_address_says_nothing_about_one(self):
        self.assertEqual(crash_text.access_text({"kind": "abort"}), "")
        self.assertEqual(crash_text.access_text({"access": "write", "access_size": 8, "address": "0x5",
                                                 "region": "null page"}), "write of 8 bytes at 0x5, null page")


if __name__ == "__main__":
    unittest.main()
