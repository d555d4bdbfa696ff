"""The font: both PSF formats give the same glyphs, and a screen drawn with them reads back."""
import struct
import unittest

from tests.qemu.screen import text_of
from tools.rl.building import font


def glyph(code):
    """Of its own for each character; the space is empty."""
    return bytes([code & 0xFF] * 16) if code != 32 else bytes(16)


ORDER = [*range(127, -1, -1), *range(128, 256)]      # in the file, glyphs stand as the font likes


def psf1():
    lists = b"".join(struct.pack("<HH", code, 0xFFFF) for code in ORDER)
    return font.PSF1 + bytes([2, 16]) + b"".join(map(glyph, ORDER)) + lists


def psf2():
    lists = b"".join(chr(code).encode() + b"\xff" for code in ORDER)
    return font.PSF2 + struct.pack("<7I", 0, 32, 1, 256, 16, 16, 8) + b"".join(map(glyph, ORDER)) + lists


class FontTest(unittest.TestCase):
    def test_both_formats_give_each_character_its_glyph(self):
        for data in (psf1(), psf2()):
            self.assertEqual(font.ascii_glyphs(data), b"".join(map(glyph, range(128))))

    def test_what_is_no_font_or_of_another_size_is_refused(self):
        with self.assertRaises(ValueError):
            font.ascii_glyphs(b"not a font")
        with self.assertRaises(ValueError):
            font.ascii_glyphs(font.PSF2 + struct.pack("<7I", 0, 32, 1, 1, 8, 8, 8) + b"\x01" * 8 + b"A\xff")

    def test_a_screen_drawn_with_it_reads_back(self):
        table = font.ascii_glyphs(psf2())
        lines = ["7 fuzzing", "x = {1}"]
        rows = [bytes((table[ord(c) * 16 + y] >> bit & 1) * 170 for c in line.ljust(10) for bit in range(7, -1, -1))
                for line in lines for y in range(16)]
        ppm = b"P6\n80 32\n255\n" + b"".join(bytes([v, v, v]) for row in rows for v in row)
        self.assertEqual(text_of(ppm, table), lines)
