"""The parser of the machine's records: lines of JSON among the lines of text on the serial line.

Whatever sends them is not trusted: a line that begins as a record is a valid one, or it is dropped and counted.
"""
import json
from collections import Counter

from tools.rl.machines.record_types import Bad, LARGEST, checked_record
from tools.rl.printable import from_console

MOST_BRACKETS = 4096            # of all objects and lists in a record; that of 255 cores has 260
LONGEST_NUMBER = len(str(LARGEST))
SHOWN_REASONS = 4


def _unique(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Bad("a name stands twice in an object")
    return found


def _integer(digits):
    if len(digits) > LONGEST_NUMBER:
        raise Bad("a number is too long")
    return int(digits)


def _constant(_):
    raise Bad("NaN or Infinity stands for a number")


def parse_json(text):
    """The value of one line of JSON as strictly as the kernel writes it; Bad when it is none."""
    if text.count("[") + text.count("{") > MOST_BRACKETS:
        raise Bad("too many objects and lists")
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_int=_integer, parse_constant=_constant)
    except Bad:
        raise
    except (ValueError, RecursionError):
        raise Bad("not JSON, or a part of a record")


def parse_record(line):
    """A record (dict) when the line begins as one, else the text; Bad when it is not valid."""
    if line.startswith(b"{"):
        return checked_record(parse_json(line.decode("ascii", "backslashreplace")))
    return from_console(line)


class RecordReader:
    """Reads one machine's lines, and counts those that are dropped."""

    def __init__(self):
        self.lines = 0
        self.first_dropped = 0
        self.dropped = Counter()        # by reason

    def read(self, line):
        """A record, a text, or None for a line that is dropped."""
        self.lines += 1
        try:
            return parse_record(line)
        except Bad as bad:
            self.first_dropped = self.first_dropped or self.lines
            self.dropped[str(bad)] += 1
            return None

    def summary(self):
        """One line about everything that was dropped; none when nothing was."""
        if not self.dropped:
            return []
        reasons = [f"{count} x {reason}" for reason, count in self.dropped.most_common(SHOWN_REASONS)]
        more = len(self.dropped) - len(reasons)
        return [f"dropped {sum(self.dropped.values())} invalid records (results may be missing), the first in line "
                f"{self.first_dropped}: {'; '.join(reasons)}{f'; {more} other reasons' if more > 0 else ''}"]
