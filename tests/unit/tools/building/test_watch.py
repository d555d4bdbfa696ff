"""`build --watch`: one build for each change, and none is missed or made up."""
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

from tools.rl.building import watch
from tools.rl.common import OK, ROOT, Stop, TESTS_FAILED

ENDS_WITHIN = 60


class WatchTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name)
        for name in ("kernel/a.cpp", "build/a.o", "out/x", ".git/index"):
            (self.root / name).parent.mkdir(exist_ok=True)
            self.touch(name)

    def touch(self, name, second=[1]):
        second[0] += 1
        (self.root / name).touch()
        os.utime(self.root / name, (second[0], second[0]))

    def watched(self, changes, build_once=lambda: None):
        """How many builds were made when each wait, in turn, does one of these changes."""
        waits, builds = iter(changes), 0
        try:
            for _ in watch.builds(build_once, self.root, lambda: next(waits)()):
                builds += 1
        except (RuntimeError, StopIteration):       # nothing changes any more
            return builds
        self.fail("a watch ended by itself")

    def test_a_changed_a_new_and_a_removed_file_each_build_once(self):
        changes = [lambda: self.touch("kernel/a.cpp"), lambda: self.touch("kernel/b.cpp"),
                   lambda: (self.root / "kernel/b.cpp").unlink()]
        self.assertEqual(self.watched(changes), 4)

    def test_what_is_built_builds_nothing(self):
        changes = [lambda: self.touch(name) for name in ("build/a.o", "build/b.o", "out/x", ".git/index")]
        self.assertEqual(self.watched(changes), 1)

    def test_a_change_during_a_build_is_built_next(self):
        pending = [lambda: self.touch("kernel/a.cpp")]
        self.assertEqual(self.watched([], lambda: pending and pending.pop()()), 2)

    def test_a_build_that_fails_is_told_and_the_next_change_is_built(self):
        def fail():
            raise Stop(TESTS_FAILED, "the build failed")
        with redirect_stderr(StringIO()) as said:
            self.assertEqual(self.watched([lambda: self.touch("kernel/a.cpp")], fail), 2)
        self.assertEqual(said.getvalue().count("the build failed"), 2)

    def test_ctrl_c_ends_it_also_where_a_shell_started_it_with_the_signal_ignored(self):
        """A shell without job control does that to what it starts in the background."""
        watching = "from tools.rl.building import watch; raise SystemExit(watch.main(lambda: None))"
        for before in (signal.SIG_DFL, signal.SIG_IGN):
            with self.subTest(before=before.name), subprocess.Popen(
                    [sys.executable, "-c", watching], cwd=ROOT, stdout=subprocess.PIPE, text=True,
                    preexec_fn=lambda how=before: signal.signal(signal.SIGINT, how)) as process:
                try:
                    self.assertIn("built; waiting", process.stdout.readline())
                    process.send_signal(signal.SIGINT)
                    self.assertEqual(process.wait(ENDS_WITHIN), OK)
                finally:
                    process.kill()
