"""A line that a boot test expects and no source prints is found, wherever the source breaks it."""
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from tests.checks import console_lines as check
from tests.qemu.console_lines import Line


class ConsoleLines(unittest.TestCase):
    def complaint(self, text, source='log_formatted("core {} was "\n              "at {x}", core);\n'):
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(check, "ROOT", Path(folder)):
            (Path(folder) / "a.cpp").write_text(source)
            return check.complaint_about("WAS_AT", Line("a.cpp", text))

    def test_a_line_is_found_whole_in_part_and_over_two_literals(self):
        for text in ("core {} was at {x}", "core {} was...", "was at {x}"):
            self.assertEqual(self.complaint(text), "")

    def test_another_line_is_a_complaint(self):
        for text in ("core {} is at {x}", "core {} was at", "core {} is..."):
            self.assertIn("WAS_AT", self.complaint(text))

    def test_a_file_that_is_gone_is_a_complaint(self):
        self.assertIn("there is no b.cpp", check.complaint_about("WAS_AT", Line("b.cpp", "core")))


if __name__ == "__main__":
    unittest.main()
