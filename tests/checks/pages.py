"""The pages for people, and the tables in them that a command prints."""
from tools.rl.common import ROOT

END = "<!-- end -->"


def pages():
    return sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


def held(page, command):
    """The table between the markers `<!-- COMMAND -->` and `<!-- end -->` of a page, or None when it has none."""
    begin = f"<!-- {command} -->\n"
    text = page.read_text() if page.is_file() else ""
    return text.split(begin, 1)[1].split(f"\n{END}", 1)[0] if begin in text else None


def table_complaints(page, command, printed):
    """A page holds what a command prints."""
    table = held(page, command)
    name = page.relative_to(ROOT)
    if table is None:
        return [f"{name}: no table between <!-- {command} --> and {END}"]
    return [] if table == printed else [f"{name}: the table is not what `{command}` prints"]
