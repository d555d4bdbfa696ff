"""The raw disk image: stages at their sectors, kernel and bundle behind them, every part's size and hash patched in.

    python3 -m tools.rl.image OUT stage0.bin stage1.bin stage2.bin kernel.elf bundle.bin
"""
import re
import struct
import sys
from pathlib import Path
from typing import NamedTuple

from .common import write_atomically
from .xxhash import xxh32, xxh64

SECTOR = 512
STAGE1_LBA, STAGE2_LBA, KERNEL_LBA = 64, 68, 128
STAGE0_CODE = 0x1A0                     # what lies behind is patched: stage1's place and sum
STAGE0_BYTES = 0x1B8                    # then the disk's signature and the partition table
STAGE1_BYTES = (STAGE2_LBA - STAGE1_LBA) * SECTOR
STAGE2_BYTES = (KERNEL_LBA - STAGE2_LBA) * SECTOR
STAGE1_SUM = 0x1A8
PART_ALIGN = 8                          # sectors: parts begin on a page
MEBIBYTE = 1 << 20
SMALLEST = 10 * MEBIBYTE


class Part(NamedTuple):
    name: str
    lba: int
    size: int
    digest: str


class Layout(NamedTuple):
    build_id: int
    parts: tuple
    size: int


class Problem(ValueError):
    """A part does not fit its place."""


def sectors(size):
    return -(-size // SECTOR)


def padded(data, size=None):
    size = sectors(len(data)) * SECTOR if size is None else size
    return data + bytes(size - len(data))


def _put(buffer, offset, form, *values):
    struct.pack_into("<" + form, buffer, offset, *values)


def code_size(data, limit):
    """Bytes in use: all but the longest stretch of the filling that the assembler put there."""
    return limit - max((len(run) for run in re.findall(b"\xcc+", data[:limit])), default=0)


def partition_table(total_sectors):
    """One active entry of type 0xDA ("not a file system") over everything behind the boot sector."""
    entry = struct.pack("<B3sB3sII", 0x80, b"\0\x02\0", 0xDA, b"\xfe\xff\xff", 1, total_sectors - 1)
    return entry + bytes(48) + b"\x55\xaa"


def build_id_of(stage2, kernel):
    """What all stages of one build carry. The bundle has a hash of its own."""
    return xxh64(stage2 + kernel)


def _check(stage0, stage1, stage2):
    if not STAGE0_BYTES <= len(stage0) <= SECTOR:
        raise Problem(f"stage0 is {len(stage0)} bytes, must be {STAGE0_BYTES} to {SECTOR}")
    if len(stage1) > STAGE1_BYTES:
        raise Problem(f"stage1 is {len(stage1)} bytes, must be at most {STAGE1_BYTES}")
    if len(stage2) > STAGE2_BYTES:
        raise Problem(f"stage2 is {len(stage2)} bytes, must be at most {STAGE2_BYTES}")
    if stage1[4:8] != b"RLS1":
        raise Problem("stage1 has no RLS1 at offset 4")
    if stage2[16:20] != b"RLS2":
        raise Problem("stage2 has no RLS2 at offset 16")


def compose(stage0, stage1, stage2, kernel, bundle):
    """(the image's bytes, its Layout)."""
    _check(stage0, stage1, stage2)
    build_id = build_id_of(stage2, kernel)
    bundle_lba = KERNEL_LBA + -(-sectors(len(kernel)) // PART_ALIGN) * PART_ALIGN
    total = (bundle_lba + sectors(len(bundle))) * SECTOR
    total = max(SMALLEST, -(-total // MEBIBYTE) * MEBIBYTE)

    second = bytearray(padded(stage2))
    _put(second, 8, "Q", build_id)
    first = bytearray(padded(stage1, STAGE1_BYTES))
    _put(first, 0x08, "QQIIII", build_id, STAGE2_LBA, sectors(len(second)), len(second), xxh32(bytes(second)), 0)
    _put(first, 0x28, "QQQQQQ", KERNEL_LBA, len(kernel), bundle_lba, len(bundle), xxh64(kernel), xxh64(bundle))
    boot = bytearray(padded(stage0, SECTOR))
    _put(boot, 0x1A0, "QI", STAGE1_LBA, sum(struct.unpack("<512I", first)) & 0xFFFFFFFF)
    boot[0x1BE:] = partition_table(total // SECTOR)

    image = bytearray(total)
    parts = []
    for name, lba, data in (("stage0", 0, boot), ("stage1", STAGE1_LBA, first), ("stage2", STAGE2_LBA, second),
                            ("kernel", KERNEL_LBA, kernel), ("bundle", bundle_lba, bundle)):
        image[lba * SECTOR:lba * SECTOR + len(data)] = data
        parts.append(Part(name, lba, len(data), f"{xxh64(bytes(data)):016x}"))
    return bytes(image), Layout(build_id, tuple(parts), total)


def layout_of(image):
    """Reads the Layout back from an image, as the stages do."""
    stage1 = image[STAGE1_LBA * SECTOR:STAGE2_LBA * SECTOR]
    build_id, stage2_lba, _, stage2_bytes = struct.unpack_from("<QQII", stage1, 0x08)
    kernel_lba, kernel_bytes, bundle_lba, bundle_bytes = struct.unpack_from("<QQQQ", stage1, 0x28)
    places = (("stage0", 0, SECTOR), ("stage1", STAGE1_LBA, STAGE1_BYTES), ("stage2", stage2_lba, stage2_bytes),
              ("kernel", kernel_lba, kernel_bytes), ("bundle", bundle_lba, bundle_bytes))
    parts = tuple(Part(name, lba, size, f"{xxh64(image[lba * SECTOR:lba * SECTOR + size]):016x}")
                  for name, lba, size in places)
    return Layout(build_id, parts, len(image))


def with_bundle(image, bundle):
    """The same system with another bundle: what `run` boots. Only stage1's fields about it and their sum change."""
    stage1_at = STAGE1_LBA * SECTOR
    bundle_lba, = struct.unpack_from("<Q", image, stage1_at + 0x38)
    start = bundle_lba * SECTOR
    total = max(SMALLEST, -(-(start + sectors(len(bundle)) * SECTOR) // MEBIBYTE) * MEBIBYTE)
    fresh = bytearray(total)
    fresh[:start] = image[:start]
    fresh[start:start + len(bundle)] = bundle
    _put(fresh, stage1_at + 0x40, "Q", len(bundle))
    _put(fresh, stage1_at + 0x50, "Q", xxh64(bundle))
    first = fresh[stage1_at:stage1_at + STAGE1_BYTES]
    _put(fresh, STAGE1_SUM, "I", sum(struct.unpack("<512I", first)) & 0xFFFFFFFF)
    fresh[0x1BE:SECTOR] = partition_table(total // SECTOR)
    return bytes(fresh)


def main(arguments):
    if not arguments or arguments[0].startswith("-"):
        return __doc__
    output, *inputs = arguments
    try:
        image, _ = compose(*(Path(path).read_bytes() for path in inputs))
    except Problem as problem:
        return f"image: {problem}"
    write_atomically(output, image)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
