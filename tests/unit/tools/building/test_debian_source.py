"""Source packages: what apt-get says about one that cannot be had is told in words for the user."""
import contextlib
import io
import os
import stat
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from tools.rl.building import debian_source
from tools.rl.common import MISSING, Stop


LISTED = "http://some.host/debian/|stable|main|Debian"


class DebianSourceTest(unittest.TestCase):
    def fetch(self, says):
        """What a fetch ends with when apt-get's `source` says this and fails."""
        with tempfile.TemporaryDirectory() as scratch:
            program = Path(scratch) / "bin/apt-get"
            program.parent.mkdir()
            program.write_text(f"#!/bin/sh\ncase \"$*\" in *' source '*) echo \"{says}\"; exit 100;;\n"
                               f"indextargets*) echo \"{LISTED}\";; esac\n")
            program.chmod(program.stat().st_mode | stat.S_IXUSR)
            path = f"{program.parent}:{os.environ['PATH']}"
            with mock.patch.object(debian_source, "FOLDER", Path(scratch) / "sources"), \
                    mock.patch.dict(os.environ, PATH=path), contextlib.redirect_stdout(io.StringIO()), \
                    self.assertRaises(Stop) as caught:
                debian_source.fetch("inih")
        self.assertEqual(caught.exception.status, MISSING)
        return str(caught.exception)

    def test_each_reason_has_its_meaning(self):
        for says, meaning in debian_source.MEANINGS:
            self.assertIn(meaning, self.fetch(f"E: {says}: inih"))

    def test_another_repository_is_asked_where_the_newest_versions_files_are_missing(self):
        with tempfile.TemporaryDirectory() as scratch:
            programs, parts = Path(scratch) / "bin", Path(scratch) / "sources/apt/parts"
            programs.mkdir()
            scripts = {
                "apt-get": f"""case "$*" in
*'sourcelist={parts}/1.list source --download-only inih') echo > inih_1.dsc;;
*'sourcelist={parts}/0.list source --download-only inih') echo 'E: Unable to find a source package'; exit 100;;
*' source --download-only inih') echo partial > inih_2.tar; echo '404  Not Found'; exit 100;;
indextargets*) echo '{LISTED}'; echo '{LISTED.replace("stable", "updates")}';; esac""",
                "dpkg-source": "mkdir .unpacked && ls > .unpacked/files"}
            for name, text in scripts.items():
                (programs / name).write_text(f"#!/bin/sh\n{text}\n")
                (programs / name).chmod(0o755)
            with mock.patch.object(debian_source, "FOLDER", Path(scratch) / "sources"), \
                    mock.patch.dict(os.environ, PATH=f"{programs}:{os.environ['PATH']}"), \
                    contextlib.redirect_stdout(io.StringIO()) as said:
                unpacked = debian_source.fetch("inih")
            self.assertEqual((unpacked / "files").read_text(), "inih_1.dsc\n")
            self.assertIn("updates main", said.getvalue())

    def test_any_other_failure_puts_the_network_in_doubt(self):
        self.assertIn("network", self.fetch("E: something else"))


if __name__ == "__main__":
    unittest.main()
