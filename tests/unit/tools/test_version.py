"""One definition of the version: `build.py --version` prints it, and the changelog begins with it."""
import re
import subprocess
import sys
import unittest

from tools.rl.common import ROOT, VERSION


class Version(unittest.TestCase):
    def test_it_has_three_numbers(self):
        self.assertRegex(VERSION, r"^\d+\.\d+\.\d+$")

    def test_build_py_prints_it(self):
        done = subprocess.run([sys.executable, "build.py", "--version"], cwd=ROOT, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, f"raclette {VERSION}\n"))

    def test_the_changelog_begins_with_it(self):
        versions = re.findall(r"^## (\S+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
        self.assertEqual(versions[0], VERSION)


if __name__ == "__main__":
    unittest.main()
