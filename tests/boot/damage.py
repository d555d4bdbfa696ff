"""Ways to break an image: each makes a function from (image bytes, Layout) to image bytes."""
import struct

from tools.rl import image as disk
from tools.rl import package
from tools.rl.xxhash import xxh32, xxh64

SECTOR = 512
STAGE1 = disk.STAGE1_LBA * SECTOR


def _part(layout, name):
    return next(part for part in layout.parts if part.name == name)


def flip(name):
    """One bit, in the middle of a part."""
    def apply(image, layout):
        part = _part(layout, name)
        broken = bytearray(image)
        broken[part.lba * SECTOR + part.size // 2] ^= 0x10
        return bytes(broken)
    return apply


def blank(name):
    """A sector in the middle of the part was never written (one that should not be zeros anyway)."""
    def apply(image, layout):
        part = _part(layout, name)
        sectors = range(part.lba, part.lba + -(-part.size // SECTOR))
        full = [n for n in sectors if any(image[n * SECTOR:(n + 1) * SECTOR])]
        start = full[len(full) // 2] * SECTOR
        return image[:start] + bytes(SECTOR) + image[start + SECTOR:]
    return apply


def cut(name):
    """The disk ends where the part should begin. (One that ends inside it SeaBIOS and QEMU read without an error.)"""
    def apply(image, layout):
        return image[:_part(layout, name).lba * SECTOR]
    return apply


def stage2_of_another_build(image, layout):
    """Intact by its hash, and by its sum stage1 that holds the hash: only the build id in stage2 is another."""
    part = _part(layout, "stage2")
    at = part.lba * SECTOR
    other = bytearray(image)
    struct.pack_into("<Q", other, at + 8, layout.build_id ^ 1)
    stage2 = bytes(other[at:at + part.size])
    if any(part.name == "stage1" for part in layout.parts):
        struct.pack_into("<I", other, STAGE1 + 0x20, xxh32(stage2))
        first = other[STAGE1:STAGE1 + disk.STAGE1_BYTES]
        struct.pack_into("<I", other, disk.STAGE1_SUM, sum(struct.unpack("<512I", first)) & 0xFFFFFFFF)
    else:
        struct.pack_into("<Q", other, package.find(image) + 24 + 2 * 8, xxh64(stage2))
    return bytes(other)


BOOT_SECTOR_CODE = 0x5A         # behind the jump and the hole for a BPB


def bpb_over_it(image, layout):
    """Firmware wrote what it takes for a BPB where FAT has one."""
    return image[:3] + bytes(range(0x80, 0x80 + BOOT_SECTOR_CODE - 3)) + image[BOOT_SECTOR_CODE:]


def wrong_drive(number):
    """As a BIOS that gives this drive number: `mov dl, number` before anything else, in the hole for a BPB."""
    def apply(image, layout):
        code = b"\xeb\x01\x90" + bytes([0xB2, number, 0xEB, BOOT_SECTOR_CODE - 7])
        return code + image[len(code):]
    return apply
