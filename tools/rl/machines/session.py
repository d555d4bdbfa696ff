"""A booted machine as a stream of events: text lines, records, ticks; how to stop it, and how it ended."""
import queue
import time
from collections import Counter, deque

from tools.rl.common import SYSTEM_FAILED
from tools.rl.machines.records import RecordReader

TICK_SECONDS = 0.1
KEPT_LINES = 1000
KEPT_CHAINS = 1000
LONGEST_CHAIN = 200             # lines: several times what the kernel's frames allow
BOOT_SILENCE = 120              # seconds without a byte from a booting machine: emulated, on a loaded host
STOP_SILENCE = 20               # seconds without a byte after our 'quit' that mean it will not end by itself
STOP_SECONDS = 120              # and the most it may take: what waits to be said goes at a serial line's pace


def arrivals(lines, elapsed):
    """(seconds, bytes) of each line of a queue until its end, and (seconds, None) ten times a second in any case."""
    ticked = elapsed()
    while True:
        try:
            item = lines.get(timeout=TICK_SECONDS)
            if item is None:
                return
            yield item
        except queue.Empty:
            pass
        now = elapsed()
        if now >= ticked + TICK_SECONDS:
            ticked = now
            yield now, None


class Chains:
    """Collects the chains in the text: "error CODE on core ...", then indented lines."""

    def __init__(self):
        self.done = deque(maxlen=KEPT_CHAINS)
        self.open = None

    def feed(self, text):
        """Returns a chain's lines when this text ends it."""
        if self.open is not None and text.startswith("  "):
            if len(self.open) < LONGEST_CHAIN:
                self.open.append(text)
            return None
        finished = self.finish()
        if text.startswith("error "):
            self.open = [text]
        return finished

    def finish(self):
        finished, self.open = self.open, None
        if finished:
            self.done.append(finished)
        return finished


class Session:
    """Runs one machine to its end. `status` (valid after events() ended) is build.py's, `why` a line or ""."""

    def __init__(self, image_bytes, machine, serial_log=None, silence=None, deadline=None):
        self.qemu = machine.start(image_bytes, serial_log)
        self.silence = silence          # seconds without a byte after which the machine counts as hung
        self.deadline = deadline        # seconds from the start after which it is killed
        self.stopping = None
        self.unsent = b""
        self.killed_because = ""
        self.end_record = None
        self.records = RecordReader()
        self.heard = Counter()          # records so far by type
        self.latest = {}                # the last of each type since the machine's last start
        self.recent = deque(maxlen=KEPT_LINES)  # of the console's text
        self.status = SYSTEM_FAILED
        self.why = ""
        self.last_heard = 0.0

    def elapsed(self):
        return time.monotonic() - self.qemu.started

    def stop(self):
        """Asks for a clean end; the second time, or when none comes, the machine is killed."""
        if self.stopping is not None:
            self.kill("asked twice to stop")
            return
        self.stopping = self.elapsed()
        self._say(b"\nquit\n")          # whatever has been typed before

    def type(self, word):
        """A word for the kernel's console (docs/inside.md)."""
        self._say(word.encode() + b"\n")

    def _say(self, data=b""):
        """What the line does not take now follows at the next tick."""
        self.unsent += data
        self.unsent = self.unsent[self.qemu.send(self.unsent):] if self.unsent else b""

    def kill(self, why):
        self.killed_because = self.killed_because or why
        self.qemu.process.kill()

    def events(self):
        """(seconds, text or record), and (seconds, None) ten times a second for clocks and views."""
        try:
            for seconds, line in arrivals(self.qemu.lines, self.elapsed):
                if line is None:
                    self._say()
                    self._watch()
                    yield seconds, None
                    continue
                self.last_heard = seconds
                event = self.records.read(line)
                if isinstance(event, dict):
                    self.note(event)
                elif event is not None:
                    self.recent.append(event)
                if event is not None:
                    yield seconds, event
        finally:
            self.close()

    def note(self, record):
        kind = record["type"]
        if kind == "boot":
            self.latest = {}
        self.latest[kind] = record
        self.heard[kind] += 1
        self.end_record = record if kind == "end" else self.end_record

    def _watch(self):
        now, last_heard = self.elapsed(), max(self.last_heard, self.qemu.heard_at)
        if self.stopping is not None and now > min(max(self.stopping, last_heard) + STOP_SILENCE,
                                                   self.stopping + STOP_SECONDS):
            self.kill(f"no end within {now - self.stopping:.0f} s of being asked to stop")
        elif self.deadline and now > self.deadline:
            self.kill(f"not done within {self.deadline:g} s")
        elif self.silence and now > last_heard + self.silence:
            self.kill(f"nothing heard for {self.silence:g} s")

    def close(self):
        if self.qemu.process.poll() is None and self.qemu.reader.is_alive():
            self.qemu.process.kill()
        code = self.qemu.wait()
        status, why = self.qemu.verdict(code)
        if self.killed_because:
            self.why = f"the machine was ended: {self.killed_because}"
        elif status is None:
            self.why = why
        else:
            self.status = status
