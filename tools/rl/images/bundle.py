"""The bundle: one archive behind the kernel with options, target, seeds, dictionary, corpus and a replay input.

    python3 -m tools.rl.images.bundle OUT key=value... --file=NAME:PATH...
"""
import struct
import sys
from pathlib import Path

from tools.rl.common import write_atomically
from tools.rl.images import dictionary
from tools.rl.images.xxhash import xxh64

MAGIC = b"RLBUNDL1"
VERSION = 1
HEADER = struct.Struct("<8sIIQQQ")
ENTRY = struct.Struct("<48sQQQ")
ALIGN = 16
NAME_BYTES = 47                 # and one NUL


def options_text(options):
    """One key=value a line, in the order given; a key whose value is None is left out."""
    return "".join(f"{key}={value}\n" for key, value in options.items() if value is not None).encode()


def content(name, data, path):
    """What the bundle holds of a file of these bytes: a dictionary's tokens, any other file as it is."""
    return dictionary.prepared(data, path) if name == "dict" else data


def fitting(name):
    """A name's bytes as the directory has room for them: a long file name is replaced by its hash."""
    raw = name.encode(errors="surrogateescape")
    folder, slash, file = raw.partition(b"/")
    return folder + slash + f"{xxh64(file):016x}".encode() if slash and len(raw) > NAME_BYTES else raw


def make(entries):
    """The archive of (name, bytes) pairs, in their order."""
    at = HEADER.size + ENTRY.size * len(entries)
    directory, body = [], []
    for name, data in entries:
        raw = fitting(name)
        if not 0 < len(raw) <= NAME_BYTES:
            raise ValueError(f"a bundle entry's name is 1 to {NAME_BYTES} bytes: {name!r}")
        gap = -at % ALIGN
        at += gap
        directory.append(ENTRY.pack(raw, at, len(data), xxh64(data)))
        body += [bytes(gap), data]
        at += len(data)
    table = b"".join(directory)
    return HEADER.pack(MAGIC, VERSION, len(entries), at, xxh64(table), 0) + table + b"".join(body)


def parse(data):
    """[(name, bytes)] of an archive; ValueError says what is wrong with it."""
    magic, version, count, total, table_hash, _ = HEADER.unpack_from(data, 0)
    if magic != MAGIC or version != VERSION or total > len(data):
        raise ValueError("not a bundle, or cut short")
    table = data[HEADER.size:HEADER.size + count * ENTRY.size]
    if xxh64(table) != table_hash:
        raise ValueError("the bundle's directory is damaged")
    entries = []
    for raw, offset, length, digest in ENTRY.iter_unpack(table):
        name, content = raw.rstrip(b"\0").decode(errors="surrogateescape"), data[offset:offset + length]
        if xxh64(content) != digest:
            raise ValueError(f"the bundle's entry {name} is damaged")
        entries.append((name, content))
    return entries


def main(arguments):
    if not arguments or arguments[0].startswith("-"):
        return __doc__
    output, *rest = arguments
    files = [word[len("--file="):].split(":", 1) for word in rest if word.startswith("--file=")]
    options = dict(word.split("=", 1) for word in rest if not word.startswith("--file="))
    entries = [("options", options_text(options))]
    entries += [(name, content(name, Path(path).read_bytes(), path)) for name, path in files]
    write_atomically(output, make(entries))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
