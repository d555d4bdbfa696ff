"""`build.py trace`: dumped records become a file that trace viewers accept: paired spans, named threads."""
import unittest

from tools.rl.commands import trace

HEAD = "trace: core 0 has 6 of 91822 records, 2000000 ticks a second"
LINES = ["text before", HEAD, "trace 0 100 E guest exit_code 0x81 rip 0x1000", "trace 0 200 B reset",
         "trace 0 260 E reset dirty_pages_so_far 0x7", "trace 0 300 B guest vmcb 0x1000 rip 0x2000",
         "trace 0 350 i tick rip 0x3000", "trace 0 400 E guest exit_code 0x400 rip 0x2004",
         "trace: core 1 has 1 of 1 records, 2000000 ticks a second", "trace 1 180 B guest vmcb 0x2000 rip 0x9",
         "trace: end"]


class TraceTest(unittest.TestCase):
    def events(self, lines):
        return [e for e in trace.chrome(trace.events_in(lines))["traceEvents"] if e["ph"] != "M"]

    def test_times_are_microseconds_from_the_first_record(self):
        shown = [(e["ph"], e["name"], e["tid"], e["ts"]) for e in self.events(LINES)]
        self.assertEqual(shown, [("B", "reset", 0, 10.0), ("E", "reset", 0, 40.0), ("B", "guest", 0, 60.0),
                                 ("i", "tick", 0, 85.0), ("E", "guest", 0, 110.0), ("B", "guest", 1, 0.0)])

    def test_values_and_threads_have_their_names(self):
        whole = trace.chrome(trace.events_in(LINES))["traceEvents"]
        self.assertEqual([e["args"]["name"] for e in whole if e["ph"] == "M"], ["core 0", "core 1"])
        self.assertIn({"exit_code": "0x400", "rip": "0x2004"}, [e["args"] for e in whole])

    def test_an_end_without_its_beginning_is_left_out(self):
        self.assertNotIn(0x81, [int(e["args"].get("exit_code", "0"), 16) for e in self.events(LINES)])

    def test_a_span_that_failed_ends_with_the_one_around_it(self):
        lines = [HEAD, "trace 0 1 B outer", "trace 0 2 B inner", "trace 0 3 E outer"]
        depth, names = 0, []
        for event in self.events(lines):
            depth += {"B": 1, "E": -1}[event["ph"]]
            names.append(event["ph"] + event["name"])
        self.assertEqual((depth, names), (0, ["Bouter", "Binner", "Einner", "Eouter"]))

    def test_the_last_dump_counts(self):
        self.assertEqual(len(self.events(LINES + [HEAD, "trace 0 900 B reset"])), 2)

    def test_a_clock_that_was_not_measured_still_gives_a_file(self):
        lines = ["trace: core 0 has 1 of 1 records, 0 ticks a second", "trace 0 5 B reset"]
        self.assertEqual(self.events(lines)[0]["ts"], 0)
