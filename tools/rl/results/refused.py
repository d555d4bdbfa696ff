"""What a target asked for and was refused: system calls that nothing answers, by name, caller and number of times."""
import errno
import json
import re
from typing import NamedTuple

from tools.rl.machines.record_types import text
from tools.rl.results import printed, saved_results
from tools.rl.results.symbols import numbers, origin

FILE = "refused.json"           # in an output folder
MOST_CALLS = 1000               # of one run; a target has a few
MOST_ADDRESSES = 6              # arguments of a call; a stack in a record has less
NAME = re.compile(r"[a-z0-9_]{1,40}")
ADDRESS = re.compile(r"0x[0-9a-f]{1,16}")


class Call(NamedTuple):
    name: str
    error: int
    count: int
    arguments: tuple            # of the first one, as the target passed them
    path: str                   # what it was about, where the call takes one
    function: str               # of the target
    file: str
    line: int

    def place(self):
        where = f" at {self.file.rsplit('/', 1)[-1]}:{self.line}" if self.file and self.line else ""
        return f"{self.function}{where}"

    def text(self):
        times = "once" if self.count == 1 else f"{self.count} times"
        about = f' "{self.path}"' if self.path else ""
        error = errno.errorcode.get(self.error, f"error {self.error}")
        return f"{self.name}({', '.join(self.arguments[:3])}){about}: {error}, {times}, by {self.place()}"


def _number(value, least=0, most=1 << 64):
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value < most:
        raise ValueError
    return value


def _addresses(words):
    if len(words) > MOST_ADDRESSES or not all(ADDRESS.fullmatch(word) for word in words):
        raise ValueError
    return tuple(words)


def _caller(record, symbolizer):
    """The innermost function with a source: below it are the C library's, which has none."""
    frames = symbolizer.frames(numbers(_addresses(record["frames"]))) if symbolizer else []
    where = next((frame for frame in frames if frame.file and not frame.is_runtime()), origin(frames))
    if where.function == "?":
        where = where._replace(function=str(record.get("function") or "?"))
    return printed.safe(where.function.encode()).replace("\n", " "), where.file, where.line


def of(record, symbolizer):
    """The Call of a record; ValueError where it is none."""
    try:
        name, words = record["call"], _addresses(record["arguments"])
        if not NAME.fullmatch(name):
            raise ValueError
        path = printed.safe(record["path"].encode("latin-1")).replace("\n", "\\n")
        return Call(name, _number(record["error"]), _number(record["count"], 1), words, path,
                    *_caller(record, symbolizer))
    except (KeyError, TypeError, AttributeError, UnicodeError):
        raise ValueError("not a record of a refused call")


class Refused:
    """All of a run's: each core counts for itself, and its last record of a place is the whole."""

    def __init__(self):
        self.by_place = {}

    def add(self, record, symbolizer):
        """False when it is no such record."""
        try:
            call = of(record, symbolizer)
            key = (_number(record["core"]), _number(record["number"]), _addresses(record["frames"]))
        except (ValueError, TypeError, KeyError):
            return False
        if len(self.by_place) < MOST_CALLS or key in self.by_place:
            self.by_place[key] = call
        return True

    def calls(self):
        """One for each name and place in the target, the most frequent first."""
        found = {}
        for call in self.by_place.values():
            key = (call.name, call.function, call.file, call.line)
            before = found.get(key)
            found[key] = before._replace(count=before.count + call.count) if before else call
        return sorted(found.values(), key=lambda call: (-call.count, call.name))

    def lines(self):
        calls = self.calls()
        return ["asked for and refused:", *(f"  {call.text()}" for call in calls)] if calls else []

    def text(self):
        """As a file in an output folder holds them."""
        return json.dumps([call._asdict() for call in self.calls()], indent=1) + "\n"


def load(folder):
    """The calls that a folder's last run with any has left."""
    path = folder / FILE
    if not path.exists():
        return []
    try:
        return [_saved(fields) for fields in saved_results.json_in(path)[:MOST_CALLS]]
    except (KeyError, TypeError, ValueError):
        raise saved_results.Damaged(f"{path}: no list of refused calls")


def _saved(fields):
    """A call as a run has saved it."""
    texts = {key: text(fields[key]) for key in ("name", "path", "function", "file")}
    return Call(**texts, error=_number(fields["error"]), count=_number(fields["count"], 1),
                line=_number(fields["line"]), arguments=_addresses(fields["arguments"]))
