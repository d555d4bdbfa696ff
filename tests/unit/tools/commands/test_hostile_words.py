"""What commands are given that can be no input and no place for results: each ends at once, with 2 and the reason."""
import contextlib
import io
import os
import signal
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from tools.rl import cli
from tools.rl.common import USAGE

PATIENCE = 60                   # seconds: a command that waits for a pipe's other end would wait without end
NOTHING = {"PATH": "/nonexistent"}      # so that whatever goes on to packages, a build or a machine ends with 3
LONG_NAME = "n" * 300
TARGET = ("--target", "stb_image")
NO_INPUTS = (("pipe", "a pipe"), ("loop", "symbolic links"), ("folder", "a folder"), (LONG_NAME, "too long"),
             ("missing", "No such file"), ("/dev/zero", "a device"), ("file/below", "Not a directory"))
NO_PLACES = (("pipe", "neither"), ("loop", "symbolic links"), (LONG_NAME, "too long"), ("missing", "No such file"),
             ("/dev/zero", "neither"), ("file/below", "Not a directory"))
NO_FILES = (("folder", "it is a folder"), ("missing/x", "no such folder"), ("file/x", "no such folder"),
            (LONG_NAME, "too long"), ("loop/x", "no such folder"))
NO_FOLDERS = (("file", "no folder"), ("file/x", "no folder"), ("loop", "symbolic links"), (LONG_NAME, "too long"),
              ("pipe", "no folder"))


def rows():
    """(what is typed, a part of what it says) for each command."""
    for bad, said in NO_INPUTS:
        for command in ("replay", "minimize"):
            yield (command, bad, *TARGET), said
    for bad, said in NO_PLACES:
        yield ("merge", "folder", bad, "--out", "new", *TARGET), said
        yield ("triage", bad), said
        yield ("coverage", bad), said
    for bad, said in NO_FILES:
        yield ("minimize", "file", "--out", bad, *TARGET), said
        yield ("triage", "folder", "--out", bad, *TARGET), said
        yield ("replay", "file", "--core", bad, *TARGET), said
        yield ("replay", "file", "--gdb", "--core", bad, *TARGET), said
        for option in ("--lcov", "--drcov"):
            yield ("coverage", "folder", option, bad, *TARGET), said
    for bad, said in NO_FOLDERS:
        yield ("merge", "folder", "--out", bad, *TARGET), said
        yield ("coverage", "folder", "--html", bad, *TARGET), said
        yield ("run", "--sync", bad, *TARGET), said
    yield ("coverage", "--out", "folder"), "no corpus/"
    for damaged in ("run/crashes/0123456789abcdef/input", "run/corpus/input"):
        for command in ("replay", "minimize"):
            yield (command, damaged), "pass --target"
    yield ("triage", "run"), "pass --target"
    for bad in ("folder", "pipe", "loop", "missing", LONG_NAME, "file"):
        yield ("bench", "peers", "--target", f"./{bad}"), bad


class HostileWordsTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.place = Path(scratch.name)
        os.mkfifo(self.place / "pipe")
        (self.place / "loop").symlink_to("loop")
        (self.place / "folder").mkdir()
        (self.place / "file").write_bytes(b"x")
        crash = self.place / "run/crashes/0123456789abcdef"     # of a run whose notes are damaged
        crash.mkdir(parents=True)
        (self.place / "run/corpus").mkdir()
        (self.place / "run/campaign.json").write_text('{"target": 7}')
        (crash / "crash.json").write_text("{[")
        for path in (crash / "input", self.place / "run/corpus/input"):
            path.write_bytes(b"x")

        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.place)

    def typed(self, words):
        """(status, standard output, standard error) of a command; one that waits is interrupted."""
        out, errors = io.StringIO(), io.StringIO()
        before = signal.signal(signal.SIGALRM, signal.default_int_handler)
        signal.alarm(PATIENCE)
        try:
            with mock.patch.dict(os.environ, NOTHING, clear=True), contextlib.redirect_stdout(out), \
                    contextlib.redirect_stderr(errors):
                return cli.main(words, {}), out.getvalue(), errors.getvalue()
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)

    def test_each_is_refused_before_anything_is_installed_and_written(self):
        before = sorted(self.place.rglob("*"))
        for words, said in rows():
            with self.subTest(words=words):
                status, out, errors = self.typed([*words, "--yes"])
                self.assertEqual((status, out), (USAGE, ""), errors)
                self.assertIn(said, errors)
        self.assertEqual(sorted(self.place.rglob("*")), before)


if __name__ == "__main__":
    unittest.main()
