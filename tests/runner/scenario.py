"""Boots the machines of tests/qemu/scenarios.py and compares each with what its row expects."""
import contextlib
import importlib
import os
import re
import tempfile
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Callable, Optional

from tools.rl.building.progress import Progress
from tools.rl.common import BUILD, BUILTIN_TARGET, IMAGE_FOLDERS, OK, test_folder
from tools.rl.images import artefacts
from tools.rl.images.boot_image import boot_image, target_entries
from tools.rl.machines.qemu import Machine
from tools.rl.machines.session import Session

FIRST_LINES, LAST_LINES = 30, 15
CORES_HERE = os.cpu_count() or 1
# What never appears in a boot that ends well; a crash of the target is no failure of the kernel.
SIGNS_OF_FAILURE = (r"^panic", r"^error (?!target\.)", r"stop: ")


@dataclass
class Scenario:
    """One row: a machine, what it boots, what is expected of it."""
    name: str
    machine: Machine = field(default_factory=Machine)
    options: Optional[dict] = None          # of the bundle; None boots the plain image as it was built
    target: str = BUILTIN_TARGET
    entries: tuple = ()                     # more (name, bytes) for the bundle
    elf: Optional[Callable] = None          # () -> bytes: runs instead of the target's own
    seeds: bool = True                      # the target's own seeds
    corrupt: Optional[Callable] = None       # (image bytes, Layout) -> image bytes
    way: str = "img"                        # which artefact is booted
    folder: Path = BUILD                    # of which build
    product: bool = False                   # the product's image, even when the options ask for tests
    wrapped: Optional[Callable] = None      # (the artefact's bytes) -> the boot medium that holds it
    timeout: float = 60
    status: int = OK
    must: tuple = ()                        # must appear on the console: patterns of lines, or with a found_in(text)
    must_not: tuple = SIGNS_OF_FAILURE
    boots: int = 1
    verdict: Optional[Callable] = None        # (list of Outcome) -> "" or a complaint
    monitor: Optional[Callable] = None        # made for each boot: .arguments(folder), .run(session, folder)
    stop_when: Optional[Callable] = None    # (record) -> bool: then the host asks the machine to stop
    enough: str = ""                        # a pattern: once a line matches, the machine may be switched off
    show: str = ""                         # a pattern: the lines it matches are shown with the verdict
    long: bool = False


@dataclass
class Outcome:
    """The result of one boot."""
    status: int
    why: str
    text: str
    records: list
    seconds: float
    monitor: object = None

    def of_type(self, kind):
        return [record for record in self.records if record["type"] == kind]


class Slots:
    """As many busy virtual cores at a time as there are real ones; a wider machine runs alone."""

    def __init__(self, total):
        self.total = total
        self.free = total
        self.changed = threading.Condition()

    @contextlib.contextmanager
    def take(self, wanted):
        wanted = min(wanted, self.total)
        with self.changed:
            self.changed.wait_for(lambda: self.free >= wanted)
            self.free -= wanted
        try:
            yield
        finally:
            with self.changed:
                self.free += wanted
                self.changed.notify_all()


MODES = ("test", "bench", "inject")


def image_folder(row):
    """The folder of the image that this row boots: tests, benchmarks and injected bugs need the test kernel's."""
    needs_tests = any(mode in (row.options or {}) for mode in MODES) and not row.product
    return test_folder(row.folder) if needs_tests else row.folder


def contents(row):
    """What this row boots."""
    folder = image_folder(row)
    if row.options is None and not row.entries and row.elf is None:
        data = artefacts.path(row.way, folder).read_bytes()
    else:
        options = {"target": row.target, "cpus": row.machine.cpus, "exit": 1, **(row.options or {})}
        entries = target_entries(row.target, options, row.entries, row.seeds)
        if row.elf:
            entries = [("target.elf", row.elf()) if name == "target.elf" else (name, data) for name, data in entries]
        data = boot_image(entries, row.way, folder)
    data = row.corrupt(data, artefacts.layout_of(row.way, data)) if row.corrupt else data
    return row.wrapped(data) if row.wrapped else data


def boot(row):
    with tempfile.TemporaryDirectory(prefix="raclette-") as folder:
        machine, complaint = row.machine, []
        monitor = row.monitor() if row.monitor else None
        arguments = monitor.arguments(Path(folder)) if monitor else []
        if arguments:
            machine = replace(machine, extra=machine.extra + arguments)
        session = Session(contents(row), machine, deadline=row.timeout)
        if monitor:
            def watch():
                try:
                    complaint.append(monitor.run(session, Path(folder)) or "")
                except (OSError, ValueError) as error:
                    complaint.append(f"the monitor failed: {error!r}")
            watcher = threading.Thread(target=watch, daemon=True)
            watcher.start()
        lines, records, seen_enough = [], [], False
        for _, event in session.events():
            if event is None:
                continue
            if isinstance(event, dict):
                records.append(event)
                if row.stop_when and session.stopping is None and row.stop_when(event):
                    session.stop()
            lines.append(str(event))
            if row.enough and not seen_enough and re.search(row.enough, lines[-1]):
                seen_enough = True
                session.kill("seen enough")
        if seen_enough:
            session.status, session.why = row.status, ""
        if monitor:
            watcher.join(10)
            session.why = session.why or "".join(complaint)
        return Outcome(session.status, session.why, "\n".join(lines), records, session.elapsed(), monitor)


def appears(expected, text):
    """Whether a pattern, or what an error chain should be (tests/qemu/chains_expected.py), is on the console."""
    return bool(re.search(expected, text, re.M)) if isinstance(expected, str) else expected.found_in(text)


def complaints(row, outcome):
    """Why this boot is not what the row asks for; nothing when it is."""
    found = [outcome.why] if outcome.why else []
    if outcome.status != row.status:
        found.append(f"status {outcome.status}, expected {row.status}")
    found += [f"not on the console: {one}" for one in row.must if not appears(one, outcome.text)]
    found += [f"on the console: {one}" for one in row.must_not if appears(one, outcome.text)]
    if found:
        found += trouble(outcome.text.splitlines())
    return found


def trouble(lines):
    """The parts of a failed boot's console that matter: from its first error on, and its end."""
    first = next((n for n, line in enumerate(lines) if re.match(r"error |panic|watchdog", line)), len(lines))
    begin, end = lines[first:first + FIRST_LINES], lines[max(first + FIRST_LINES, len(lines) - LAST_LINES):]
    parts = [("the first error:", begin), ("the last lines:", end)]
    return [text for title, part in parts if part for text in (title, *("  " + line[:200] for line in part))]


def run_row(row, slots, tally):
    name = f"boot {row.name}"
    try:
        with slots.take(row.machine.cpus):
            outcomes = [boot(row) for _ in range(row.boots)]
    except Exception as error:                       # the other rows still run
        tally.add(name, False, f"the runner failed: {error!r}")
        return
    found = [complaint for outcome in outcomes for complaint in complaints(row, outcome)]
    if not found and row.verdict:
        found = [row.verdict(outcomes)] if row.verdict(outcomes) else []
    for outcome in outcomes:
        for test in outcome.of_type("test"):
            tally.add(f"kernel {test['name']}", test["ok"], test.get("message", ""), quiet=True)
    tally.add(f"{name} ({sum(o.seconds for o in outcomes):.1f} s)", not found, "\n".join(found))
    if row.show:
        for line in (line for o in outcomes for line in o.text.splitlines() if re.search(row.show, line)):
            print(f"     {line}", flush=True)


def command_name(function):
    return f"boot command: {function.__name__.replace('_', ' ')}"


def run_command(function, slots, tally):
    name = command_name(function)
    with slots.take(getattr(function, "cores", 1)), tempfile.TemporaryDirectory(prefix="raclette-out-") as folder:
        try:
            function(Path(folder) / "out")
        except Exception as error:                   # a broken expect, or a broken test: both are failures
            tally.add(name, False, f"{type(error).__name__}: {error}")
        else:
            tally.add(name, True)


def chosen(tally, long):
    """The rows and the commands that this run boots."""
    table = importlib.import_module("tests.qemu.scenarios").SCENARIOS
    commands = importlib.import_module("tests.qemu.commands")
    rows = [row for row in table if tally.wants(f"boot {row.name}") and (long or not row.long)]
    functions = [f for f in (*commands.SHORT, *(commands.LONG if long else ())) if tally.wants(command_name(f))]
    return rows, functions


def folders_needed(tally, long):
    """The folders of the images that this run boots."""
    rows, functions = chosen(tally, long)
    return IMAGE_FOLDERS if functions else sorted({image_folder(row) for row in rows})


def run_all(tally, long):
    commands = importlib.import_module("tests.qemu.commands")
    rows, functions = chosen(tally, long)
    for function, why in commands.UNTRIED if long else ():
        tally.untried(command_name(function), why)
    slots = Slots(CORES_HERE)
    with Progress("boot", len(rows) + len(functions), "tests") as progress, \
            ThreadPoolExecutor(max_workers=CORES_HERE) as pool:
        running = {pool.submit(run_row, row, slots, tally): row.name for row in rows}
        running.update({pool.submit(run_command, function, slots, tally): command_name(function)
                        for function in functions})
        for done, _ in enumerate(as_completed(running), 1):
            progress.set(done)
    for future, name in running.items():
        if future.exception():              # of the test itself: it must not pass for a row that was not asked for
            tally.add(f"boot {name}", False, "".join(traceback.format_exception(future.exception())))
