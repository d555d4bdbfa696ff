"""docs/errors.md explains every error code of the tree, and no code that is not there."""
import re
import unittest

from tools.rl.common import ROOT

DEFINED = re.compile(r'rstate::Code\s+\w+\{\s*"([a-z]+\.[a-z_0-9]+)"')
EXPLAINED = re.compile(r"^\| `([a-z]+\.[a-z_0-9]+)` \|", re.MULTILINE)
# Told by the panic path, which works before there are chains.
WITHOUT_A_CODE = {"kernel.check_failed"}


def defined():
    layers = ("base", "rstate", "cpu", "hw", "mm", "boot", "dev", "vm", "svm", "guest", "fuzz", "kernel", "stage2")
    found = set()
    for layer in layers:
        for header in (ROOT / layer).glob("*.h"):
            found.update(DEFINED.findall(header.read_text()))
    return found


class ErrorCodes(unittest.TestCase):
    def test_every_code_is_explained(self):
        explained = set(EXPLAINED.findall((ROOT / "docs/errors.md").read_text()))
        self.assertEqual(defined() - explained, set())

    def test_every_explanation_has_its_code(self):
        explained = set(EXPLAINED.findall((ROOT / "docs/errors.md").read_text()))
        self.assertEqual(explained - defined() - WITHOUT_A_CODE, set())

    def test_there_are_codes_at_all(self):
        self.assertGreater(len(defined()), 40)


if __name__ == "__main__":
    unittest.main()
