"""Corrupt images: each function here makes a function from (image bytes, Layout) to image bytes."""
import struct

from tools.rl.common import BUILD
from tools.rl.images import disk_image as disk, package
from tools.rl.images.xxhash import xxh32, xxh64
from tools.rl.results.elf import Elf, PT_LOAD

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


def _with_sum(image):
    """Stage1 was changed: stage0 must find the sum that it has now."""
    first = image[STAGE1:STAGE1 + disk.STAGE1_BYTES]
    struct.pack_into("<I", image, disk.STAGE1_SUM, sum(struct.unpack("<512I", first)) & 0xFFFFFFFF)
    return bytes(image)


def _with_stage2(image, layout, at, data):
    """Stage2 holds `data` at offset `at`, and is intact by its hash, and by its sum stage1 that holds the hash."""
    part = _part(layout, "stage2")
    first = part.lba * SECTOR
    other = bytearray(image)
    other[first + at:first + at + len(data)] = data
    stage2 = bytes(other[first:first + part.size])
    if any(part.name == "stage1" for part in layout.parts):
        struct.pack_into("<I", other, STAGE1 + 0x20, xxh32(stage2))
        return _with_sum(other)
    struct.pack_into("<Q", other, package.find(image) + 24 + 2 * 8, xxh64(stage2))
    return bytes(other)


def stage2_of_another_build(image, layout):
    """Only the build id in stage2 is another."""
    return _with_stage2(image, layout, 8, struct.pack("<Q", layout.build_id ^ 1))


UD2 = b"\x0f\x0b"
INVALID_OPCODE, PAGE_FAULT = 6, 14      # the vectors of what UD2 and READ_UNMAPPED raise
XOR_EBP_EBP = b"\x31\xed"
UNMAPPED = 1 << 40
READ_UNMAPPED = b"\x48\xa1" + struct.pack("<Q", UNMAPPED)       # mov rax, [UNMAPPED]


def _address(program, function):
    """Where this function begins; all our programs are linked at 0."""
    return next(value for name, value, _ in Elf((BUILD / f"{program}.elf").read_bytes()).symbols() if name == function)


def page_fault_in_stage2(image, layout):
    """Where it mixes entropy."""
    return _with_stage2(image, layout, _address("stage2", "_ZN11KeyedRandom3mixE4SpanIKhE"), READ_UNMAPPED)


def undefined_instruction_in_the_loader(image, _):
    """Where it reads PVH's start info: nothing checks the loader itself."""
    at = package.find(image) + _address("loader", "_ZN4boot8read_pvhEmRKNS_12PhysicalViewERNS_9StartInfoE")
    return image[:at] + UD2 + image[at + len(UD2):]


def _with_kernel(image, layout, at, data):
    """The kernel holds `data` at offset `at`, and is intact by its hash, and by its sum stage1 that holds the hash."""
    part = _part(layout, "kernel")
    first = part.lba * SECTOR
    other = bytearray(image)
    other[first + at:first + at + len(data)] = data
    struct.pack_into("<Q", other, STAGE1 + 0x48, xxh64(bytes(other[first:first + part.size])))
    return _with_sum(other)


def kernel_of_another_build(image, layout):
    """Only the build id in the kernel is another."""
    return _with_kernel(image, layout, 8, struct.pack("<Q", layout.build_id ^ 1))


def undefined_instruction(function, instead_of):
    """The kernel is intact by its hash, and holds UD2 where `function` has this instruction of two bytes."""
    def apply(image, layout):
        part = _part(layout, "kernel")
        at = part.lba * SECTOR
        kernel = image[at:at + part.size]
        address = _address("kernel", function)
        segment = next(s for s in Elf(kernel).segments if s.kind == PT_LOAD and 0 <= address - s.address < s.file_size)
        place = kernel.index(instead_of, address - segment.address + segment.offset)
        return _with_kernel(image, layout, place, UD2)
    return apply


def lkrn_of_another_build(artefact, _):
    """The build id of its package is another."""
    at = package.find(artefact) + 8
    return artefact[:at] + bytes([artefact[at] ^ 1]) + artefact[at + 1:]


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
