"""XXH32 and XXH64 (seed 0 by default), the hashes that guard the image.

Written out, so that no host tool is needed. Where xxHash's own library is installed, it hashes what is large.
"""
import ctypes
import struct

M32 = (1 << 32) - 1
M64 = (1 << 64) - 1
A1, A2, A3, A4, A5 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F, 0x165667B1
B1, B2, B3, B4, B5 = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9,
                      0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)


def xxh32(data, seed=0):
    """The 32-bit hash, for what the boot stages check."""
    size, at = len(data), 0
    if size >= 16:
        lanes = [(seed + A1 + A2) & M32, (seed + A2) & M32, seed, (seed - A1) & M32]
        at = size & ~15
        for words in struct.iter_unpack("<4I", data[:at]):
            for i, word in enumerate(words):
                lane = (lanes[i] + word * A2) & M32
                lanes[i] = ((lane << 13 | lane >> 19) * A1) & M32
        h = sum((lane << r | lane >> (32 - r)) & M32 for lane, r in zip(lanes, (1, 7, 12, 18)))
    else:
        h = seed + A5
    h = (h + size) & M32
    while at + 4 <= size:
        h = (h + struct.unpack_from("<I", data, at)[0] * A3) & M32
        h = ((h << 17 | h >> 15) * A4) & M32
        at += 4
    for byte in data[at:]:
        h = (h + byte * A5) & M32
        h = ((h << 11 | h >> 21) * A1) & M32
    h = ((h ^ h >> 15) * A2) & M32
    h = ((h ^ h >> 13) * A3) & M32
    return h ^ h >> 16


def _round64(lane, word):
    lane = (lane + word * B2) & M64
    return ((lane << 31 | lane >> 33) * B1) & M64


def _library():
    try:
        hashes = ctypes.CDLL("libxxhash.so.0").XXH64
    except (OSError, AttributeError):
        return None
    hashes.restype, hashes.argtypes = ctypes.c_uint64, (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64)
    return hashes


LARGE = 1 << 16
fast_xxh64 = _library()


def xxh64(data, seed=0):
    """The 64-bit hash: kernel, bundle, names of corpus entries."""
    if fast_xxh64 and len(data) >= LARGE:
        data = bytes(data)
        return fast_xxh64(data, len(data), seed)
    return plain_xxh64(data, seed)


def plain_xxh64(data, seed=0):
    size, at = len(data), 0
    if size >= 32:
        a, b, c, d = (seed + B1 + B2) & M64, (seed + B2) & M64, seed, (seed - B1) & M64
        at = size & ~31
        for w, x, y, z in struct.iter_unpack("<4Q", data[:at]):      # written out: this loop is all the time there is
            a = (a + w * B2) & M64
            a = ((a << 31 | a >> 33) * B1) & M64
            b = (b + x * B2) & M64
            b = ((b << 31 | b >> 33) * B1) & M64
            c = (c + y * B2) & M64
            c = ((c << 31 | c >> 33) * B1) & M64
            d = (d + z * B2) & M64
            d = ((d << 31 | d >> 33) * B1) & M64
        h = sum((lane << r | lane >> (64 - r)) & M64 for lane, r in zip((a, b, c, d), (1, 7, 12, 18))) & M64
        for lane in (a, b, c, d):
            h = ((h ^ _round64(0, lane)) * B1 + B4) & M64
    else:
        h = (seed + B5) & M64
    h = (h + size) & M64
    while at + 8 <= size:
        h ^= _round64(0, struct.unpack_from("<Q", data, at)[0])
        h = ((h << 27 | h >> 37) * B1 + B4) & M64
        at += 8
    if at + 4 <= size:
        h ^= (struct.unpack_from("<I", data, at)[0] * B1) & M64
        h = ((h << 23 | h >> 41) * B2 + B3) & M64
        at += 4
    for byte in data[at:]:
        h ^= (byte * B5) & M64
        h = ((h << 11 | h >> 53) * B1) & M64
    h = ((h ^ h >> 33) * B2) & M64
    h = ((h ^ h >> 29) * B3) & M64
    return h ^ h >> 32
