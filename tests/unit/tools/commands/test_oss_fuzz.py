"""`build.py oss-fuzz`: which of the fuzzers that a build left is run."""
import io
import unittest
from contextlib import redirect_stdout
from pathlib import Path
from unittest import mock

from tools.rl.building import project
from tools.rl.commands import oss_fuzz
from tools.rl.common import Stop


class ChosenTest(unittest.TestCase):
    def chosen(self, found, wanted):
        printed = io.StringIO()
        with mock.patch.object(project, "fuzzers", lambda out: found), redirect_stdout(printed):
            return oss_fuzz.chosen(Path("/out"), wanted), printed.getvalue()

    def test_of_several_the_first_is_run_and_the_others_are_named(self):
        path, printed = self.chosen(["a_fuzzer", "b_fuzzer"], None)
        self.assertEqual(path, Path("/out/a_fuzzer"))
        self.assertIn("b_fuzzer", printed)

    def test_a_named_one_is_run_and_one_that_is_not_there_is_refused(self):
        self.assertEqual(self.chosen(["a_fuzzer", "b_fuzzer"], "b_fuzzer")[0], Path("/out/b_fuzzer"))
        for found, wanted in ((["a_fuzzer"], "c_fuzzer"), ([], None)):
            with self.assertRaises(Stop):
                self.chosen(found, wanted)


if __name__ == "__main__":
    unittest.main()
