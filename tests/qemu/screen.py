"""Reads the screen of a machine: a picture through the monitor, and its text by comparing with the font's glyphs."""
import re
import time

from tests.qemu import sample_targets
from tests.runner.scenario import Scenario
from tools.rl.building.font import GLYPHS, HEIGHT
from tools.rl.common import BUILD
from tools.rl.machines.monitor import Monitor
from tools.rl.machines.qemu import Machine

WIDTH = 8
SECONDS = 40                    # until the line is there


def pixels_of(ppm):
    """(width, rows of "is lit") of a picture as QEMU's screendump writes it."""
    _, size, _, data = re.match(rb"(P6)\n(\d+ \d+)\n(255)\n(.*)", ppm, re.S).groups()
    width, height = map(int, size.split())
    lit = bytes(1 if value else 0 for value in data[1::3])
    return width, [lit[y * width:(y + 1) * width] for y in range(height)]


def text_of(ppm, font):
    """The screen's lines; a cell that holds no glyph of the font reads as a black box."""
    characters = {}
    for code in range(GLYPHS - 1, 31, -1):
        glyph = font[code * HEIGHT:(code + 1) * HEIGHT]
        characters[b"".join(bytes((row >> bit) & 1 for bit in range(7, -1, -1)) for row in glyph)] = chr(code)
    width, rows = pixels_of(ppm)
    lines = []
    for top in range(0, len(rows) - HEIGHT + 1, HEIGHT):
        cells = (b"".join(row[x:x + WIDTH] for row in rows[top:top + HEIGHT])
                 for x in range(0, width - WIDTH + 1, WIDTH))
        lines.append("".join(characters.get(cell, "\u25a0") for cell in cells).rstrip())
    return lines


class Shows:
    """Lines that the screen must come to show, all at once, besides the serial line."""
    stops = True                # the run, once they are there

    def __init__(self, *patterns):
        self.patterns = patterns

    def arguments(self, folder):
        return Monitor.arguments(folder / "qmp")

    def lines(self, monitor, folder):
        picture = folder / "screen.ppm"
        monitor.human(f"screendump {picture}")
        return text_of(picture.read_bytes(), (BUILD / "font.bin").read_bytes())

    def run(self, session, folder):
        monitor, lines = Monitor(folder / "qmp"), []
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            lines = self.lines(monitor, folder)
            if all(any(re.search(pattern, line) for line in lines) for pattern in self.patterns):
                self.stop(session)
                return ""
            time.sleep(0.5)
        self.stop(session)
        return "the screen does not show it; it shows:\n" + "\n".join(line for line in lines if line)


    def stop(self, session):
        if self.stops:
            session.stop()


class ShowsText(Shows):
    """The same where the screen is VGA text: its cells, read out of memory."""

    CELLS, COLUMNS, ROWS = 0xB8000, 80, 25

    def lines(self, monitor, folder):
        dump = monitor.human(f"xp /{self.COLUMNS * self.ROWS}hx {self.CELLS:#x}")
        cells = [int(word, 16) & 0xFF for row in dump.splitlines() for word in row.partition(":")[2].split()]
        text = "".join(chr(cell) if 32 <= cell < 127 else " " for cell in cells)
        return [text[at:at + self.COLUMNS].rstrip() for at in range(0, len(text), self.COLUMNS)]


class ShowsTextUntilItEnds(ShowsText):
    """Of a machine without a serial line: it cannot be asked to stop, so its cases end the run."""
    stops = False


# The block of figures, all of it at once; with a crash its three lines.
STATUS = (r"^exec/s +[1-9][\d,]* +execs +[\d,]+$", r"^edges +[\d,]+ of [\d,]+ +new edge +\d:\d\d:\d\d ago$",
          r"^crashes +\d+ bugs?, [\d,]+ crashes +last crash +", r"^corpus +[\d,]+ +timeouts +\d+, out of memory \d+$",
          r"^-- 2 cores, \d:\d\d:\d\d")
LAST_CRASH = (r"^error target\.heap-buffer-overflow on core \d",
              r"^  read of 1 bytes at 0x\w+, 0 bytes after an 8-byte",
              r"^    #0 0x\w+ in LLVMFuzzerTestOneInput")
SCREENS = [
    Scenario("the BIOS's screen shows each numbered line and how the run goes", Machine(vga="std"), options={"seed": 1},
             timeout=60, monitor=lambda: ShowsText(r"^4 stage2: build", r"^6 kernel at 0x", r"^7 fuzzing stb_image",
                                                 *STATUS)),
    Scenario("the screen shows the last crash in three lines", Machine(vga="std"), options={"seed": 1}, timeout=60,
             elf=sample_targets.built(sample_targets.OVERFLOWS), seeds=False,
             entries=(("seed/good", b"x"), ("seed/bad", b"C")), monitor=lambda: ShowsText(*STATUS[:2], *LAST_CRASH)),
    Scenario("the screen shows each numbered line without a serial port", Machine(vga="std", serial=False),
             options={"seed": 1, "cases": 12000}, timeout=240,
             monitor=lambda: ShowsTextUntilItEnds(r"^6 kernel at 0x", r"^7 fuzzing stb_image", *STATUS)),
    Scenario("UEFI's screen shows each numbered line and how the run goes",
             Machine(machine="q35", disk="virtio", firmware="uefi"), options={"seed": 1}, timeout=100,
             monitor=lambda: Shows(r"^3 loader: started by UEFI", r"^4 stage2: build", r"^6 kernel at 0x",
                                 r"^7 fuzzing stb_image", *STATUS)),
]
