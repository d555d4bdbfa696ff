"""Progress lines: one line that is rewritten on a terminal; a new line now and then in a log."""
import sys
import time

SECONDS_BETWEEN_LINES = 30      # in a log


class Progress:
    """`name: 12 of 170 files`, for as long as the `with` block runs."""

    def __init__(self, name, total, unit, stream=None, now=time.monotonic):
        self.name, self.total, self.unit = name, total, unit
        self.stream, self.now = stream or sys.stdout, now
        self.rewrite = self.stream.isatty()
        self.done, self.width, self.next_line = 0, 0, now() + SECONDS_BETWEEN_LINES

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.clear()

    def clear(self):
        """Removes the line, so that something else can be printed."""
        if self.width:
            self.stream.write("\r" + " " * self.width + "\r")
            self.stream.flush()
            self.width = 0

    def set(self, done, total=None):
        self.done, self.total = done, self.total if total is None else total
        text = f"{self.name}: {self.done} of {self.total} {self.unit}"
        if self.rewrite:
            self.stream.write("\r" + text.ljust(self.width))
            self.width = len(text)
        elif self.now() >= self.next_line:
            self.next_line = self.now() + SECONDS_BETWEEN_LINES
            self.stream.write(text + "\n")
        self.stream.flush()
