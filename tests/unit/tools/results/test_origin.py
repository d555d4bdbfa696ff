"""An input's folder says which target it is of, and the command in a report runs it from where it was typed."""
import os
import shlex
import tempfile
import unittest
from pathlib import Path

from tools.rl import cli
from tools.rl.common import ROOT, Stop, USAGE
from tools.rl.commands import replay, run
from tools.rl.results import origin
from tools.rl.results.outdir import OutDir


class OriginTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name).resolve()

    def out(self, target, name="out", schedule=0):
        out = OutDir(self.folder / name, target, schedule)
        self.addCleanup(out.close)
        return out

    def closed(self, *about):
        self.out(*about).close()

    def crash_in(self, out):
        out.add_crash({}, {"type": "crash", "hash": "00000000000000aa", "function": "f", "file": "", "frames": []}, [])
        return out.path / "crashes/00000000000000aa/input"

    def test_a_crash_and_an_input_of_the_corpus_are_of_the_run_that_found_them(self):
        out = self.out("cxx_example")
        crash, corpus = self.crash_in(out), out.path / "corpus/aa"
        self.assertEqual([origin.target_of(path)[0] for path in (crash, corpus)], ["cxx_example"] * 2)

    def test_a_crash_keeps_its_target_when_the_folder_serves_another_or_it_is_copied(self):
        out = self.out("cxx_example")
        crash = self.crash_in(out)
        out.close()
        self.closed("injected_bugs")
        self.assertEqual(origin.target_of(crash)[0], "cxx_example")
        moved = self.folder / "elsewhere"
        crash.parent.rename(moved)
        self.assertEqual(origin.target_of(moved / "input")[0], "cxx_example")

    def test_an_input_runs_again_with_the_schedule_that_it_was_found_with(self):
        out = self.out("cxx_example")
        first = self.crash_in(out)
        out.close()
        other = self.crash_in(self.out("cxx_example", "other", schedule=7))
        self.out("cxx_example", schedule=9)
        self.assertEqual(origin.schedule_of(first), 0)
        self.assertEqual(origin.schedule_of(other), 7)
        self.assertEqual(origin.schedule_of(self.folder / "out/corpus/aa"), 9)
        self.assertEqual(origin.schedule_of(self.folder / "input"), 0)
        for text in ('{"schedule": -1}', '{"schedule": true}', '{"schedule": "7"}', '{"schedule": 1e400}',
                     '{"schedule": 18446744073709551616}', "7"):
            (self.folder / "crash.json").write_text(text)
            self.assertEqual(origin.schedule_of(self.folder / "input"), 0)

    def test_a_seed_is_of_the_target_in_whose_folder_it_lies(self):
        seed = next((ROOT / "targets/cxx_example/seeds").iterdir())
        self.assertEqual(origin.target_of(seed)[0], str(ROOT / "targets/cxx_example"))

    def of_an_unknown_target(self):
        with self.assertRaises(Stop) as caught:
            origin.target_of(self.folder / "input")
        self.assertEqual(caught.exception.status, USAGE)
        self.assertIn("--target", str(caught.exception))

    def test_what_lies_anywhere_or_beside_what_is_no_json_is_refused(self):
        for text in ("", "[]", "{}", '{"target": 7}', '{"target": ""}', "[" * 99999, "\0", '{"target": "."}',
                     '{"target": "../elsewhere"}', '{"target": "/\\u001b[2J"}', '{"target": %s}' % ("9" * 5000)):
            (self.folder / "crash.json").write_text(text)
            self.of_an_unknown_target()

    def test_a_pipe_or_a_link_names_no_target(self):
        (self.folder / "real").write_text('{"target": "cxx_example"}')
        (self.folder / "crash.json").symlink_to(self.folder / "real")
        os.mkfifo(self.folder / "campaign.json")
        self.of_an_unknown_target()

    def test_the_command_is_right_from_where_it_is_printed(self):
        strange = self.folder / "-a folder's 'own'"
        before = Path.cwd()
        self.addCleanup(os.chdir, before)
        for place, path in ((ROOT, ROOT / "out/x/crashes/y/input"), (ROOT, strange / "input"),
                            ("/", strange / "input")):
            os.chdir(place)
            python, program, command, given = shlex.split(origin.again(path))
            self.assertEqual((Path(place, program), command), (ROOT / "build.py", "replay"))
            self.assertEqual(Path(place, cli.parser().parse_args([command, given]).input), path)

    def test_a_replay_takes_an_input_of_the_length_that_it_has(self):
        (self.folder / "long").write_bytes(bytes(70000))
        arguments = cli.parser().parse_args(["replay", str(self.folder / "long")])
        self.assertEqual(replay.longest(arguments, "stb_image"), 70000)
        arguments.max_len = 64
        self.assertEqual(replay.longest(arguments, "stb_image"), 64)

    def test_results_of_two_targets_of_one_name_do_not_mix_by_themselves(self):
        arguments = cli.parser().parse_args(["run"])
        place = origin.default_out("stb_image")
        self.addCleanup(setattr, origin, "default_out", origin.default_out)
        origin.default_out = lambda target: self.folder / "out"
        target = run.target_files.find("stb_image")
        self.assertEqual(run.out_folder(arguments, target), self.folder / "out")
        self.closed("stb_image")
        self.assertEqual(run.out_folder(arguments, target), self.folder / "out")
        self.closed("/some/other/stb_image")
        self.assertRaises(Stop, run.out_folder, arguments, target)
        arguments.out = str(place)
        self.assertEqual(run.out_folder(arguments, target), place)


if __name__ == "__main__":
    unittest.main()
