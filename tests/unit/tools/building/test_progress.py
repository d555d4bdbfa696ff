"""Progress on a terminal and in a log: no command is silent for long, and what is printed is never drawn over."""
import contextlib
import io
import os
import pty
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

from tools.rl.building import ninja
from tools.rl.building.progress import Progress, QUIET_SECONDS, SECONDS_BETWEEN_LINES, Screen, hold, watched
from tools.rl.common import ROOT
from tools.rl.locks import Lock


class Clock:
    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


def screen(is_terminal, clock):
    stream = io.StringIO()
    stream.isatty = lambda: is_terminal
    return Screen(stream, clock)


def shown(text):
    """What a terminal shows at the end."""
    lines = [[]]
    for character in text:
        if character == "\n":
            lines.append([])
            at = 0
        elif character == "\r":
            at = 0
        else:
            at = len(lines[-1]) if not lines[-1] else at
            lines[-1][at:at + 1] = [character]
            at += 1
    return "\n".join("".join(line).rstrip() for line in lines)


class ScreenTest(unittest.TestCase):
    def setUp(self):
        self.clock = Clock()

    def steps(self, out, *names):
        """Steps inside of each other, as `with` would begin them."""
        before = sys.stdout
        sys.stdout = out
        try:
            steps = contextlib.ExitStack()
            return steps, [steps.enter_context(Progress(name, now=self.clock)) for name in names]
        finally:
            sys.stdout = before

    def test_a_silent_step_is_named_on_a_terminal_and_its_seconds_go_on(self):
        out = screen(True, self.clock)
        steps, _ = self.steps(out, "outer", "inner")
        with steps:
            out.tick()
            self.assertEqual(out.stream.getvalue(), "")
            for self.clock.seconds in (QUIET_SECONDS, QUIET_SECONDS + 1):
                out.tick()
                self.assertEqual(shown(out.stream.getvalue()), f"inner ..., {self.clock.seconds} s")
        self.assertEqual(shown(out.stream.getvalue()), "")

    def test_what_is_printed_stands_above_the_line(self):
        out = screen(True, self.clock)
        steps, (step,) = self.steps(out, "step")
        with steps:
            step.set(1, 3)
            print("text", file=out)
            self.assertEqual(shown(out.stream.getvalue()), "text\n")
            print("half a line", end="", file=out)
            self.clock.seconds = 100
            out.tick()
            self.assertEqual(shown(out.stream.getvalue()), "text\nhalf a line")

    def test_a_log_gets_a_line_only_after_a_long_silence(self):
        out = screen(False, self.clock)
        steps, (step,) = self.steps(out, "step")
        with steps:
            step.set(1, 3)
            self.clock.seconds = SECONDS_BETWEEN_LINES - 1
            print("text", file=out)
            self.clock.seconds += SECONDS_BETWEEN_LINES - 1
            out.tick()
            self.assertEqual(out.stream.getvalue(), "text\n")
            self.clock.seconds += 1
            out.tick()
            self.assertEqual(out.stream.getvalue(), "text\nstep: 1 of 3 \n")

    def test_nothing_is_shown_while_another_program_has_the_terminal(self):
        out = screen(True, self.clock)
        before, sys.stdout = sys.stdout, out
        try:
            with hold():
                self.clock.seconds = 100
                out.tick()
        finally:
            sys.stdout = before
        self.assertEqual(out.stream.getvalue(), "")

    def test_a_line_is_cut_to_the_terminals_width(self):
        out = screen(True, self.clock)
        steps, (step,) = self.steps(out, "step")
        with steps:
            step.say("x" * 1000)
            self.assertLess(len(out.stream.getvalue()), 500)

    def test_standard_output_is_as_before_when_a_command_ends(self):
        before = sys.stdout
        for error in (None, ValueError):
            with contextlib.suppress(ValueError), watched("command"):
                self.assertIsInstance(sys.stdout, Screen)
                if error:
                    raise error
            self.assertIs(sys.stdout, before)


class LockTest(unittest.TestCase):
    def test_who_waits_says_for_whom_and_for_what(self):
        said, waits = io.StringIO(), threading.Event()
        said.isatty = lambda: False
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(said):
            holder = Lock(Path(folder) / ".lock")
            self.assertTrue(holder.take("building everything"))
            write, said.write = said.write, lambda text: (write(text), waits.set())[0]

            def other():
                with ninja.locked(Path(folder), "building an image"):
                    pass
            thread = threading.Thread(target=other)
            thread.start()
            self.assertTrue(waits.wait(60))
            holder.close()
            thread.join()
        self.assertIn(f"building an image waits for process {os.getpid()} (", said.getvalue())
        self.assertIn("building everything", said.getvalue())

    def test_a_holder_that_was_killed_holds_nothing(self):
        with tempfile.TemporaryDirectory() as folder:
            code = ("import os, sys; from tools.rl.locks import Lock; from pathlib import Path\n"
                    "Lock(Path(sys.argv[1])).take('x'); os.kill(os.getpid(), 9)")
            subprocess.run([sys.executable, "-c", code, f"{folder}/.lock"], cwd=ROOT, check=False)
            lock = Lock(Path(folder) / ".lock")
            self.assertTrue(lock.take("x"))
            lock.close()


class TerminalTest(unittest.TestCase):
    def test_ninjas_own_lines_are_shown_on_a_terminal_and_in_a_log(self):
        code = ("from pathlib import Path\nfrom tools.rl.building import ninja\nimport sys\n"
                "folder = Path(sys.argv[1])\nninja.run_ninja([], quiet=False, folder=folder)")
        with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
            (Path(folder) / "build.ninja").write_text(
                f"builddir = {folder}\nrule r\n  command = true\n  description = making it\nbuild {folder}/x: r\n")
            argv = [sys.executable, "-c", code, folder]
            log = subprocess.run(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
            self.assertEqual(log, "[1/1] making it\n")
            ours, theirs = pty.openpty()
            subprocess.run(argv, cwd=ROOT, stdout=theirs, check=True)
            os.close(theirs)
            self.assertIn(b"\r[1/1] making it", os.read(ours, 1 << 16))
            os.close(ours)


if __name__ == "__main__":
    unittest.main()
