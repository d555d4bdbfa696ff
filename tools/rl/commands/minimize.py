"""`build.py minimize`: a smaller input that ends with the same crash hash, or that reaches the same edges."""
import sys
from pathlib import Path

from tools.rl.building import builder
from tools.rl.commands.replay import longest, read_input, timeout_options, which_target
from tools.rl.common import (INTERRUPTED, OK, ROOT, SYSTEM_FAILED, Stop, folder_of, refuse_unreadable,
                             refuse_unwritable, write_atomically)
from tools.rl.corpus.examiner import explain_failure, silence
from tools.rl.images.boot_image import boot_image, target_entries
from tools.rl.machines.qemu import Machine
from tools.rl.machines.record_types import decoded
from tools.rl.machines.session import Session
from tools.rl.printable import printable
from tools.rl.results import origin
from tools.rl.results.symbols import Symbolizer


def options_of(arguments, target):
    return {"target": target.name, "cpus": 1, "seed": 0, "max_len": arguments.max_len, "minimize": 1, "exit": 1,
            "cases": arguments.cases, "threads": arguments.threads, **timeout_options(arguments, target)}


def smallest_of(session, text):
    """The last record of a machine that minimizes; shows each that is smaller. Ctrl-C ends the machine."""
    record, shown = None, None
    try:
        for _, event in session.events():
            if isinstance(event, str):
                text.append(event)
            elif event and event["type"] == "minimized":
                record = event
                size = len(decoded(record["data"]))
                if size != shown and not record["done"]:
                    print(f"{size:,} bytes after {record['runs']:,} runs", flush=True)
                shown = size
    except KeyboardInterrupt:
        session.kill("interrupted")
    return record


def kept(record):
    """What is the same in the smaller input."""
    return "the same edges" if record["ending"] == "ok" else f"the same {record['ending']}, hash {record['hash']}"


def destination(arguments):
    return Path(arguments.out or f"{arguments.input}.min")


def refuse(arguments):
    refuse_unreadable(arguments.input, is_input=True)
    refuse_unwritable(destination(arguments), "--out" if arguments.out else "")
    if not arguments.target:
        origin.target_of(arguments.input)


def main(arguments):
    target = which_target(arguments)
    path = destination(arguments)
    arguments.max_len = longest(arguments, target)
    data = read_input(arguments.input, arguments.max_len)
    if arguments.threads is None:
        arguments.threads = origin.schedule_of(arguments.input)
    folder = folder_of(arguments)
    builder.build_for(target, folder)
    entries = target_entries(target, options_of(arguments, target), [("input/0", data)])
    session = Session(boot_image(entries, folder=folder), Machine(cpus=1, memory=arguments.memory),
                      silence=silence(arguments))
    text = []
    record = smallest_of(session, text)
    for line in session.records.summary():
        print(line, file=sys.stderr)
    if record is None or session.status != OK and not session.killed_because:
        explain_failure(session, text, Symbolizer(ROOT / target.elf), folder)
    smaller = decoded(record["data"])
    try:
        write_atomically(path, smaller)
    except OSError as error:
        raise Stop(SYSTEM_FAILED, f"{path} cannot be written: {error.strerror or error}")
    end = "" if record["done"] else f" (ended early: {session.killed_because})"
    print(printable(f"{len(data):,} bytes became {len(smaller):,} in {record['runs']:,} runs, with {kept(record)}{end}"
                    f": {path}"))
    return OK if record["done"] else INTERRUPTED
