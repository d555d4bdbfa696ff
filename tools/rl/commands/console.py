"""`build.py console DEVICE`: a machine at a serial line, shown and saved as `run` does; what is typed goes to it."""
import argparse
import contextlib
import os
import signal
import sys
import threading
import time
from pathlib import Path

from tools.rl.building import target_files, targets
from tools.rl.building.description import Broken
from tools.rl.building.progress import Progress, hold
from tools.rl.common import OK, ROOT, SYSTEM_FAILED, Stop
from tools.rl.machines.line_reader import LineCutter
from tools.rl.machines.serial_port import Line
from tools.rl.machines.records import RecordReader
from tools.rl.machines.session import arrivals
from tools.rl.printable import printable
from tools.rl.results import build_ids
from tools.rl.results.collector import Collector
from tools.rl.results.live_view import make_view
from tools.rl.results.outdir import OutDir
from tools.rl.results.own_failure import about_our_failure, places_in_kernel
from tools.rl.results.symbols import Symbolizer

ENDINGS = {"kernel: done": OK, "panic: stopped": SYSTEM_FAILED}    # the machine's last line


class LineSession:
    """The events of a machine that runs without us: it goes on when we leave."""

    def __init__(self, line):
        self.line = line
        self.records = RecordReader()
        self.status = None              # once the machine has said its last line
        self.left = False

    def stop(self):
        self.left = True

    def events(self):
        """As Session.events, until the machine has ended, the line is gone, or the user leaves."""
        for seconds, line in arrivals(self.line.lines, lambda: time.monotonic() - self.line.started):
            event = None if line is None else self.records.read(line)
            if isinstance(event, str):
                self.status = ENDINGS.get(event)
            if line is None or event is not None:
                yield seconds, event
            if self.status is not None or self.left:
                return


class Watcher(Collector):
    """A collector that learns from the machine which build it runs and, by the boot record, which target it fuzzes."""
    kernel_build = ""
    asked_for = None            # the target that --target names
    said_target = None          # by the latest boot record

    def _text(self, text):
        super()._text(text)
        self.kernel_build = build_ids.named_by(text) or self.kernel_build

    def _boot(self, seconds, record):
        super()._boot(seconds, record)
        said = record.get("target", "")
        if said == self.said_target:
            return
        self.said_target = said
        if said in targets.names():             # what a machine says is believed only where there is such a target
            self.out.note_target(said)
            self.symbolizer = symbolizer_for_name(said)
        elif said != self.asked_for.name:
            self.symbolizer = None


def symbolizer_for(target):
    """For a target that is built here; else crashes keep their addresses."""
    elf = ROOT / target.elf
    return Symbolizer(elf) if elf.exists() else None


def symbolizer_for_name(name):
    try:
        return symbolizer_for(targets.load(name))
    except Broken:                              # its description, so it is not built here
        return None


def forward_words(line):
    """What is typed here, a line at a time, goes to the machine. (Python's own buffer would stay locked at our end.)"""
    cutter = LineCutter()
    with contextlib.suppress(OSError):
        while chunk := os.read(sys.stdin.fileno(), 1 << 12):
            for word in cutter.feed(chunk):
                line.send(word + b"\n")


def conclude(session, runner, out):
    if session.status == SYSTEM_FAILED:
        built, folder = build_ids.made(runner.kernel_build)
        for text in (*build_ids.warning(runner.kernel_build, built),
                     *places_in_kernel(about_our_failure(list(runner.text)), folder)):
            print(text)
    for text in runner.refused.lines():
        print(text)
    how = {OK: "the machine has ended its run", SYSTEM_FAILED: "Raclette itself failed, see above",
           None: "left; the machine runs on" if session.left else "the line is closed"}[session.status]
    print(f"{how}; results in {out.path}")
    if out.unsaved:
        raise Stop(SYSTEM_FAILED, f"no space left for {out.path}: {out.unsaved} are not saved")
    return session.status or OK


def main(arguments):
    target = target_files.find(arguments.target)
    out = OutDir(Path(arguments.out or ROOT / "out" / target.name))
    line = Line(arguments.device, out.serial)
    session = LineSession(line)
    limits = argparse.Namespace(until_crash=None, seconds=None)
    print("".join(printable(line) + "\n" for line in out.set_aside), end="")
    view = make_view(arguments.plain, arguments.device, out.path, out.earlier)
    runner = Watcher(limits, session, out, view, symbolizer_for(target))
    runner.asked_for = target
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, runner.interrupted)
    threading.Thread(target=forward_words, args=(line,), daemon=True).start()
    print(f"listening on {arguments.device}; type help and Enter, Ctrl-C leaves", flush=True)
    try:
        with Progress("listening") if sys.stdout.isatty() else hold():
            runner.run()
    finally:
        view.close()
        out.close()
    for text in session.records.summary():
        print(text)
    return conclude(session, runner, out)
