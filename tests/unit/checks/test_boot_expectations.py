"""The check of expected chains finds files, conditions, statements, functions and values that no source has."""
import unittest

from tests.checks.boot_expectations import errors, expected, frame_complaints
from tests.qemu.chains_expected import Error, Frame

FILE = "tests/kernel/faults/injected_bugs.cpp"


class BootExpectations(unittest.TestCase):
    def complaints(self, **frame):
        return len(list(frame_complaints(Frame(**{"file": FILE, **frame}))))

    def test_what_the_source_has_is_fine(self):
        self.assertEqual(self.complaints(function="inject", source="bug.run(", fields={"name": "x"}), 0)
        self.assertEqual(self.complaints(file=""), 0)

    def test_what_the_source_does_not_have_is_a_complaint(self):
        for missing in ({"file": "mm/no_such_file.h"}, {"function": "no_such_function"}, {"condition": "false"},
                        {"source": "no such statement"}, {"fields": {"no_such_value": 1}}):
            self.assertEqual(self.complaints(**missing), 1, missing)

    def test_chains_inside_other_expectations_are_checked_too(self):
        class Then:
            error = Error("mm.a")
        self.assertEqual([error.code for error in (*errors(Error("mm.b")), *errors(Then()))], ["mm.b", "mm.a"])
        self.assertEqual(errors("a pattern"), [])
        self.assertGreater(len(list(expected())), 100)


if __name__ == "__main__":
    unittest.main()
