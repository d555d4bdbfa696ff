"""Many inputs in as many boots as they take; whatever a machine says about them is judged."""
import argparse
import io
import tempfile
import unittest
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

from tests.unit.tools.corpus.fake_machine import FakeSession, examined, finding
from tests.unit.tools.hostile_lines import HASH
from tools.rl.building import targets
from tools.rl.common import BUILTIN_TARGET, SYSTEM_FAILED, Stop, USAGE
from tools.rl.corpus import examiner, inputs
from tools.rl.corpus.examiner import Examiner

ARGUMENTS = argparse.Namespace(max_len=None, timeout=None, threads=0, memory="512M", debug=False)


class ExaminerTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.path = Path(scratch.name)
        self.booted = []

    def found(self, *contents):
        for number, data in enumerate(contents):
            (self.path / f"{number:03}").write_bytes(data)
        return inputs.find([self.path], inputs.CORPORA)

    def run_with(self, sessions, found, **changed):
        """What an examiner gives whose boots are these sessions."""
        def boot(entries, folder):
            self.booted.append([data for name, data in entries if name.startswith("input/")])
        left = list(sessions)
        arguments = argparse.Namespace(**{**vars(ARGUMENTS), **changed})
        with mock.patch.object(examiner.builder, "build_for"), mock.patch.object(examiner, "boot_image", boot), \
                mock.patch.object(examiner, "target_entries", lambda target, options, extra: list(extra)), \
                mock.patch.object(examiner, "Session", lambda *_, **__: left.pop(0)), \
                redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            self.examiner = Examiner(arguments, targets.load(BUILTIN_TARGET), None)
            return self.examiner.run(found)

    def test_each_input_gets_what_the_machine_says_of_it(self):
        lines = [examined(0, ending="crash", hash=HASH, value=-1), b"a text", examined(1, leak=HASH, features="")]
        first, second = self.run_with([FakeSession(lines)], self.found(b"a", b"bb"))
        self.assertEqual((first.input.name, first.ending, first.hash, first.value, list(first.features)),
                         ("000", "crash", HASH, -1, [0, 8]))
        self.assertEqual((second.size, second.ending, second.hash, second.leak, list(second.features)),
                         (2, "ok", "", HASH, []))

    def test_equal_inputs_run_once_and_too_long_ones_not(self):
        found = self.found(b"a", b"a", b"b" * 9, b"c")
        self.run_with([FakeSession([examined(0), examined(1)])], found, max_len=8)
        self.assertEqual(self.booted, [[b"a", b"c"]])
        self.assertEqual(sum(found.left_out.values()), 2)

    def test_more_than_one_boot_holds_are_divided(self):
        found = self.found(*(bytes([n]) * 100 for n in range(5)))
        with mock.patch.object(examiner, "MOST_BYTES", 250):
            results = self.run_with([FakeSession([examined(0), examined(1)])] * 2 + [FakeSession([examined(0)])], found)
        self.assertEqual([len(batch) for batch in self.booted], [2, 2, 1])
        self.assertEqual([result.input.name for result in results], [f"{n:03}" for n in range(5)])

    def test_one_that_is_larger_than_a_boot_should_hold_has_one_of_its_own(self):
        with mock.patch.object(examiner, "MOST_BYTES", 50):
            self.run_with([FakeSession([examined(0)])] * 2, self.found(b"a" * 100, b"b" * 100))
        self.assertEqual([len(batch) for batch in self.booted], [1, 1])

    def test_a_machine_that_ends_early_is_named_with_the_input_that_it_ran(self):
        for session in (FakeSession([examined(0)], why="QEMU was killed"), FakeSession([examined(0)]),
                        FakeSession([examined(0), examined(1)], SYSTEM_FAILED)):
            with self.assertRaises(Stop) as caught:
                self.run_with([session], self.found(b"a", b"b"))
            self.assertEqual(caught.exception.status, SYSTEM_FAILED)
            self.assertIn("001", str(caught.exception))

    def test_records_out_of_order_and_beyond_the_inputs_count_for_none(self):
        lines = [examined(1), examined(0), examined(0), examined(5), examined(1), examined(2)]
        results = self.run_with([FakeSession(lines)], self.found(b"a", b"b"))
        self.assertEqual([result.input.name for result in results], ["000", "001"])

    def test_a_finding_is_kept_once_with_its_chain(self):
        chain = [f"error target.x on core 0, case 1, hash {HASH}".encode(), b"  target 0x10  f   <- origin"]
        lines = [*chain, finding("crash", HASH), finding("timeout", HASH), examined(0, ending="crash", hash=HASH)]
        self.run_with([FakeSession(lines)], self.found(b"a"))
        (record, lines), = self.examiner.findings.values()
        self.assertEqual((record["type"], len(lines)), ("crash", 2))

    def test_nothing_that_could_be_run_is_a_clear_end(self):
        with self.assertRaises(Stop) as caught:
            self.run_with([], self.found(b"a" * 9), max_len=8)
        self.assertEqual(caught.exception.status, USAGE)


if __name__ == "__main__":
    unittest.main()
