#!/usr/bin/env python3
"""targets/stb_image/make_seeds.py: writes seeds/, one small valid file for each format that stb_image reads.

Everything is encoded here, byte for byte, without any library, so that every machine makes the same files.
"""
import os
import struct

WIDTH, HEIGHT = 10, 6


def pixel(x, y, frame=0):
    """A picture with gradients, a flat corner and some noise, so that run lengths and literals both occur."""
    if x < 6 and y < 3:
        return 200, 40, 40
    return (x * 25 + frame * 40) % 256, (y * 40) % 256, (x * y * 17 + frame) % 256


def rows(frame=0):
    return [[pixel(x, y, frame) for x in range(WIDTH)] for y in range(HEIGHT)]


def rgb(picture):
    return bytes(value for row in picture for colour in row for value in colour)


class Bits:
    """A stream of bits: deflate and GIF fill bytes from the lowest bit up, JPEG from the highest bit down."""

    def __init__(self, highest_first=False):
        self.bits, self.highest_first = [], highest_first

    def put(self, value, count, highest_first):
        order = range(count - 1, -1, -1) if highest_first else range(count)
        self.bits += [value >> i & 1 for i in order]

    def data(self, padding):
        bits = self.bits + [padding] * (-len(self.bits) % 8)
        weights = [128 >> i for i in range(8)] if self.highest_first else [1 << i for i in range(8)]
        return bytes(sum(w * b for w, b in zip(weights, bits[i:i + 8])) for i in range(0, len(bits), 8))


# --- PNG ------------------------------------------------------------------------------------------------------------

def crc32(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xedb88320 if crc & 1 else 0)
    return crc ^ 0xffffffff


def adler32(data):
    a, b = 1, 0
    for byte in data:
        a = (a + byte) % 65521
        b = (b + a) % 65521
    return b << 16 | a


def put_literal(out, symbol):
    """A symbol of deflate's fixed Huffman code."""
    if symbol < 144:
        out.put(0x30 + symbol, 8, True)
    elif symbol < 256:
        out.put(0x190 + symbol - 144, 9, True)
    elif symbol < 280:
        out.put(symbol - 256, 7, True)
    else:
        out.put(0xc0 + symbol - 280, 8, True)


def deflate(data):
    """One block with the fixed code: literals, and matches of 3 to 10 bytes from up to 4 bytes back."""
    out = Bits()
    out.put(1, 1, False)
    out.put(1, 2, False)
    at = 0
    while at < len(data):
        best, back = 0, 0
        for distance in range(1, min(4, at) + 1):
            length = 0
            while length < 10 and at + length < len(data) and data[at + length] == data[at + length - distance]:
                length += 1
            if length > best:
                best, back = length, distance
        if best >= 3:
            put_literal(out, 254 + best)
            out.put(back - 1, 5, True)
            at += best
        else:
            put_literal(out, data[at])
            at += 1
    put_literal(out, 256)
    return b'\x78\x01' + out.data(0) + struct.pack('>I', adler32(data))


def png():
    def chunk(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', crc32(kind + data))

    lines, above = b'', bytes(WIDTH * 3)
    for y, row in enumerate(rows()):
        line = rgb([row])
        left = bytes(3) + line[:-3]
        kind = y % 4  # the filters none, sub, up and average in turn
        by = [bytes(len(line)), left, above, bytes((a + b) // 2 for a, b in zip(left, above))][kind]
        lines += bytes([kind]) + bytes((a - b) % 256 for a, b in zip(line, by))
        above = line
    header = struct.pack('>IIBBBBB', WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + chunk(b'IDAT', deflate(lines)) + chunk(b'IEND', b'')


# --- JPEG -----------------------------------------------------------------------------------------------------------

AC_SYMBOLS = [0x00, 0x01, 0x02, 0x03, 0x11, 0x12, 0x21, 0xf0]


def jpeg():
    """16 x 16, three components, colour at half the resolution, one restart interval; coefficients made up."""
    def segment(marker, data):
        return struct.pack('>BBH', 0xff, marker, len(data) + 2) + data

    def table(kind, symbols):  # all codes have four bits; at most 15, since the all-ones code is not allowed
        return bytes([kind]) + bytes([0, 0, 0, len(symbols)] + [0] * 12) + bytes(symbols)

    dc = list(range(9))
    out = Bits(highest_first=True)

    def put_number(value, size):
        out.put(value if value >= 0 else value + (1 << size) - 1, size, True)

    def put_block(difference, coefficients):
        size = abs(difference).bit_length()
        out.put(dc.index(size), 4, True)
        put_number(difference, size)
        for skip, value in coefficients:
            size = abs(value).bit_length()
            out.put(AC_SYMBOLS.index(skip << 4 | size), 4, True)
            put_number(value, size)
        out.put(AC_SYMBOLS.index(0x00), 4, True)

    for block in range(4):  # the four luminance blocks of the one unit, then the two of colour
        put_block([60, -25, 10, -90][block], [(0, 5), (0, -3), (1, 1 + block % 2), (0, -1)])
    put_block(-30, [(0, 6), (2, 1)])
    put_block(45, [(1, -1)])
    scan = out.data(1).replace(b'\xff', b'\xff\x00')
    quantiser = bytes([0] + [2 + i // 4 for i in range(64)])
    frame = struct.pack('>BHHB', 8, 16, 16, 3) + bytes([1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0])
    return (b'\xff\xd8' + segment(0xe0, b'JFIF\0\1\1\0\0\1\0\1\0\0') + segment(0xdb, quantiser) +
            segment(0xc0, frame) + segment(0xc4, table(0x00, dc)) + segment(0xc4, table(0x10, AC_SYMBOLS)) +
            segment(0xdd, b'\0\4') + segment(0xda, bytes([3, 1, 0, 2, 0, 3, 0, 0, 63, 0])) + scan + b'\xff\xd9')


# --- GIF ------------------------------------------------------------------------------------------------------------

def lzw(indices, bits):
    clear, end = 1 << bits, (1 << bits) + 1
    out, size = Bits(), bits + 1
    table, following = {(i,): i for i in range(clear)}, end + 1
    out.put(clear, size, False)
    prefix = ()
    for index in indices:
        if prefix + (index,) in table:
            prefix += (index,)
            continue
        out.put(table[prefix], size, False)
        table[prefix + (index,)] = following
        if following == 1 << size:
            size += 1
        following += 1
        prefix = (index,)
    out.put(table[prefix], size, False)
    out.put(end, size, False)
    return out.data(0)


def gif():
    """Three frames: disposals 0, 1 and 2, the second with a transparent colour, the third smaller and interlaced."""
    palette = bytes(v for i in range(8) for v in (i * 36, 255 - i * 30, i * 17 % 256))
    out = b'GIF89a' + struct.pack('<HHBBB', WIDTH, HEIGHT, 0xf2, 1, 0) + palette
    frames = [(0, 0, WIDTH, HEIGHT, 0, 0), (0, 0, WIDTH, HEIGHT, 1, 1), (2, 1, 7, 5, 2, 0)]
    for number, (left, top, width, height, disposal, transparent) in enumerate(frames):
        indices = [(x // 3 + y * number) % 8 for y in range(height) for x in range(width)]
        data = lzw(indices, 3)
        out += b'\x21\xf9\x04' + struct.pack('<BHBB', disposal << 2 | transparent, 5 + number, 2, 0)
        out += b'\x2c' + struct.pack('<HHHHB', left, top, width, height, 0x40 if number == 2 else 0)
        out += bytes([3, len(data)]) + data + b'\0'
    return out + b'\x3b'


# --- the plain ones -------------------------------------------------------------------------------------------------

def bmp():
    padding = bytes(-WIDTH * 3 % 4)
    lines = b''.join(bytes(v for r, g, b in row for v in (b, g, r)) + padding for row in reversed(rows()))
    header = struct.pack('<IiiHHIIiiII', 40, WIDTH, HEIGHT, 1, 24, 0, len(lines), 2835, 2835, 0, 0)
    return b'BM' + struct.pack('<IHHI', 54 + len(lines), 0, 0, 54) + header + lines


def pack_bits(line):
    """Photoshop's run lengths."""
    out, at = b'', 0
    while at < len(line):
        run = 1
        while at + run < len(line) and run < 128 and line[at + run] == line[at]:
            run += 1
        if run > 1:
            out += bytes([257 - run, line[at]])
        else:
            out += bytes([0, line[at]])
        at += run
    return out


def psd():
    planes = [[pack_bits(bytes(colour[c] for colour in row)) for row in rows()] for c in range(3)]
    lengths = b''.join(struct.pack('>H', len(line)) for plane in planes for line in plane)
    data = b''.join(line for plane in planes for line in plane)
    header = b'8BPS' + struct.pack('>H6sHIIHH', 1, bytes(6), 3, HEIGHT, WIDTH, 8, 3)
    return header + struct.pack('>III', 0, 0, 0) + struct.pack('>H', 1) + lengths + data


def pic():
    """Softimage: one packet of three channels, mixed run lengths."""
    out = b'\x53\x80\xf6\x34' + struct.pack('>f', 3.0) + b'a seed'.ljust(80, b'\0') + b'PICT'
    out += struct.pack('>HHfHH', WIDTH, HEIGHT, 1.0, 3, 0) + bytes([0, 8, 2, 0xe0])
    for row in rows():
        flat = 6 if row[0] == row[5] else 1
        out += bytes([127 + flat]) + bytes(row[0]) if flat > 1 else bytes([0]) + bytes(row[0])
        rest = row[flat:]
        out += bytes([len(rest) - 1]) + rgb([rest])
    return out


def pnm():
    return b'P6\n# a seed\n%d %d\n255\n' % (WIDTH, HEIGHT) + rgb(rows())


def hdr():
    """Radiance with run lengths, which need a width of at least 8."""
    out = b'#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y %d +X %d\n' % (HEIGHT, WIDTH)
    for row in rows():
        out += bytes([2, 2, WIDTH >> 8, WIDTH & 255])
        for channel in range(4):
            values = bytes(colour[channel] if channel < 3 else 129 for colour in row)
            flat = 6 if len(set(values[:6])) == 1 else 0
            if flat:
                out += bytes([128 + flat, values[0]])
            out += bytes([len(values) - flat]) + values[flat:]
    return out


def tga():
    """True colour with run lengths, bottom row first."""
    out = struct.pack('<BBBHHBHHHHBB', 0, 0, 10, 0, 0, 0, 0, 0, WIDTH, HEIGHT, 24, 0)
    for row in reversed(rows()):
        flat = 6 if row[0] == row[5] else 1
        out += bytes([0x80 | flat - 1]) + bytes(reversed(row[0])) if flat > 1 else bytes([0]) + bytes(reversed(row[0]))
        rest = row[flat:]
        out += bytes([len(rest) - 1]) + bytes(v for r, g, b in rest for v in (b, g, r))
    return out


def main():
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'seeds')
    os.makedirs(folder, exist_ok=True)
    for make in (png, jpeg, bmp, gif, psd, pic, pnm, hdr, tga):
        with open(os.path.join(folder, 'seed.' + make.__name__), 'wb') as file:
            file.write(make())


if __name__ == '__main__':
    main()
