"""`build.py run` over a scripted machine: what comes back is on disk at once, and every end has its status and line."""
import argparse
import base64
import io
import json
import signal
import tempfile
import unittest
from contextlib import redirect_stdout
from pathlib import Path

from tests.unit.tools.machines.fake_qemu import FakeQemu
from tools.rl.building import targets
from tools.rl.commands import run
from tools.rl.common import CRASHED, INTERRUPTED, OK, SYSTEM_FAILED, Stop, USAGE
from tools.rl.machines.qemu import Machine
from tools.rl.machines.session import Session
from tools.rl.results.collector import Collector
from tools.rl.results.live_view import PlainView
from tools.rl.results.outdir import OutDir
from tools.rl.results.symbols import Frame

CRASH = {"type": "crash", "hash": "00000000000000aa", "kind": "heap-buffer-overflow", "case": 7, "core": 1, "size": 3,
         "input": base64.b64encode(b"GIF").decode(), "function": "rough", "frames": ["0x1000", "0x2001"],
         "address": "0x9", "access": "read", "access_size": 1, "alloc": ["0x3001"], "free": []}
CHAIN = ["error fuzz.crash on core 1, case 7, hash 00000000000000aa", "  outer", "  inner  <- origin"]


TARGETS_CHAIN = ["error target.heap-buffer-overflow on core 1, case 7, hash 00000000000000aa",
                 "    #0 0x1000 in rough", "  Raclette's own operations, outermost first:", "  mine  <- origin"]


class Names:
    """A symbolizer that knows three places."""
    PLACES = {0x1000: [("__asan_report", "targets/runtime/x.c", 1), ("inlined", "t.h", 5)],
              0x2001: [("outer", "t.c", 9)], 0x3001: [("make", "t.c", 3)]}

    def frames(self, addresses, innermost_exact=True):
        return [Frame(a, *place, False) for a in addresses for place in self.PLACES[a]]


def play(script, folder, until_crash=None, seconds=None, exit_zero=False, catches=False, inputs=0):
    script = f"CRASH = {CRASH!r}\nCHAIN = {CHAIN!r}\n" + script
    out = OutDir(Path(folder))
    printed = io.StringIO()
    with FakeQemu(script), redirect_stdout(printed):
        session = Session(b"image", Machine(), serial_log=out.serial)
        arguments = argparse.Namespace(until_crash=until_crash, seconds=seconds, exit_zero=exit_zero)
        runner = Collector(arguments, session, out, PlainView(), Names(), inputs=inputs)
        before = signal.signal(signal.SIGINT, runner.interrupted) if catches else None
        try:
            runner.run()
        finally:
            out.close()
            if catches:
                signal.signal(signal.SIGINT, before)
        status = run.conclude(runner, session, out)
    return status, printed.getvalue()


class RunTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.out = Path(scratch.name) / "out"

    def crash_file(self, name):
        return (self.out / "crashes" / CRASH["hash"] / name).read_text()

    def test_a_run_says_what_it_begins_with_and_where_seeds_would_be_found(self):
        tree = targets.load("stb_image")
        entries = [(name, b"") for name in ("options", "seed/a", "corpus/b", "seed/c")]
        self.assertEqual(run.about_inputs(tree, entries), "2 seeds, 1 inputs of an earlier run")
        self.assertIn("targets/stb_image/seeds/", run.about_inputs(tree, [("options", b"")]))
        self.assertIn("x_fuzzer_seed_corpus.zip", run.about_inputs(tree._replace(ready="/a/x_fuzzer"), []))

    def test_a_run_without_coverage_is_remarked_on(self):
        self.assertEqual(len(run.about_coverage({"case": 5000, "edges": 1})), 1)
        for record in (None, {"case": 10, "edges": 1}, {"case": 5000, "edges": 400}):
            self.assertEqual(run.about_coverage(record), [])

    def test_a_crash_is_saved_with_input_trace_and_what_symbols_tell(self):
        play('record(**CRASH)\nfor line in CHAIN: say(line)\nleave(33)', self.out)
        self.assertEqual(self.crash_file("input"), "GIF")
        crash = json.loads(self.crash_file("crash.json"))
        self.assertEqual((crash["function"], crash["file"], crash["line"]), ("inlined", "t.h", 5))
        for key in ("hash", "kind", "case", "core"):
            self.assertEqual(crash[key], CRASH[key])
        trace = self.crash_file("trace.txt")
        for wanted in (*CHAIN, "inlined", "t.c:9", "allocated by", "make"):
            self.assertIn(wanted, trace)

    def test_a_chain_before_its_record_is_kept_as_well(self):
        play('for line in CHAIN: say(line)\nrecord(**CRASH)\nleave(33)', self.out)
        self.assertTrue(self.crash_file("trace.txt").startswith(CHAIN[0]))

    def test_a_crash_of_an_earlier_run_is_not_announced_and_its_chain_is_in_the_log(self):
        script = 'for line in CHAIN: say(line)\nrecord(**CRASH)\nsay("text")\nleave(33)'
        for first in (True, False):
            _, printed = play(script, self.out)
            self.assertEqual((CHAIN[0] in printed, CHAIN[1] in printed, "] crash " in printed), (first,) * 3)
            self.assertIn("text\ndone", printed)
        self.assertEqual((self.out / "serial.log").read_text().count(CHAIN[0]), 2)

    def test_the_next_run_goes_on_counting_and_shows_inputs_held_and_files(self):
        script = 'record(type="corpus", hash="%016x", data="YWJj")\nrecord(type="stats", case=5, corpus=1)\nleave(33)'
        _, first = play(script % 1, self.out)
        _, second = play(script % 2, self.out)
        self.assertIn("corpus 1 (1 files)", first)
        self.assertNotIn("all runs", first)
        self.assertIn("corpus 1 (2 files)", second)
        self.assertIn("all runs: 10 execs", second)

    def test_progress_through_the_seeds_is_shown(self):
        _, printed = play('record(type="stats", seeds_left=334)\nleave(33)', self.out, inputs=346)
        self.assertIn("seeds 12 of 346", printed)
    def test_a_crash_is_shown_with_functions_and_lines_in_place_of_the_machines_addresses(self):
        shown = "\n".join(TARGETS_CHAIN)
        _, text = play(f'for line in {TARGETS_CHAIN!r}: say(line)\nrecord(**CRASH)\nleave(33)', self.out)
        self.assertIn("    #1 0x1000 in inlined t.h:5\n    #2 0x2001 in outer t.c:9\n  allocated by:\n", text)
        self.assertNotIn("#0 0x1000 in rough", text)
        self.assertEqual(text.count(TARGETS_CHAIN[0]), 1)
        _, text = play(f'for line in {TARGETS_CHAIN!r}: say(line)\nsay("text")\nleave(33)', f"{self.out}.other")
        self.assertIn(f"{shown}\ntext", text)              # the record did not come

    def test_a_known_crash_keeps_its_first_input(self):
        play('record(**CRASH)\nrecord(**dict(CRASH, input="AAAA"))\nleave(33)', self.out)
        self.assertEqual(self.crash_file("input"), "GIF")

    def test_corpus_statistics_and_console_are_plain_files(self):
        play('record(type="corpus", hash="0123456789abcdef", data="YWJj")\nrecord(type="stats", case=5)\n'
             'say("text")\nleave(33)', self.out)
        self.assertEqual((self.out / "corpus/0123456789abcdef").read_bytes(), b"abc")
        self.assertEqual(json.loads((self.out / "stats.jsonl").read_text())["case"], 5)
        self.assertIn("text", (self.out / "serial.log").read_text())

    def test_statistics_say_which_start_of_which_run_they_are_of(self):
        play('record(type="boot")\nrecord(type="stats")\nrecord(type="stats")\nrecord(type="boot")\n'
             'record(type="stats")\nleave(33)', self.out)
        play('record(type="stats")\nleave(33)', self.out)
        starts = [json.loads(line)["started"] for line in (self.out / "stats.jsonl").read_text().splitlines()]
        self.assertEqual(starts, sorted(starts))
        self.assertEqual([starts.count(start) for start in sorted(set(starts))], [2, 1, 1])

    def test_until_crash_takes_any_function_of_the_trace(self):
        script = 'record(**CRASH)\nassert asked_to_end()\nrecord(type="end", status="ok")\nleave(33)'
        for wanted in ("", "outer", "inlined"):
            status, printed = play(script, self.out, until_crash=wanted)
            self.assertEqual(status, CRASHED)
            self.assertIn("stopped: crash", printed)

    def test_until_crash_lets_other_crashes_pass(self):
        script = 'record(**CRASH)\nrecord(type="end", status="ok")\nleave(33)'
        status, printed = play(script, self.out, until_crash="elsewhere")
        self.assertEqual(status, CRASHED)
        self.assertIn("done;", printed)

    def test_the_time_limit_stops_cleanly(self):
        status, printed = play('record(type="stats", case=1)\nassert asked_to_end()\nleave(33)', self.out, seconds=0.3)
        self.assertEqual(status, OK)
        self.assertIn("time is up", printed)

    def test_the_status_says_whether_crashes_were_found(self):
        ends = 'record(**EVENT)\nrecord(type="end", status="ok")\nleave(33)'
        for kind, status in (("crash", CRASHED), ("timeout", OK), ("out_of_memory", OK)):
            script = f"EVENT = dict(CRASH, type={kind!r})\n" + ends
            self.assertEqual(play(script, self.out)[0], status, kind)
            self.assertEqual(play(script, self.out, exit_zero=True)[0], OK, kind)
        self.assertEqual(play("EVENT = CRASH\n" + ends, self.out)[0], CRASHED, "a crash that was known")

    def test_an_interruption_has_a_status_of_its_own_and_loses_nothing(self):
        script = 'record(**CRASH)\nos.kill(os.getppid(), signal.SIGINT)\nassert asked_to_end()\n' \
                 'record(type="corpus", hash="0123456789abcdef", data="YWJj")\nleave(33)'
        for exit_zero, expected in ((False, INTERRUPTED), (True, OK)):
            status, printed = play(script, self.out, exit_zero=exit_zero, catches=True)
            self.assertEqual(status, expected)
            self.assertIn("stopped: interrupted", printed)
            self.assertEqual((self.out / "corpus/0123456789abcdef").read_bytes(), b"abc")

    def test_our_own_failure_is_status_12_even_while_stopping(self):
        with self.assertRaises(Stop) as caught:
            play('record(**CRASH)\nasked_to_end()\nleave(57)', self.out, until_crash="")
        self.assertEqual(caught.exception.status, SYSTEM_FAILED)

    def test_a_dying_qemu_is_status_12_and_keeps_what_was_found(self):
        with self.assertRaises(Stop) as caught:
            play('record(**CRASH)\nos.kill(os.getpid(), signal.SIGKILL)', self.out)
        self.assertEqual(caught.exception.status, SYSTEM_FAILED)
        self.assertIn("killed by SIGKILL", str(caught.exception))
        self.assertEqual(self.crash_file("input"), "GIF")

    def test_a_folder_that_cannot_be_written_is_status_2(self):
        self.out.write_text("a file")
        with self.assertRaises(Stop) as caught:
            OutDir(self.out)
        self.assertEqual(caught.exception.status, USAGE)

    def test_a_second_run_sees_the_corpus_and_sweeps_what_was_half_written(self):
        play('record(type="corpus", hash="0123456789abcdef", data="YWJj")\nleave(33)', self.out)
        half = self.out / "crashes/.dead.1.tmp"
        half.mkdir()
        out = OutDir(self.out)
        self.assertEqual(out.corpus(), [("0123456789abcdef", b"abc")])
        self.assertFalse(half.exists())
        out.close()
