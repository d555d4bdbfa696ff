"""docs/errors.md explains every error code of the tree and its neighbour, and no code that is not there."""
import re
import unittest

from tools.rl.building.graph import LAYERS, sources
from tools.rl.common import ROOT

DEFINED = re.compile(r'rstate::Code\s+\w+\{\s*"([a-z]+\.[a-z_0-9]+)"')
ROW = re.compile(r"^\| `([a-z]+\.[a-z_0-9]+)` \|(.*)\|$", re.MULTILINE)
CODE = re.compile(r"`([a-z]+\.[a-z_0-9]+)`")
# Told by the panic path, which works before there are chains.
WITHOUT_A_CODE = {"kernel.check_failed"}


def defined():
    layers = (*LAYERS, "stage2", "loader", "tests/kernel")
    found = set()
    for layer in layers:
        for source in sources(layer, ".h", ".cpp"):
            found.update(DEFINED.findall((ROOT / source).read_text()))
    return found


def rows():
    """code -> the cells behind it."""
    return {code: [cell.strip() for cell in cells.split(" | ")]
            for code, cells in ROW.findall((ROOT / "docs/errors.md").read_text())}


class ErrorCodes(unittest.TestCase):
    def test_every_code_is_explained(self):
        self.assertEqual(defined() - set(rows()), set())

    def test_every_explanation_has_its_code(self):
        self.assertEqual(set(rows()) - defined() - WITHOUT_A_CODE, set())

    def test_every_code_has_a_meaning_and_a_neighbour_that_is_another_code(self):
        for code, cells in rows().items():
            self.assertEqual([bool(cell) for cell in cells], [True, True], f"{code}: {cells}")
            neighbours = set(CODE.findall(cells[1]))
            self.assertEqual(neighbours - set(rows()), set(), f"{code}'s neighbours")
            self.assertNotIn(code, neighbours)

    def test_there_are_codes_at_all(self):
        self.assertGreater(len(defined()), 40)


if __name__ == "__main__":
    unittest.main()
