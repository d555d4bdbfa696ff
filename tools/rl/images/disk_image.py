"""The raw disk image: stages at their sectors, kernel and bundle behind them, every part's size and hash patched in.

    python3 -m tools.rl.images.disk_image OUT stage0.bin stage1.bin stage2.bin kernel.elf bundle.bin BOOTX64.EFI
"""
import re
import struct
import sys
from pathlib import Path
from typing import NamedTuple

from tools.rl.common import write_atomically
from tools.rl.images import fat, gpt
from tools.rl.images.xxhash import xxh32, xxh64

SECTOR = 512
STAGE1_LBA, STAGE2_LBA, KERNEL_LBA = 80, 88, 160     # multiples of PART_ALIGN
STAGE0_CODE = 0x1A0                     # what lies behind is patched: stage1's place and sum
STAGE0_BYTES = 0x1B8                    # then the disk's signature and the partition table
STAGE1_BYTES, STAGE2_BYTES = 4 * SECTOR, 72 * SECTOR
STAGE1_PLACE, STAGE1_SUM, PARTITIONS = 0x1A0, 0x1A8, 0x1BE      # in the boot sector
LAST_PLACE = 0xFFFF                     # stage0 has 16 bits for the sector where stage1 lies
PART_ALIGN = 8                          # sectors: parts begin on a page, and on a drive's larger sector
PARTITION_ALIGN = 2048          # sectors: a mebibyte
SMALLEST = 10 << 20
EFI_SYSTEM_ENTRY = gpt.SMALL_ENTRIES + gpt.ENTRY_BYTES
EFI_FILE = "EFI/BOOT/BOOTX64.EFI"


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


def _with_sum(image):
    """Stage1's sum beside its place in the boot sector."""
    first = image[STAGE1_LBA * SECTOR:STAGE1_LBA * SECTOR + STAGE1_BYTES]
    _put(image, STAGE1_SUM, "I", sum(struct.unpack("<512I", first)) & 0xFFFFFFFF)


def stamped(kernel, build_id):
    """The kernel as it is loaded: its build id in e_ident, behind the bytes that identify the kind of file."""
    return kernel[:8] + struct.pack("<Q", build_id) + kernel[16:]


def _complete(start, bundle_lba, bundle, efi):
    """A whole disk: what lies before the bundle, the bundle, the EFI system partition, both partition tables."""
    build_id, = struct.unpack_from("<Q", start, STAGE1_LBA * SECTOR + 8)
    system_lba = -(-(bundle_lba + sectors(len(bundle))) // PARTITION_ALIGN) * PARTITION_ALIGN
    system = fat.make(EFI_FILE, efi, system_lba)
    system_end = system_lba + sectors(len(system))
    total = max(SMALLEST // SECTOR, -(-(system_end + gpt.BEHIND) // PARTITION_ALIGN) * PARTITION_ALIGN)
    partitions = (gpt.Partition(gpt.BIOS_BOOT, STAGE1_LBA, system_lba - 1, "raclette"),
                  gpt.Partition(gpt.EFI_SYSTEM, system_lba, system_end - 1, "EFI system"))
    image = bytearray(total * SECTOR)
    places = [(0, start), (bundle_lba * SECTOR, bundle), (system_lba * SECTOR, system)]
    for at, data in places + gpt.tables(build_id, partitions, total):
        image[at:at + len(data)] = data
    image[PARTITIONS:SECTOR] = gpt.protective(total)
    first = STAGE1_LBA * SECTOR
    _put(image, first + 0x38, "QQ", bundle_lba, len(bundle))
    _put(image, first + 0x50, "Q", xxh64(bundle))
    _with_sum(image)
    return bytes(image)


def compose(stage0, stage1, stage2, kernel, bundle, efi):
    """(the image's bytes, its Layout)."""
    _check(stage0, stage1, stage2)
    build_id = build_id_of(stage2, kernel)
    kernel = stamped(kernel, build_id)
    bundle_lba = KERNEL_LBA + -(-sectors(len(kernel)) // PART_ALIGN) * PART_ALIGN

    second = bytearray(padded(stage2))
    _put(second, 8, "Q", build_id)
    first = bytearray(padded(stage1, STAGE1_BYTES))
    _put(first, 0x08, "QQIIII", build_id, STAGE2_LBA, sectors(len(second)), len(second), xxh32(bytes(second)), 0)
    _put(first, 0x28, "QQ", KERNEL_LBA, len(kernel))
    _put(first, 0x48, "Q", xxh64(kernel))
    boot = bytearray(padded(stage0, SECTOR))
    _put(boot, STAGE1_PLACE, "Q", STAGE1_LBA)

    start = bytearray(bundle_lba * SECTOR)
    for lba, data in ((0, boot), (STAGE1_LBA, first), (STAGE2_LBA, second), (KERNEL_LBA, kernel)):
        start[lba * SECTOR:lba * SECTOR + len(data)] = data
    image = _complete(bytes(start), bundle_lba, bundle, efi)
    return image, layout_of(image)


def layout_of(image):
    """Reads the Layout back from an image, of a disk or a CD, as the stages do."""
    stage1_lba, = struct.unpack_from("<Q", image, STAGE1_PLACE)
    stage1 = image[stage1_lba * SECTOR:stage1_lba * SECTOR + STAGE1_BYTES]
    build_id, stage2_lba, _, stage2_bytes = struct.unpack_from("<QQII", stage1, 0x08)
    kernel_lba, kernel_bytes, bundle_lba, bundle_bytes = struct.unpack_from("<QQQQ", stage1, 0x28)
    places = (("stage0", 0, SECTOR), ("stage1", stage1_lba, STAGE1_BYTES), ("stage2", stage2_lba, stage2_bytes),
              ("kernel", kernel_lba, kernel_bytes), ("bundle", bundle_lba, bundle_bytes))
    parts = tuple(Part(name, lba, size, f"{xxh64(image[lba * SECTOR:lba * SECTOR + size]):016x}")
                  for name, lba, size in places)
    return Layout(build_id, parts, len(image))


def part_for_bios(image):
    """What BIOS boots from: everything before the EFI system partition."""
    first, = struct.unpack_from("<Q", image, EFI_SYSTEM_ENTRY + 32)
    return image[:first * SECTOR]


def moved(start, sectors_on):
    """The part for BIOS as it must be when it lies that much further on its medium."""
    if STAGE1_LBA + sectors_on > LAST_PLACE:
        raise Problem(f"stage1 would lie at sector {STAGE1_LBA + sectors_on} of the medium, and stage0 cannot find it "
                      f"behind {LAST_PLACE}")
    fresh = bytearray(start)
    first = STAGE1_LBA * SECTOR
    for field in (first + 0x10, first + 0x28, first + 0x38):
        _put(fresh, field, "Q", struct.unpack_from("<Q", fresh, field)[0] + sectors_on)
    _put(fresh, STAGE1_PLACE, "Q", STAGE1_LBA + sectors_on)
    _with_sum(fresh)
    return bytes(fresh)


def with_bundle(image, bundle, efi):
    """The same system with another bundle, on disk and inside the EFI program."""
    bundle_lba, = struct.unpack_from("<Q", image, STAGE1_LBA * SECTOR + 0x38)
    return _complete(image[:bundle_lba * SECTOR], bundle_lba, bundle, efi)


def efi_of(image):
    """The program on the EFI system partition, which is the last thing on it."""
    first, last = struct.unpack_from("<QQ", image, EFI_SYSTEM_ENTRY + 32)
    return fat.content(EFI_FILE, image[first * SECTOR:(last + 1) * SECTOR])


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
