"""`build.py maps`: what the kernel's tables and core 0's nested tables map, read from a live run or a saved console."""
import re
from typing import NamedTuple

from tools.rl.building import builder, target_files
from tools.rl.common import OK, SYSTEM_FAILED, Stop, USAGE, refuse_unreadable, saved
from tools.rl.images.boot_image import boot_image, target_entries
from tools.rl.machines.qemu import Machine
from tools.rl.machines.session import BOOT_SILENCE, Session
from tools.rl.printable import console_lines

# As kernel/introspect/mapping_report.cpp prints a run of pages.
LINE = re.compile(r"^map (host|nested) ([0-9a-f]{16}) ([0-9a-f]{16}) ([0-9]{1,16}) (up|down) ([r-][w-][x-]) (\S+) "
                  r"(.*)$")
LAST = re.compile(r"^maps: nested: ")
NOTE = re.compile(r"^maps: (.*)$")
PAGE = 4096


class Run(NamedTuple):
    """Neighbouring pages; the frames of the next ones lie upwards of the first one's, or downwards."""
    space: str
    address: int
    physical: int
    pages: int
    direction: str
    allowed: str
    cache: str
    owner: str
    what: str


def parse(line):
    """A Run, or None."""
    match = LINE.match(line)
    if not match:
        return None
    space, address, physical, pages, direction, allowed, cache, rest = match.groups()
    owner, _, what = rest.partition(" ")
    return Run(space, int(address, 16), int(physical, 16), int(pages), direction, allowed, cache, owner, what)


def size_text(pages):
    size = pages * PAGE
    return f"{size >> 20} MiB" if size % (1 << 20) == 0 else f"{size >> 10} KiB"


def table(runs):
    """The lines that a person reads."""
    titles = {"host": "the kernel's virtual addresses", "nested": "core 0's machine: guest-physical addresses"}
    for space, title in titles.items():
        own = [run for run in runs if run.space == space]
        yield f"{title}: {sum(run.pages for run in own)} pages in {len(own)} runs"
        yield f"  {'address':18} {'physical':18} {'size':>9}      perm  cache  owner"
        for run in own:
            step = "down" if run.direction == "down" else ""
            yield (f"  {run.address:#018x} {run.physical:#018x} {size_text(run.pages):>9} {step:4} {run.allowed}   "
                   f"{run.cache:5}  {run.owner:14} {run.what}").rstrip()


def answer_in(lines):
    """The last answer to `maps` that is whole."""
    whole, runs, notes = None, [], []
    for line in lines:
        run = parse(line)
        if run:
            if run.space == "host" and any(r.space == "nested" for r in runs):
                runs, notes = [], []
            runs.append(run)
        elif NOTE.match(line):
            notes.append(NOTE.match(line).group(1))
            if LAST.match(line):
                whole, runs, notes = (runs, notes), [], []
    return whole


def from_a_run(arguments):
    target = target_files.find(arguments.target)
    builder.build_for(target)
    options = {"target": target.name, "cpus": arguments.cpus, "seed": 1, "exit": 1}
    session = Session(boot_image(target_entries(target, options)),
                      Machine(cpus=arguments.cpus, memory=arguments.memory), silence=BOOT_SILENCE)
    lines, asked = [], False
    for _, event in session.events():
        if isinstance(event, str):
            lines.append(event)
            if LAST.match(event):
                session.stop()
        elif event and event["type"] == "stats" and not asked:
            asked = True
            session.type("maps")
    if session.why or session.status != OK:
        raise Stop(SYSTEM_FAILED, session.why or "the machine failed: " + "\n".join(lines[-10:]))
    return lines


def refuse(arguments):
    if arguments.log is not None:
        refuse_unreadable(arguments.log)


def main(arguments):
    if arguments.log:
        lines = console_lines(saved(arguments.log))
    else:
        lines = from_a_run(arguments)
    found = answer_in(lines)
    if not found:
        raise Stop(USAGE if arguments.log else SYSTEM_FAILED, "there is no whole answer to `maps`")
    runs, notes = found
    print("\n".join([*table(runs), *notes]))
    return OK
