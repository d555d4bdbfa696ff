"""Progress: one line that is rewritten on a terminal; a new line now and then in a log. No command is silent long."""
import contextlib
import shutil
import sys
import threading
import time

SECONDS_BETWEEN_LINES = 30      # in a log
QUIET_SECONDS = 1               # on a terminal, after which the step is named that takes so long
TICK_SECONDS = 0.5


class Screen:
    """Standard output, and below what is printed the line of the innermost step. Any thread may print."""

    def __init__(self, stream, now=time.monotonic):
        self.stream, self.now = stream, now
        self.rewrite = stream.isatty()
        self.steps = []
        self.drawn, self.at_line_start, self.spoke_at = 0, True, now()
        self.lock = threading.RLock()

    def __getattr__(self, name):
        return getattr(self.stream, name)

    def write(self, text):
        with self.lock:
            self.clear()
            self.stream.write(text)
            if text:
                self.at_line_start, self.spoke_at = text.endswith("\n"), self.now()
        return len(text)

    def clear(self):
        """Removes the line, so that something else can be printed."""
        with self.lock:
            if self.drawn:
                self.stream.write("\r" + " " * self.drawn + "\r")
                self.stream.flush()
                self.drawn = 0

    def show(self):
        with self.lock:
            text = self.steps[-1].text() if self.steps and self.at_line_start else ""
            if text and self.rewrite:
                text = text[:shutil.get_terminal_size().columns - 1]    # a second line could not be removed
                self.stream.write("\r" + text.ljust(self.drawn))
                self.drawn = len(text)
            elif text and self.now() >= self.spoke_at + SECONDS_BETWEEN_LINES:
                self.stream.write(text + "\n")
                self.spoke_at = self.now()
            self.stream.flush()

    def tick(self):
        with self.lock:
            if self.drawn or self.now() >= self.spoke_at + QUIET_SECONDS:
                self.show()


class Progress:
    """A step: `name: 12 of 170 files, 3 s`, for as long as the `with` block runs; without a name nothing is shown."""

    def __init__(self, name, total=0, unit="", stream=None, now=time.monotonic):
        self.name, self.total, self.unit, self.done, self.said = name, total, unit, 0, ""
        self.screen = Screen(stream, now) if stream else \
            sys.stdout if isinstance(sys.stdout, Screen) else Screen(sys.stdout, now)
        self.started = self.screen.now()

    def __enter__(self):
        with self.screen.lock:
            self.screen.steps.append(self)
        return self

    def __exit__(self, *_):
        with self.screen.lock:
            self.screen.steps.remove(self)
            self.screen.clear()

    def text(self):
        """What it shows now."""
        seconds = int(self.screen.now() - self.started)
        since = f", {seconds} s" if seconds >= QUIET_SECONDS and self.screen.rewrite else ""
        if self.said:
            return f"{self.said}{since}"
        return f"{self.name}: {self.done:,} of {self.total:,} {self.unit}{since}" if self.total else \
            f"{self.name} ...{since}" if self.name else ""

    def set(self, done, total=None):
        self.done, self.total = done, self.total if total is None else total
        self.screen.show()

    def say(self, text):
        """Instead of a count: a line of the program that does the step."""
        self.said = text
        self.screen.show()


def hold():
    """While another program, or a question, has the terminal."""
    return Progress("")


@contextlib.contextmanager
def watched(name):
    """Whatever a command does inside, its output never stops for long: then the step is named that it is in."""
    before, ended = sys.stdout, threading.Event()
    sys.stdout = screen = Screen(before)

    def tick():
        with contextlib.suppress(OSError, ValueError):      # the reader is gone: the command will notice
            while not ended.wait(TICK_SECONDS):
                screen.tick()
    ticker = threading.Thread(target=tick, daemon=True)
    ticker.start()
    try:
        with Progress(name):
            yield
    finally:
        ended.set()
        ticker.join()
        sys.stdout = before
