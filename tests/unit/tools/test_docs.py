"""The chains that README and docs quote stand in the source, on the lines they name."""
import re
import unittest

from tools.rl.common import ROOT

FRAME = re.compile(r"^ {2}([\w/]+\.(?:cpp|h)):(\d+) +(\S+) {2,}(\S.*?)(?: {3,}.*)?$", re.MULTILINE)
STATEMENT = 4   # lines: the text may stand below the line that begins the statement
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


def frames():
    for page in PAGES:
        for file, line, function, text in FRAME.findall(page.read_text()):
            yield page.name, file, int(line), function, text


def stands(file, line, function, text):
    source = (ROOT / file).read_text()
    statement = "\n".join(source.splitlines()[line - 1:line - 1 + STATEMENT])
    return f'"{text}"' in statement and f"{function.split('::')[-1]}(" in source


class QuotedChains(unittest.TestCase):
    def test_there_are_some(self):
        self.assertGreaterEqual(len({(page, file, line) for page, file, line, _, _ in frames()}), 14)

    def test_each_frame_is_where_the_source_makes_it(self):
        stale = [f"{page}: {file}:{line} {function} {text}" for page, file, line, function, text in frames()
                 if not stands(file, line, function, text)]
        self.assertEqual(stale, [])


if __name__ == "__main__":
    unittest.main()
