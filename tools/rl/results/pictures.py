"""The pictures in docs/, of a real run: its terminal in two sizes, and its report in windows of two widths.

`python3 -m tools.rl.results.pictures` fuzzes stb_image in QEMU for a minute and a half and writes all of them. The
terminal is small at first and gets larger shortly before the end, as when a person resizes it.
"""
import fcntl
import html
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

from tools.rl.common import MISSING, OK, ROOT, SYSTEM_FAILED, Stop, write_atomically

SMALL, LARGE = (80, 24), (160, 45)      # columns and rows
SECONDS, LARGE_SECONDS = 90, 20         # of the run, and of its end in the large terminal
RUN = ("run", "--cpus", "2", "--seed", "1", "--seconds", str(SECONDS), "--exit-zero", "--out", "out/stb_image")
ADVANCE, LINE, PADDING, FONT = 8.4, 18, 14, 14      # pixels: a character, a line, the border, the font's size
BROWSER = "chromium"
WINDOWS = {"report.png": (1280, 1400), "report_400.png": (400, 1900)}       # pixels of the report that are shown
# A browser has no window of 400 pixels; a frame may have any width.
FRAME = '<!DOCTYPE html><body style="margin: 0"><iframe src="%s" style="width: %dpx; height: %dpx; border: 0"></iframe>'
CLEAR = "\x1b[H\x1b[2J"
STEP = re.compile(r"\x1b\[(\d+)F|\x1b\[J|\x1b\[H\x1b\[2J|\n|[^\x1b\n]+")


class Terminal:
    """A screen that knows what the live view writes: text, new lines, so many lines up, erase from here, and all."""

    def __init__(self, columns, height):
        self.columns, self.height = columns, height
        self.rows = [""]
        self.at = 0             # the cursor's row; it is always at the row's end or beginning

    def _next_row(self):
        self.at += 1
        if self.at == len(self.rows):
            self.rows.append("")
        if len(self.rows) > self.height:
            self.rows.pop(0)
            self.at -= 1

    def _write(self, text):
        while len(self.rows[self.at] + text) > self.columns:
            room = self.columns - len(self.rows[self.at])
            self.rows[self.at] += text[:room]
            text = text[room:]
            self._next_row()
        self.rows[self.at] += text

    def screens(self, text):
        """The screen each time before something on it is drawn over, and at the end."""
        for step in STEP.finditer(text):
            if step[1]:
                yield list(self.rows)
                self.at = max(0, self.at - int(step[1]))
            elif step[0] == "\x1b[J":
                self.rows[self.at:] = [""]
            elif step[0] == CLEAR:
                yield list(self.rows)
                self.rows, self.at = [""], 0
            elif step[0] == "\n":
                self._next_row()
            else:
                self._write(step[0])
        yield list(self.rows)


def rule(columns):
    """The block's first and last line in a terminal of this width."""
    return "─" * (columns - 1)


def live_screen(text, size):
    """The last screen with a block of statistics on it, of a terminal of this size."""
    shown = [rows for rows in Terminal(*size).screens(text)
             if rows.count(rule(size[0])) == 2 and any(row.startswith("exec/s ") for row in rows)]
    if not shown:
        raise Stop(SYSTEM_FAILED, "the run has drawn no live view: " + text[-500:])
    return shown[-1]


def svg(rows, columns):
    """The screen as text in a picture; each row is as long as its characters in a terminal, whatever font there is."""
    width, height = columns * ADVANCE + 2 * PADDING, len(rows) * LINE + 2 * PADDING
    lines = [f'<text x="{PADDING}" y="{PADDING + (n + 1) * LINE - 4}" textLength="{len(row) * ADVANCE:.1f}" '
             f'lengthAdjust="spacingAndGlyphs" xml:space="preserve">{html.escape(row)}</text>'
             for n, row in enumerate(row.rstrip() for row in rows) if row]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}">'
    font = f'font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="{FONT}"'
    return "\n".join((head, '<rect width="100%" height="100%" rx="8" fill="#1b1f24"/>', f'<g {font} fill="#d5dae0">',
                      *lines, "</g></svg>", ""))


def resize(terminal, size):
    columns, rows = size
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def run_at_a_terminal(folder):
    """What a run writes to a terminal while it is small, and from when it is large; its results are in the folder."""
    ours, theirs = pty.openpty()
    resize(theirs, SMALL)
    process = subprocess.Popen([sys.executable, ROOT / "build.py", *RUN], cwd=folder, stdout=theirs,
                               env=dict(os.environ, PYTHONUNBUFFERED="1"))
    os.close(theirs)
    said, resize_at, small = b"", float("inf"), 0
    try:
        while chunk := os.read(ours, 1 << 16):
            said += chunk
            if resize_at == float("inf") and b"exec/s " in said:
                resize_at = time.monotonic() + SECONDS - LARGE_SECONDS
            if not small and time.monotonic() > resize_at:
                small = len(said)
                resize(ours, LARGE)
    except OSError:
        pass                    # how a pseudo-terminal says that its other end is closed
    os.close(ours)
    if process.wait() != OK or not small:
        raise Stop(SYSTEM_FAILED, "the run failed: " + said.decode(errors="replace")[-1000:])
    return [part.decode(errors="replace").replace("\r\n", "\n") for part in (said[:small], said[small:])]


def picture_of_page(page, picture, folder, size):
    """A picture of the page's upper part in a window of this size, by a browser without a window."""
    frame = page.with_name("frame.html")
    write_atomically(frame, FRAME % (page.name, *size))
    argv = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
            f"--user-data-dir={folder}/browser", f"--window-size={size[0]},{size[1]}", f"--screenshot={picture}",
            frame.as_uri()]
    done = subprocess.run(argv, capture_output=True, text=True, errors="replace", timeout=120)
    if done.returncode or not picture.exists():
        raise Stop(SYSTEM_FAILED, f"{BROWSER} made no picture: {done.stderr[-500:]}")


def without_places(text, folder):
    """The page's commands as a user in a clone would type them: where the picture was made is nothing to show."""
    for place in (folder, str(ROOT)):
        text = text.replace(f"{place}/", "")
    return text


def main():
    if shutil.which(BROWSER) is None:
        raise Stop(MISSING, f"{BROWSER} is needed for the report's picture")
    with tempfile.TemporaryDirectory(prefix="raclette-pictures-") as folder:
        texts = run_at_a_terminal(folder)
        for name, text, size in zip(("live_view.svg", "live_view_160x45.svg"), texts, (SMALL, LARGE)):
            save(name, svg(live_screen(text, size), size[0]))
        page = Path(folder) / "out/stb_image/report.html"
        write_atomically(page, without_places(page.read_text(), folder))
        for name, size in WINDOWS.items():
            picture_of_page(page, Path(folder) / name, folder, size)
            save(name, (Path(folder) / name).read_bytes())
    return OK


def save(name, data):
    write_atomically(ROOT / "docs" / name, data)
    print(f"written: docs/{name}", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Stop as stop:
        sys.exit(f"pictures: {stop}")
