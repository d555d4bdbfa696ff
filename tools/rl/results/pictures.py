"""The README's pictures, of a real run: docs/live_view.svg of its terminal, docs/report.png of its report.

`python3 -m tools.rl.results.pictures` fuzzes stb_image in QEMU for a minute and a half and writes both.
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
from pathlib import Path

from tools.rl.common import MISSING, OK, ROOT, SYSTEM_FAILED, Stop, write_atomically

COLUMNS, ROWS = 80, 24
SECONDS = 90
RUN = ("run", "--cpus", "2", "--seed", "1", "--seconds", str(SECONDS), "--exit-zero", "--out", "out/stb_image")
RULE = "─" * (COLUMNS - 1)
ADVANCE, LINE, PADDING, FONT = 8.4, 18, 14, 14      # pixels: a character, a line, the border, the font's size
BROWSER = "chromium"
WINDOW = "1000,1160"            # pixels of the report that are shown
STEP = re.compile(r"\x1b\[(\d+)F|\x1b\[J|\n|[^\x1b\n]+")


class Terminal:
    """A screen that knows what the live view writes: text, new lines, so many lines up, and erase from here."""

    def __init__(self):
        self.rows = [""]
        self.at = 0             # the cursor's row; it is always at the row's end or beginning

    def _next_row(self):
        self.at += 1
        if self.at == len(self.rows):
            self.rows.append("")
        if len(self.rows) > ROWS:
            self.rows.pop(0)
            self.at -= 1

    def _write(self, text):
        while len(self.rows[self.at] + text) > COLUMNS:
            room = COLUMNS - len(self.rows[self.at])
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
            elif step[0] == "\n":
                self._next_row()
            else:
                self._write(step[0])
        yield list(self.rows)


def live_screen(text):
    """The last screen with a block of statistics on it."""
    shown = [rows for rows in Terminal().screens(text)
             if rows.count(RULE) == 2 and any(row.startswith("exec/s ") for row in rows)]
    if not shown:
        raise Stop(SYSTEM_FAILED, "the run has drawn no live view: " + text[-500:])
    return shown[-1]


def svg(rows):
    """The screen as text in a picture; each row is as long as its characters in a terminal, whatever font there is."""
    width, height = COLUMNS * ADVANCE + 2 * PADDING, len(rows) * LINE + 2 * PADDING
    lines = [f'<text x="{PADDING}" y="{PADDING + (n + 1) * LINE - 4}" textLength="{len(row) * ADVANCE:.1f}" '
             f'lengthAdjust="spacingAndGlyphs" xml:space="preserve">{html.escape(row)}</text>'
             for n, row in enumerate(row.rstrip() for row in rows) if row]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}">'
    font = f'font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="{FONT}"'
    return "\n".join((head, '<rect width="100%" height="100%" rx="8" fill="#1b1f24"/>', f'<g {font} fill="#d5dae0">',
                      *lines, "</g></svg>", ""))


def run_at_a_terminal(folder):
    """Everything that a run writes to a terminal of this size; its results are in the folder."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environment = dict(os.environ, COLUMNS=str(COLUMNS), LINES=str(ROWS), PYTHONUNBUFFERED="1")
    process = subprocess.Popen([sys.executable, ROOT / "build.py", *RUN], cwd=folder, stdout=theirs, env=environment)
    os.close(theirs)
    said = b""
    try:
        while chunk := os.read(ours, 1 << 16):
            said += chunk
    except OSError:
        pass                    # how a pseudo-terminal says that its other end is closed
    os.close(ours)
    if process.wait() != OK:
        raise Stop(SYSTEM_FAILED, "the run failed: " + said.decode(errors="replace")[-1000:])
    return said.decode().replace("\r\n", "\n")


def picture_of_page(page, picture, folder):
    """A picture of the page's upper part, by a browser without a window."""
    argv = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
            f"--user-data-dir={folder}/browser", f"--window-size={WINDOW}", f"--screenshot={picture}", page.as_uri()]
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
        text = run_at_a_terminal(folder)
        write_atomically(ROOT / "docs/live_view.svg", svg(live_screen(text)))
        picture = Path(folder) / "report.png"
        page = Path(folder) / "out/stb_image/report.html"
        write_atomically(page, without_places(page.read_text(), folder))
        picture_of_page(page, picture, folder)
        write_atomically(ROOT / "docs/report.png", picture.read_bytes())
    print("written: docs/live_view.svg, docs/report.png")
    return OK


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Stop as stop:
        sys.exit(f"pictures: {stop}")
