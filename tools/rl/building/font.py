"""The console's font: the ASCII glyphs of a console font in Debian's psf-unifont, 16 bytes each.

    python3 -m tools.rl.building.font OUT FONT.psf.gz
"""
import gzip
import struct
import sys

from tools.rl.common import write_atomically

FONT = "/usr/share/consolefonts/Unifont-APL8x16.psf.gz"
GLYPHS, HEIGHT = 128, 16
PSF1, PSF2 = b"\x36\x04", b"\x72\xb5\x4a\x86"


def _psf1(data):
    """(glyphs, the characters of each). A glyph's list of characters ends with FFFF."""
    mode, height = data[2], data[3]
    count = 512 if mode & 1 else 256
    glyphs = [data[4 + i * height:4 + (i + 1) * height] for i in range(count)]
    lists = struct.unpack(f"<{(len(data) - 4 - count * height) // 2}H", data[4 + count * height:])
    characters = [[]]
    for word in lists:
        if word == 0xFFFF:
            characters.append([])
        else:
            characters[-1].append(word)
    return glyphs, characters


def _psf2(data):
    """The same of the newer format: the lists are UTF-8 and end with FF."""
    _, header, _, count, size, _, _ = struct.unpack_from("<7I", data, 4)
    glyphs = [data[header + i * size:header + (i + 1) * size] for i in range(count)]
    lists = data[header + count * size:].split(b"\xff")
    return glyphs, [[ord(c) for c in raw.decode(errors="replace")] for raw in lists]


def ascii_glyphs(data):
    """The bytes of the characters 0 to 127; those that the font lacks are empty."""
    if data[:4] == PSF2:
        glyphs, characters = _psf2(data)
    elif data[:2] == PSF1:
        glyphs, characters = _psf1(data)
    else:
        raise ValueError("not a PSF font")
    table = [bytes(HEIGHT)] * GLYPHS
    for glyph, codes in zip(glyphs, characters):
        for code in codes:
            if code < GLYPHS:
                table[code] = glyph
    if any(len(glyph) != HEIGHT for glyph in table):
        raise ValueError(f"its glyphs are not 8 by {HEIGHT}")
    return b"".join(table)


def main(arguments):
    output, font = arguments
    try:
        write_atomically(output, ascii_glyphs(gzip.open(font).read()))
    except (OSError, ValueError) as problem:
        return f"{font}: {problem}"
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
