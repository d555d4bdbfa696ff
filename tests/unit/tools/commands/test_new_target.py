"""A new target is whole: it is read back as a target, in both languages, and nothing that was there is lost."""
import tempfile
import unittest
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from tools.rl import cli
from tools.rl.building import description
from tools.rl.commands import new_target
from tools.rl.common import OK, Stop


def write(*words):
    with redirect_stdout(StringIO()):
        return new_target.main(cli.parser().parse_args(["new-target", *map(str, words)]))


class NewTargetTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name) / "deep/er/my target"

    def test_it_is_a_target_with_seeds_in_both_languages(self):
        for language in ("c", "c++"):
            folder = self.folder / language
            self.assertEqual(write(folder, "--language", language), OK)
            target = description.read(folder)
            self.assertEqual(target.language, language)
            self.assertEqual(len(target.seeds), len(new_target.SEEDS))
            self.assertTrue((folder / "README.md").exists())

    def test_a_folder_that_holds_any_of_it_is_left_as_it_is(self):
        self.folder.mkdir(parents=True)
        (self.folder / "harness.c").write_text("mine")
        self.assertRaises(Stop, write, self.folder)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["harness.c"])
        self.assertEqual((self.folder / "harness.c").read_text(), "mine")

    def test_a_place_that_cannot_be_written_is_named(self):
        self.assertRaises(Stop, write, "/proc/nothing/here")


if __name__ == "__main__":
    unittest.main()
