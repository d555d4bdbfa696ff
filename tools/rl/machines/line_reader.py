"""Bytes as they arrive from a machine, put into its log at once and into a queue line by line."""
import time

LONGEST_LINE = 1 << 22          # the largest record holds an input of 2 MiB as base64; what is behind this is dropped


class LineCutter:
    """Cuts a stream into lines, in time linear in its bytes however they arrive."""

    def __init__(self):
        self.begun = bytearray()        # the line whose end has not come

    def feed(self, chunk):
        """The lines that this chunk ends, without their ends."""
        first, *others = chunk.split(b"\n")
        self._keep(first)
        for part in others:
            yield self.take()
            self._keep(part)

    def take(self):
        line, self.begun = bytes(self.begun), bytearray()
        return line.rstrip(b"\r")

    def _keep(self, part):
        self.begun += part[:LONGEST_LINE - len(self.begun)]


def _logged(log, chunk):
    """The log, or nothing once it cannot be written: closing it says why, and the machine is still heard."""
    try:
        if log:
            log.write(chunk)
            log.flush()
        return log
    except OSError:
        return None


def pump(read, log, started, lines, heard=lambda seconds: None):
    """Until `read` gives b"": (seconds since `started`, a line without its end) into the queue, then None.

    `heard` is called for each piece of a line: a long one takes its time."""
    cutter = LineCutter()
    for chunk in iter(read, b""):
        log = _logged(log, chunk)
        now = time.monotonic() - started
        heard(now)
        for line in cutter.feed(chunk):
            lines.put((now, line))
    if cutter.begun:
        lines.put((time.monotonic() - started, cutter.take()))
    lines.put(None)
