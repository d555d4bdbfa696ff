"""A session of a machine that says these lines, in place of a boot."""
from tools.rl.common import OK
from tools.rl.machines.records import RecordReader
from tests.unit.tools.hostile_lines import EXAMPLES, line

NONE = "0" * 16


def examined(index, **fields):
    return line({"type": "examined", "index": index, "ending": "ok", "value": 0, "edges": 10, "hash": NONE,
                 "other_fill": NONE, "leak": NONE, "features": "AAg=", **fields})


def finding(kind, digest):
    return line({"type": kind, **EXAMPLES["crash"], "hash": digest, "kind": kind})


class FakeSession:
    """`interrupt`: Ctrl-C comes behind the last line."""

    def __init__(self, lines, status=OK, why="", interrupt=False):
        self.lines, self.status, self.why, self.interrupt = lines, status, why, interrupt
        self.records, self.killed_because = RecordReader(), ""

    def events(self):
        for one in self.lines:
            event = self.records.read(one)
            if event is not None:
                yield 1.0, event
            yield 1.1, None
        if self.interrupt:
            raise KeyboardInterrupt

    def kill(self, why):
        self.killed_because = why
