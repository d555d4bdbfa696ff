"""What is missing is named with its reason, installed only when allowed, and said how to get elsewhere."""
import stat
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from tools.rl.building import packages
from tools.rl.common import ROOT

APT = """#!/bin/sh
echo "$@" >> {log}
exit {status}
"""


class PackagesTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)
        self.log = self.folder / "apt.log"

    def program(self, name, text):
        path = self.folder / name
        path.write_text(text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def build_py(self, *words):
        """With nothing on PATH but what the test put there."""
        return subprocess.run([sys.executable, str(ROOT / "build.py"), *words], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, env={"PATH": f"{self.folder}:/nonexistent"})

    def test_off_debian_the_missing_tools_are_named(self):
        done = self.build_py("build", "--yes")
        self.assertEqual(done.returncode, 3)
        for tool in ("clang++", "ld.lld", "nasm", "ninja"):
            self.assertIn(tool, done.stderr)

    def test_without_a_terminal_it_says_what_to_type(self):
        self.program("apt-get", APT.format(log=self.log, status=0))
        done = self.build_py("run")
        self.assertEqual(done.returncode, 3)
        self.assertIn("apt-get install", done.stderr)
        self.assertIn("qemu-system-x86 ", done.stdout)
        self.assertFalse(self.log.exists())

    def test_yes_installs_what_it_named_first(self):
        self.program("apt-get", APT.format(log=self.log, status=0))
        self.program("sudo", '#!/bin/sh\nexec "$@"\n')
        done = self.build_py("build", "--yes")
        self.assertIn("assembles the boot sector", done.stdout)
        self.assertIn("nasm", self.log.read_text().splitlines()[-1])
        self.assertIn("installed, yet not found", done.stderr)          # this apt-get only pretends
        self.assertEqual(done.returncode, 3)

    def test_a_failing_apt_get_is_status_3(self):
        self.program("apt-get", APT.format(log=self.log, status=100))
        self.program("sudo", '#!/bin/sh\nexec "$@"\n')
        done = self.build_py("build", "--yes")
        self.assertEqual(done.returncode, 3)
        self.assertIn("apt-get failed", done.stderr)

    def test_each_package_is_named_once_with_a_reason(self):
        names = [package.name for package in packages.TABLE]
        self.assertEqual(len(names), len(set(names)))
        self.assertTrue(all(package.why and package.probes for package in packages.TABLE))
        self.assertEqual(packages.missing("test"), [], "the tests need their own packages")
