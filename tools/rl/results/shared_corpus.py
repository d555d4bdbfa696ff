"""`run --sync DIR`: a corpus that is shared both ways with running AFL++ and libFuzzer instances.

What this run finds goes to DIR/raclette/queue/ under names as AFL++ gives them: AFL++ looks for an instance's
queue there, and libFuzzer reads its folders recursively. What others leave in DIR is sent to the machine, one input
at a time: the next one follows the answer to the one before, since a serial line has no other flow control.
"""
import base64
import os
import re
import time
from collections import deque
from pathlib import Path

from tools.rl.common import Stop, USAGE, write_atomically
from tools.rl.corpus.inputs import read_regular
from tools.rl.images.xxhash import xxh64

NAME = "raclette"               # this instance's, beside AFL++'s own
QUEUE = "queue"
SCAN_SECONDS = 2.0
PATIENCE = 20.0                 # seconds without an answer after which an input is sent again
TRIES = 3
LONGEST = (1 << 17) - 16        # bytes: fuzz/corpus_sync.h's longest message
DEEPEST = 4                     # folders below DIR
NUMBER = re.compile(r"id:(\d{6,18})\b")


def digest(data):
    return f"{xxh64(data):016x}"


class SharedCorpus:
    """One run's side of the folder. `clock` counts seconds."""

    def __init__(self, folder, send=None, clock=time.monotonic):
        """`send(bytes)` returns how many of them the machine took; it may be set until the first tick."""
        self.folder = Path(folder)
        self.own = self.folder / NAME / QUEUE
        self.send = send
        self.clock = clock
        self.seen = set()               # paths of others that have been read
        self.known = set()              # hashes of inputs that both sides have
        self.waiting = deque()          # (hash, bytes) to send
        self.current = None             # (hash, bytes) whose answer is awaited
        self.unsent = b""               # of its line
        self.sent_at = self.scanned_at = float("-inf")
        self.tries = 0
        self.taken = self.given = 0
        self.refused = {"too long": 0, "unreadable": 0, "lost on the way": 0, "not written": 0}
        try:
            self.own.mkdir(parents=True, exist_ok=True)
            write_atomically(self.own.parent / ".writable", b"")
            (self.own.parent / ".writable").unlink()
            self.next_number = 0
            for name in os.listdir(self.own):
                self._note_own(name)
        except OSError as error:
            raise Stop(USAGE, f"--sync {folder} cannot be used: {error.strerror or error}")

    def _note_own(self, name):
        number = NUMBER.match(name)
        if number:
            self.next_number = max(self.next_number, int(number[1]) + 1)
            data = self._read(self.own / name)
            self.known |= set() if data is None else {digest(data)}

    def add(self, data):
        """An input of ours, for the others; also one that an earlier run found."""
        name = digest(data)
        if name in self.known:
            return
        self.known.add(name)
        try:
            write_atomically(self.own / f"id:{self.next_number:06},hash:{name}", data)
        except OSError:
            self.refused["not written"] += 1
            return
        self.next_number += 1
        self.given += 1

    def tick(self):
        """Called often: looks for new inputs, and sends what the serial line takes without a wait."""
        now = self.clock()
        if now >= self.scanned_at + SCAN_SECONDS:
            self.scanned_at = now
            self._scan()
        if self.current and not self.unsent and now > self.sent_at + PATIENCE:
            self._again()
        if not self.current and self.waiting:
            self.current, self.tries = self.waiting.popleft(), 0
            self._begin()
        while self.unsent:
            count = self.send(self.unsent)
            self.sent_at = now
            if not count:
                return
            self.unsent = self.unsent[count:]

    def _begin(self):
        name, data = self.current
        self.tries += 1
        self.unsent = b"input %d %s %s\n" % (len(data), name.encode(), base64.b64encode(data))

    def _again(self):
        """What the line lost of it may have been its end."""
        if self.tries >= TRIES:
            self.refused["lost on the way"] += 1
            self.current = None
            return
        self._begin()
        self.unsent = b"\n" + self.unsent

    def answer(self, record):
        """A record of type `given`."""
        if not self.current or self.unsent:
            return                      # to what a user typed, or to half a line
        if record["status"] == "damaged":
            self._again()
        elif record["hash"] == self.current[0]:
            self.taken += record["status"] == "taken"
            self.refused["too long"] += record["status"] == "too_long"
            self.current = None

    def _scan(self):
        for path in others_inputs(self.folder):
            if path in self.seen:
                continue
            self.seen.add(path)
            data = self._read(path)
            if data is None or digest(data) in self.known:
                continue
            self.known.add(digest(data))
            self.waiting.append((digest(data), data))

    def _read(self, path):
        """The bytes of a file; None, and counted, of what is no input."""
        try:
            data = read_regular(path, LONGEST + 1)
            if len(data) <= LONGEST:
                return data
            self.refused["too long"] += 1
            return None
        except FileNotFoundError:
            return None                 # AFL++ and libFuzzer replace inputs by smaller ones
        except OSError:
            self.refused["unreadable"] += 1
            return None

    def summary(self):
        counts = {**self.refused, "still to send": len(self.waiting)}
        left = [f"{count} {why}" for why, count in counts.items() if count]
        return f"shared corpus {self.folder}: took {self.taken} inputs, gave {self.given}" + \
            (f" ({', '.join(left)})" if left else "")


def others_inputs(folder):
    """Paths of inputs that others left: of AFL++'s instances their queues, of everything else each file."""
    def walk(place, depth):
        try:
            entries = sorted(os.scandir(place), key=lambda entry: entry.name)
        except OSError:
            return
        names = {entry.name for entry in entries}
        for entry in entries:
            if entry.name.startswith(".") or entry.is_symlink() or (depth == 0 and entry.name == NAME):
                continue
            if entry.is_dir():
                if depth < DEEPEST and (QUEUE not in names or entry.name == QUEUE):
                    yield from walk(entry.path, depth + 1)
            elif entry.is_file() and QUEUE not in names:
                yield entry.path
    return walk(folder, 0)
