"""`build.py trace FILE`: the traces in a saved console as JSON that Perfetto and Chrome's trace viewer open."""
import json
import re
from pathlib import Path

from tools.rl.common import OK, Stop, USAGE, write_atomically

# As kernel/panic/tracing.cpp prints them.
HEAD = re.compile(r"^trace: core (\d+) has (\d+) of \d+ records, (\d+) ticks a second$")
RECORD = re.compile(r"^trace (\d+) (\d+) ([BEi]) (\S+)((?: \S+ 0x[0-9a-f]+)*)$")
VALUE = re.compile(r"(\S+) (0x[0-9a-f]+)")
ASSUMED_HZ = 1_000_000_000      # of a machine that could not measure its clock: the scale is then arbitrary


def _event(match, hz):
    core, time, phase, name, values = match.groups()
    event = {"name": name, "ph": phase, "ts": int(time) * 1e6 / hz, "pid": 0, "tid": int(core),
             "args": dict(VALUE.findall(values))}
    return dict(event, s="t") if phase == "i" else event


def paired(events):
    """Without ends whose beginnings the ring has overwritten; what is open at the end stays open."""
    open_spans, kept = [], []
    for event in events:
        if event["ph"] == "E" and event["name"] not in open_spans:
            continue
        while event["ph"] == "E" and open_spans[-1] != event["name"]:   # it failed, so only the one around it ended
            kept.append(dict(event, name=open_spans.pop(), args={}))
        if event["ph"] == "B":
            open_spans.append(event["name"])
        elif event["ph"] == "E":
            open_spans.pop()
        kept.append(event)
    return kept


def events_in(lines):
    """The events of the last dump of each core, as they were made."""
    hz, by_core = ASSUMED_HZ, {}
    for line in lines:
        head, record = HEAD.match(line), RECORD.match(line)
        if head:
            hz = int(head.group(3)) or ASSUMED_HZ
            by_core[int(head.group(1))] = []
        elif record and int(record.group(1)) in by_core:
            by_core[int(record.group(1))].append(_event(record, hz))
    return by_core


def chrome(by_core):
    """The whole file: times begin with the first record."""
    found = [event for events in by_core.values() for event in paired(events)]
    start = min((event["ts"] for event in found), default=0)
    names = [{"name": "thread_name", "ph": "M", "pid": 0, "tid": core, "args": {"name": f"core {core}"}}
             for core in sorted(by_core)]
    return {"displayTimeUnit": "ns", "traceEvents": names + [dict(e, ts=round(e["ts"] - start, 3)) for e in found]}


def main(arguments):
    try:
        lines = Path(arguments.file).read_text(errors="replace").splitlines()
    except OSError as error:
        raise Stop(USAGE, f"{arguments.file} cannot be read: {error.strerror or error}")
    by_core = events_in(lines)
    if not any(by_core.values()):
        raise Stop(USAGE, f"{arguments.file} holds no trace: type trace on the machine's console")
    out = Path(arguments.out or f"{arguments.file}.trace.json")
    write_atomically(out, json.dumps(chrome(by_core)))
    count = sum(len(events) for events in by_core.values())
    print(f"{count} records of {len(by_core)} cores: open {out} in https://ui.perfetto.dev or chrome://tracing")
    return OK
