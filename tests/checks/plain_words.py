"""Words that hide who does something, or stand for a term of the field: no source and no page has them."""
import re

from tests.checks.pages import pages
from tools.rl.commands.check import COMMENT, own_files
from tools.rl.common import ROOT

# In brackets, so that this file has none of them.
WORDS = re.compile(r"who[e]ver|no[b]ody|at its d[o]or|taking st[o]ck|the d[e]ad\b", re.I)


def complaints(name, text):
    return [f"{name}:{number}: {found[0]!r}: name the actor, or use the field's term"
            for number, line in enumerate(text.splitlines(), 1) for found in [WORDS.search(line)] if found]


def check():
    files = [*own_files(*COMMENT), *pages(), ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
    return [line for path in files
            for line in complaints(path.relative_to(ROOT), path.read_text(encoding="utf-8", errors="replace"))]
