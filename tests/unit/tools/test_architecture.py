"""docs/architecture.md: the layer table is the enforced one; every file it links exists and holds the names beside it.
And no page of the tree has a link that leads nowhere."""
import re
import unittest

from tools.rl.building import layers
from tools.rl.common import ROOT

TEXT = (ROOT / "docs/architecture.md").read_text()
LINK = re.compile(r"\]\(\.\./([^)#]+)\)")
RELATIVE = re.compile(r"(?:\]\(|src=\")((?!https?:|#)[^)#\"]+)")
NAME = re.compile(r"`([\w:.]+)`")


def rows():
    """(files that a table's row links, names in its last cell)."""
    for line in TEXT.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and LINK.search(line):
            yield LINK.findall(line), NAME.findall(cells[-1])


def holds(files, name):
    last = re.split(r"::|\.", name)[-1]
    found = [ROOT / file for file in files if (ROOT / file).is_file()]
    return any(re.search(rf"\b{re.escape(last)}\b", path.read_text()) for path in found)


class Architecture(unittest.TestCase):
    def test_the_layer_table_is_the_one_that_is_enforced(self):
        held = TEXT.split("<!-- python3 -m tools.rl.building.layers -->\n")[1].split("\n<!-- end -->")[0]
        self.assertEqual(held, layers.table())

    def test_every_linked_file_exists(self):
        linked = set(LINK.findall(TEXT))
        self.assertGreater(len(linked), 40)
        self.assertEqual([path for path in sorted(linked) if not (ROOT / path).exists()], [])

    def test_every_page_links_only_what_exists(self):
        pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
        broken = [f"{page.name}: {link}" for page in pages for link in RELATIVE.findall(page.read_text())
                  if not (page.parent / link).exists()]
        self.assertEqual(broken, [])

    def test_every_name_stands_in_a_file_of_its_row(self):
        stale = [f"{name} in {', '.join(files)}" for files, names in rows() for name in names if not holds(files, name)]
        self.assertEqual(stale, [])

    def test_the_life_of_a_case_has_twelve_steps(self):
        part = TEXT.split("## The life of a case\n")[1].split("\n## ")[0]
        self.assertEqual(re.findall(r"^\| (\d+) \|", part, re.MULTILINE), [str(n) for n in range(1, 13)])


if __name__ == "__main__":
    unittest.main()
