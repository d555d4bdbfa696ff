"""A corpus shared with other fuzzers: what goes each way, over a line that is slow, loses bytes, or says nothing."""
import base64
import os
import tempfile
import unittest
from pathlib import Path

from tools.rl.common import Stop
from tools.rl.images.xxhash import xxh64
from tools.rl.results import shared_corpus
from tools.rl.results.shared_corpus import LONGEST, PATIENCE, SCAN_SECONDS, SharedCorpus


class Machine:
    """Takes some bytes at a time, and answers each whole line of an input as the kernel does."""

    def __init__(self, portion=7):
        self.portion = portion
        self.heard = b""
        self.inputs = []

    def send(self, data):
        self.heard += data[:self.portion]
        return min(len(data), self.portion)

    def answers(self, damage=False):
        """The records for the lines that have come since the last call."""
        *lines, self.heard = self.heard.split(b"\n")
        for line in filter(None, lines):
            word, size, name, text = line.split(b" ")
            data = base64.b64decode(text)
            assert (word, int(size), name) == (b"input", len(data), b"%016x" % xxh64(data))
            if damage:
                yield {"type": "given", "hash": "0" * 16, "status": "damaged"}
                continue
            self.inputs.append(data)
            yield {"type": "given", "hash": name.decode(), "status": "taken"}


class SharedCorpusTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name) / "shared"
        self.folder.mkdir()
        self.now = 0.0
        self.machine = Machine()

    def shared(self):
        return SharedCorpus(self.folder, self.machine.send, lambda: self.now)

    def leave(self, path, data):
        path = self.folder / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def pump(self, shared, ticks=200, **how):
        for _ in range(ticks):
            self.now += 0.1
            shared.tick()
            for record in self.machine.answers(**how):
                shared.answer(record)

    def test_inputs_of_afl_and_of_libfuzzer_are_sent_once_each(self):
        self.leave("main/queue/id:000000,orig:a", b"one")
        self.leave("main/queue/.state/deterministic_done/id:000000,orig:a", b"no input")
        self.leave("main/crashes/id:000000,sig:11", b"no queue")
        self.leave("main/fuzzer_stats", b"no queue")
        self.leave("0123456789abcdef", b"of libFuzzer")
        self.leave("sub/again", b"one")
        shared = self.shared()
        self.pump(shared)
        self.assertEqual(sorted(self.machine.inputs), [b"of libFuzzer", b"one"])
        self.leave("second/queue/id:000001", b"two")
        self.pump(shared)
        self.assertEqual(sorted(self.machine.inputs), [b"of libFuzzer", b"one", b"two"])
        self.assertIn("took 3 inputs, gave 0", shared.summary())

    def test_ours_are_written_as_afl_names_them_and_never_sent_back(self):
        shared = self.shared()
        for data in (b"a", b"b", b"a"):
            shared.add(data)
        names = sorted(os.listdir(self.folder / "raclette/queue"))
        self.assertEqual([name[:9] for name in names], ["id:000000", "id:000001"])
        self.pump(shared)
        self.assertEqual(self.machine.inputs, [])

    def test_a_second_run_goes_on_where_the_first_one_ended(self):
        self.shared().add(b"a")
        shared = self.shared()
        shared.add(b"a")
        shared.add(b"b")
        self.assertEqual(sorted(name[:9] for name in os.listdir(self.folder / "raclette/queue")),
                         ["id:000000", "id:000001"])
        self.leave("main/queue/id:000000,sync:raclette", b"a")
        self.pump(shared)
        self.assertEqual(self.machine.inputs, [])

    def test_what_is_no_input_in_our_own_queue_is_left_there(self):
        self.leave("raclette/queue/id:000004", b"a")
        os.mkfifo(self.folder / "raclette/queue/id:000005")
        (self.folder / "raclette/queue/id:000006").mkdir()
        with open(self.folder / "raclette/queue/id:000007", "wb") as file:
            file.truncate(1 << 40)
        shared = self.shared()
        for data in (b"a", b"b"):
            shared.add(data)
        new, = {name[:9] for name in os.listdir(self.folder / "raclette/queue")} - {f"id:{n:06}" for n in range(4, 8)}
        self.assertEqual(new, "id:000008")

    def test_one_input_waits_for_the_answer_to_the_one_before(self):
        for number in range(3):
            self.leave(f"f{number}", bytes([number]))
        shared = self.shared()
        for _ in range(100):
            self.now += 0.1
            shared.tick()
        self.assertEqual(self.machine.heard.count(b"input"), 1)
        self.pump(shared)
        self.assertEqual(len(self.machine.inputs), 3)

    def test_a_damaged_line_is_sent_again_and_given_up_in_the_end(self):
        self.leave("f", b"data")
        shared = self.shared()
        self.pump(shared, ticks=15, damage=True)
        self.pump(shared)
        self.assertIn(self.machine.inputs, ([b"data"], []))
        self.leave("g", b"more")
        self.pump(shared, damage=True)
        self.assertIn("lost on the way", shared.summary())
        self.leave("h", b"last")
        self.pump(shared)
        self.assertIn(b"last", self.machine.inputs)

    def test_an_answer_that_does_not_come_is_not_awaited_without_end(self):
        self.leave("f", b"data")
        shared = self.shared()
        sent = 0
        for _ in range(40):
            self.now += PATIENCE / 4
            for _ in range(20):
                shared.tick()
            sent += self.machine.heard.count(b"input")
            self.machine.heard = b""
        self.assertEqual(sent, shared_corpus.TRIES)
        self.assertIn("1 lost on the way", shared.summary())

    def test_answers_to_what_was_never_sent_change_nothing(self):
        shared = self.shared()
        shared.answer({"type": "given", "hash": "0" * 16, "status": "taken"})
        self.leave("f", b"data")
        self.now += SCAN_SECONDS
        shared.send = lambda data: 0                # the line is full
        shared.tick()
        shared.answer({"type": "given", "hash": "0" * 16, "status": "damaged"})
        shared.send = self.machine.send
        self.pump(shared)
        self.assertEqual(self.machine.inputs, [b"data"])

    def test_what_is_no_input_is_left_and_counted(self):
        self.leave("large", bytes(LONGEST + 1))
        (self.folder / "link").symlink_to("/etc/passwd")
        os.mkfifo(self.folder / "pipe")
        (self.folder / "loop").symlink_to(self.folder)
        self.leave("a/b/c/d/e/f/deep", b"too deep")
        self.leave(".hidden", b"hidden")
        shared = self.shared()
        self.pump(shared)
        self.assertEqual(self.machine.inputs, [])
        self.assertIn("1 too long", shared.summary())

    def test_a_folder_that_is_a_file_is_refused(self):
        self.leave("file", b"")
        with self.assertRaises(Stop):
            SharedCorpus(self.folder / "file")


if __name__ == "__main__":
    unittest.main()
