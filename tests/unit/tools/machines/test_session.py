"""A machine as a stream of events: nothing is lost, every kind of end has its own status."""
import io
import unittest

from tests.unit.tools.machines.fake_qemu import FakeQemu
from tools.rl.common import CRASHED, MISSING, OK, SYSTEM_FAILED, Stop, TIMED_OUT
from tools.rl.machines.qemu import Machine
from tools.rl.machines.records import RecordReader
from tools.rl.machines.session import Chains, Session


def play(script, log=None, **options):
    with FakeQemu(script):
        session = Session(b"image", Machine(), serial_log=log, **options)
        events = [event for _, event in session.events() if event is not None]
    return session, events


class SessionTest(unittest.TestCase):
    def test_text_and_records_come_in_their_order(self):
        session, events = play('say("hello"); record(type="boot", cores=2); say("bye"); leave(33)')
        self.assertEqual(events, ["hello", {"type": "boot", "cores": 2}, "bye"])
        self.assertEqual((session.status, session.why), (OK, ""))

    def test_a_burst_of_megabytes_is_complete_and_logged_as_it_came(self):
        log = io.BytesIO()
        session, events = play("""
            for n in range(40000):
                say(json.dumps({"type": "corpus", "n": n, "hash": "0" * 16, "data": "xxxx" * 25}))
            leave(33)""", log)
        self.assertEqual([event["n"] for event in events], list(range(40000)))
        self.assertEqual(log.getvalue().count(b"\r\n"), 40000)

    def test_the_last_line_counts_without_its_newline(self):
        _, events = play('say(b"half a line"); leave(33)')
        self.assertEqual(events, ["half a line"])

    def test_each_way_the_kernel_ends_has_its_status(self):
        for code, status in ((33, OK), (35, CRASHED), (37, TIMED_OUT), (57, SYSTEM_FAILED), (59, 1)):
            session, _ = play(f"leave({code})")
            self.assertEqual((session.status, session.why), (status, ""))

    def test_a_triple_fault_is_never_a_success(self):
        session, _ = play("leave(0)")
        self.assertEqual(session.status, SYSTEM_FAILED)
        self.assertIn("triple fault", session.why)

    def test_a_killed_qemu_is_named_as_such(self):
        session, _ = play("os.kill(os.getpid(), signal.SIGTERM)")
        self.assertEqual(session.status, SYSTEM_FAILED)
        self.assertIn("killed by SIGTERM", session.why)

    def test_a_qemu_that_ends_at_a_signal_is_no_triple_fault(self):
        session, _ = play('os.write(2, b"qemu: terminating on signal 15 from pid 9 (kill)\\n"); leave(0)')
        self.assertEqual(session.status, SYSTEM_FAILED)
        self.assertIn("QEMU was ended by signal 15", session.why)

    def test_what_qemu_complains_about_is_told(self):
        session, _ = play('os.write(2, b"qemu: no such disk\\n"); leave(1)')
        self.assertIn("no such disk", session.why)

    def test_a_missing_qemu_is_status_3(self):
        import os
        path = os.environ["PATH"]
        os.environ["PATH"] = "/nonexistent"
        try:
            with self.assertRaises(Stop) as caught:
                Session(b"image", Machine())
        finally:
            os.environ["PATH"] = path
        self.assertEqual(caught.exception.status, MISSING)

    def test_stop_asks_for_an_end_and_waits_for_the_end(self):
        with FakeQemu('say("ready"); assert asked_to_end(); record(type="end", status="ok"); leave(33)'):
            session = Session(b"image", Machine())
            for _, event in session.events():
                if event == "ready":
                    session.stop()
        self.assertEqual(session.status, OK)
        self.assertEqual(session.end_record["status"], "ok")

    def test_a_long_line_that_comes_slowly_is_no_silence(self):
        session, events = play("""
            for _ in range(8):
                os.write(1, b"x" * 10); time.sleep(0.4)
            say("end"); leave(33)""", silence=2)
        self.assertEqual((session.status, session.why, events), (OK, "", ["x" * 80 + "end"]))

    def test_a_silent_machine_is_ended_and_said_to_be_silent(self):
        session, _ = play('say("hello"); time.sleep(60)', silence=0.5)
        self.assertEqual(session.status, SYSTEM_FAILED)
        self.assertIn("nothing heard", session.why)
        self.assertLess(session.elapsed(), 20)

    def test_a_machine_that_only_talks_is_ended_at_its_deadline(self):
        session, _ = play('\nwhile True:\n    say("x"); time.sleep(0.3)', deadline=1)
        self.assertIn("not done within", session.why)

    def test_leaving_the_events_early_leaves_no_machine_behind(self):
        with FakeQemu('say("ready"); time.sleep(60)'):
            session = Session(b"image", Machine())
            for _, event in session.events():
                if event:
                    break
            session.close()
        self.assertIsNotNone(session.qemu.process.poll())


class ParseTest(unittest.TestCase):
    def test_a_line_is_a_valid_record_or_text_or_is_dropped_and_counted(self):
        reader = RecordReader()
        lines = (b'{"type": "stats", "ca', b'{"no": "type"}', b"\xff\x1b", b'{"type": "stats", "case": 7}', b"{", b"")
        self.assertEqual([reader.read(line) for line in lines],
                         [None, None, "\\xff\\x1b", {"type": "stats", "case": 7}, None, ""])
        self.assertEqual((sum(reader.dropped.values()), reader.first_dropped, len(reader.summary())), (3, 1, 1))
        self.assertEqual(RecordReader().summary(), [])

    def test_the_dropped_lines_of_a_session_are_counted(self):
        session, events = play('say("{1"); say("text"); say("{2"); leave(33)')
        self.assertEqual((events, sum(session.records.dropped.values()), session.status), (["text"], 2, OK))

    def test_a_flood_of_dropped_lines_does_not_hold_the_clock(self):
        session, _ = play('\nwhile True: say("{")', deadline=1)
        self.assertIn("not done within", session.why)

    def test_chains_end_where_the_indentation_ends(self):
        chains = Chains()
        for line in ("boot", "error a.b on core 0, case 1, hash 12", "  one", "  two  <- origin", "text",
                     "error c.d on core 1"):
            chains.feed(line)
        chains.finish()
        self.assertEqual([len(chain) for chain in chains.done], [3, 1])
        self.assertTrue(chains.done[0][2].endswith("<- origin"))
