"""Lines of sources that symbols or a log name: of what is no source, nothing is shown."""
import functools

from tools.rl.building.description import KINDS, OBJECT
from tools.rl.common import ROOT
from tools.rl.printable import printable

LARGEST = 1 << 24               # bytes of a file that lines are shown of
NO_SOURCES = ("proc", "sys", "dev")     # reading there may wait without end
# Somebody else's symbols choose the file, and a report is shown to others: it shows nothing of a key or password file.
ENDINGS = tuple(ending for ending, kind in KINDS.items() if kind != OBJECT) + (
    ".h", ".hh", ".hpp", ".hxx", ".h++", ".inc", ".inl", ".ipp", ".tcc", ".def", ".y", ".l", ".re", ".rl", ".asm")


@functools.lru_cache(maxsize=256)
def lines_of(file, in_tree=False):
    """The lines of a source; none of what is not here, or no source. `in_tree`: only of a source of ours."""
    try:
        path = (ROOT / file).resolve()
        if not file or path.suffix not in ENDINGS or path.parts[1] in NO_SOURCES or not path.is_file() \
                or not 0 < path.stat().st_size <= LARGEST or (in_tree and ROOT not in path.parents):
            return ()
        return tuple(path.read_text(errors="replace").splitlines())
    except (OSError, RuntimeError, ValueError):     # a name that no file can have, links in a circle
        return ()


def excerpt(file, line, around, in_tree=False):
    """(number, text) of the lines around a place; none when there is no such line."""
    lines = lines_of(file, in_tree)
    if not 0 < line <= len(lines):
        return []
    return [(number, printable(lines[number - 1].expandtabs()))
            for number in range(max(1, line - around), min(len(lines), line + around) + 1)]


def quoted(file, line, around, in_tree=False):
    """The same as lines for a terminal, the place's own marked."""
    return [f"      {'>' if number == line else ' '} {number:5} | {text}"
            for number, text in excerpt(file, line, around, in_tree)]
