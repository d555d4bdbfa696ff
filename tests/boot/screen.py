"""Reads the screen of a machine: a picture through the monitor, and its text by comparing with the font's glyphs."""
import re
import time

from tools.rl.common import BUILD
from tools.rl.font import GLYPHS, HEIGHT
from tools.rl.monitor import Monitor

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
    """A line that the screen must come to show, besides the serial line."""

    def __init__(self, *patterns):
        self.patterns = patterns

    def arguments(self, folder):
        return Monitor.arguments(folder / "qmp")

    def run(self, session, folder):
        monitor = Monitor(folder / "qmp")
        font = (BUILD / "font.bin").read_bytes()
        picture, lines = folder / "screen.ppm", []
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            monitor.human(f"screendump {picture}")
            lines = text_of(picture.read_bytes(), font)
            if all(any(re.search(pattern, line) for line in lines) for pattern in self.patterns):
                session.stop()
                return ""
            time.sleep(0.5)
        session.stop()
        return "the screen does not show it; it shows:\n" + "\n".join(line for line in lines if line)
