"""The fixed command line: unknown words are status 2, help has an example, refusals come before anything is built."""
import subprocess
import sys
import unittest

from tools.rl import cli
from tools.rl.common import ROOT


def build_py(*words):
    return subprocess.run([sys.executable, str(ROOT / "build.py"), *words], capture_output=True, text=True, cwd="/")


class CliTest(unittest.TestCase):
    def test_wrong_words_are_status_2(self):
        for words in (["nonsense"], ["run", "--bogus"], ["run", "--cpus", "0"], ["run", "--memory", "lots"],
                      ["run", "--seconds", "-1"], ["run", "--cases", "x"], ["replay"], ["run", "--max-len", "0"],
                      ["build", "extra"], ["run", "--ca", "5"]):
            self.assertEqual(build_py(*words).returncode, 2, words)

    def test_each_command_explains_itself_with_an_example(self):
        for name, (_, example, _) in cli.COMMANDS.items():
            done = build_py(name, "--help")
            self.assertEqual(done.returncode, 0)
            self.assertIn(f"example: python3 {example}", " ".join(done.stdout.split()))

    def test_every_command_takes_yes_before_and_behind_it(self):
        for name in cli.COMMANDS:
            words = [name, "input"] if name in ("replay", "console", "trace", "new-target", "oss-fuzz") else [name]
            self.assertTrue(cli.parser().parse_args(["--yes", *words]).yes)
            self.assertTrue(cli.parser().parse_args([*words, "--yes"]).yes)
            self.assertFalse(cli.parser().parse_args(words).yes)

    def test_until_crash_with_and_without_a_function(self):
        self.assertIsNone(cli.parser().parse_args(["run"]).until_crash)
        self.assertEqual(cli.parser().parse_args(["run", "--until-crash"]).until_crash, "")
        self.assertEqual(cli.parser().parse_args(["run", "--until-crash=f"]).until_crash, "f")

    def test_an_unknown_target_is_status_2(self):
        done = build_py("run", "--target", "no_such_target")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("no_such_target", done.stderr)

    def test_an_input_that_is_not_there_is_status_2(self):
        self.assertEqual(build_py("replay", "/nonexistent/input").returncode, 2)

    def test_the_quick_check_needs_no_build(self):
        self.assertTrue(cli.parser().parse_args(["check", "--quick"]).quick)
        self.assertFalse(cli.parser().parse_args(["check"]).quick)
