"""The fixed command line: unknown words are status 2, help has an example, refusals come before anything is built."""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

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

    def test_what_cannot_work_is_refused_before_anything_is_installed_and_what_was_meant_is_named(self):
        nothing = {"PATH": "/nonexistent"}      # so that whatever goes on to packages ends with 3
        for words, meant in (
                (["bench", "vm.rund_trip"], "vm.round_trip"), (["test", "--host", "windw"], "mean Window"),
                (["test", "--boot", "resmes"], "resumes"), (["symbolize", "nothing"], "kernel+0x"),
                (["run", "--memory", "1M"], "512M"), (["run", "--memory", "999999G"], "512M"),
                (["run", "--cpus", "100"], "from 1 to 64"), (["debug", "--commands", "/nonexistent"], "No such file"),
                (["run", "--target", "stb_imge"], "mean stb_image"),
                (["image", "--target", "stb_imge"], "mean stb_image"),
                (["run", "--target", str(ROOT / "targets/mujss")], "mean mujs"), (["rnu"], "mean run"),
                (["run", "--secnds", "5"], "mean --seconds"), (["replay", str(ROOT / "READM.md")], "mean README.md"),
                (["image", "--corpus", "/nonexistent"], "not a folder"), (["oss-fuzz", "/nonexistent"], "not a folder"),
                (["image", "--serial", "lpt1"], "com1 to com4"), (["image", "--serial", "ffff"], "fff8"),
                (["trace", "/"], "it is a folder"),
                (["replay", str(ROOT / "docs")], "--out DIR"), (["replay", "/etc/passwd"], "--target"),
                (["run", "--leaks"], "replay"), (["maps", "--log", "/nonexistent"], "No such file")):
            done = subprocess.run([sys.executable, str(ROOT / "build.py"), *words, "--yes"], capture_output=True,
                                  text=True, cwd="/", env=nothing, stdin=subprocess.DEVNULL)
            self.assertEqual((done.returncode, done.stdout), (2, ""), words)
            self.assertIn(meant, done.stderr)
            self.assertNotIn("Traceback", done.stderr)

    def test_a_folder_is_not_replayed_and_the_command_that_was_meant_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "crashes/0123456789abcdef").mkdir(parents=True)
            crash = Path(folder) / "crashes/0123456789abcdef/input"
            crash.write_bytes(b"")
            for place in (crash.parent, Path(folder)):
                done = build_py("replay", str(place))
                self.assertEqual(done.returncode, 2)
                self.assertIn(f"build.py replay {crash}", done.stderr)

    def test_a_filter_that_names_long_tests_only_says_so(self):
        done = build_py("test", "--boot", "replays the same twenty times", "--yes")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--long", done.stderr)

    def test_each_command_explains_itself_with_an_example(self):
        for name, (_, example, _) in cli.COMMANDS.items():
            done = build_py(name, "--help")
            self.assertEqual(done.returncode, 0)
            self.assertIn(f"example: python3 {example}", " ".join(done.stdout.split()))

    def test_every_command_takes_yes_before_and_behind_it(self):
        for name in cli.COMMANDS:
            words = {"merge": [name, "dir", "--out", "dir"]}.get(name, [name, "input"] if name in (
                "replay", "console", "trace", "new-target", "oss-fuzz", "triage", "minimize") else [name])
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
