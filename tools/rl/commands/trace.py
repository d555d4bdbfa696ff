"""`build.py trace FILE`: the traces in a saved console as JSON that Perfetto and Chrome's trace viewer open."""
import json
import re
from collections import Counter
from pathlib import Path

from tools.rl.common import OK, Stop, USAGE, refuse_unreadable, saved, write_atomically
from tools.rl.printable import console_lines, printable

# As kernel/panic/tracing.cpp prints them.
HEAD = re.compile(r"^trace: core ([0-9]{1,4}) has ([0-9]+) of [0-9]+ records, ([0-9]{1,20}) ticks a second$")
RECORD = re.compile(r"^trace ([0-9]{1,4}) ([0-9]{1,20}) ([BEi]) (\S+)((?: \S+ 0x[0-9a-f]+)*)$")
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
    count = Counter()               # of the open spans by name
    for event in events:
        name, phase = event["name"], event["ph"]
        if phase == "E" and not count[name]:
            continue
        while phase == "E" and open_spans[-1] != name:  # it failed, so only the one around it ended
            count[open_spans[-1]] -= 1
            kept.append(dict(event, name=open_spans.pop(), args={}))
        if phase == "B":
            open_spans.append(name)
            count[name] += 1
        elif phase == "E":
            count[open_spans.pop()] -= 1
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


def refuse(arguments):
    refuse_unreadable(arguments.file)


def main(arguments):
    by_core = events_in(console_lines(saved(arguments.file)))
    if not any(by_core.values()):
        raise Stop(USAGE, f"{arguments.file} holds no trace: type trace on the machine's console")
    out = Path(arguments.out or f"{arguments.file}.trace.json")
    try:
        write_atomically(out, json.dumps(chrome(by_core)))
    except OSError as error:
        raise Stop(USAGE, f"{out} cannot be written: {error.strerror or error}")
    count = sum(len(events) for events in by_core.values())
    print(f"{count} records of {len(by_core)} cores: open {printable(str(out))} in https://ui.perfetto.dev or "
          "chrome://tracing")
    return OK
