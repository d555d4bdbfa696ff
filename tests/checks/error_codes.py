"""docs/errors.md explains every error code of the tree and its neighbour, and no code that is not there."""
import re

from tools.rl.building.graph import LAYERS, sources
from tools.rl.common import ROOT

DEFINED = re.compile(r'rstate::Code\s+\w+\{\s*"([a-z]+\.[a-z_0-9]+)"')
ROW = re.compile(r"^\| `([a-z]+\.[a-z_0-9]+)` \|(.*)\|$", re.MULTILINE)
CODE = re.compile(r"`([a-z]+\.[a-z_0-9]+)`")
# Printed by the panic path, which works before there are chains.
WITHOUT_A_CODE = {"kernel.check_failed"}
LEAST_CODES = 40


def defined():
    """Every code that a source defines, and that of failed CHECKs."""
    texts = ((ROOT / source).read_text() for layer in (*LAYERS, "stage2", "loader", "tests/kernel")
             for source in sources(layer, ".h", ".cpp"))
    return {code for text in texts for code in DEFINED.findall(text)} | WITHOUT_A_CODE


def rows(text):
    """code -> the cells behind it."""
    return {code: [cell.strip() for cell in cells.split(" | ")] for code, cells in ROW.findall(text)}


def complaints(codes, text):
    explained = rows(text)
    yield from (f"{code} is not explained" for code in sorted(codes - set(explained)))
    yield from (f"{code} is explained, and no source defines it" for code in sorted(set(explained) - codes))
    for code, cells in explained.items():
        if [bool(cell) for cell in cells] != [True, True]:
            yield f"{code}: a meaning and a neighbour are expected, not {cells}"
            continue
        neighbours = set(CODE.findall(cells[1]))
        yield from (f"{code}: its neighbour {other} is not explained" for other in sorted(neighbours - set(explained)))
        if code in neighbours:
            yield f"{code} is its own neighbour"


def check():
    codes = defined()
    found = [] if len(codes) > LEAST_CODES else [f"only {len(codes)} codes are defined"]
    return [f"docs/errors.md: {one}" for one in (*found, *complaints(codes, (ROOT / "docs/errors.md").read_text()))]
