"""The package: loader, stage2, kernel and bundle as one piece (boot/contract/package.h), and the ELF file around it."""
import struct

from tools.rl.images.disk_image import Layout, Part, Problem, build_id_of, stamped
from tools.rl.images.xxhash import xxh64

PAGE = 4096
HEADER_MAGIC = b"RLLD"
STAGE2_OFFSET = 24              # in the package's header: how far behind it stage2 lies
PVH_ENTRY = 0x64                # and its entry for PVH (loader/entry.asm)
STAGE2_MEMORY = 20              # where stage2's header says how much memory it occupies


def paged(size):
    return -(-size // PAGE) * PAGE


def compose(loader, stage2, kernel, bundle):
    """The package's bytes."""
    if stage2[16:20] != b"RLS2":
        raise Problem("stage2 has no RLS2 at offset 16")
    build_id = build_id_of(stage2, kernel)
    kernel = stamped(kernel, build_id)
    second = bytearray(stage2)
    struct.pack_into("<Q", second, 8, build_id)
    stage2_at = paged(len(loader))
    memory = paged(stage2_at + struct.unpack_from("<I", stage2, STAGE2_MEMORY)[0])
    kernel_at = memory
    bundle_at = kernel_at + paged(len(kernel))

    package = bytearray(bundle_at + paged(len(bundle)))
    places = (("loader", 0, loader), ("stage2", stage2_at, second), ("kernel", kernel_at, kernel),
              ("bundle", bundle_at, bundle))
    for _, at, data in places:
        package[at:at + len(data)] = data
    struct.pack_into("<Q4sI", package, 8, build_id, HEADER_MAGIC, memory)
    fields = [word for _, at, data in places[1:] for word in (at, len(data), xxh64(bytes(data)))]
    struct.pack_into("<9Q", package, 24, *fields)
    return bytes(package)


def find(data):
    """Where in a file the package begins: the stages' own magic, on a page."""
    for at in range(0, len(data), PAGE):
        if data[at + 16:at + 20] == HEADER_MAGIC:
            return at
    raise Problem("there is no package in this file")


def layout_of(data):
    """Reads a file's Layout back, as the loader does."""
    at = find(data)
    build_id, = struct.unpack_from("<Q", data, at + 8)
    fields = struct.unpack_from("<9Q", data, at + 24)
    parts = tuple(Part(name, (at + fields[i]) // 512, fields[i + 1], f"{fields[i + 2]:016x}")
                  for name, i in (("stage2", 0), ("kernel", 3), ("bundle", 6)))
    return Layout(build_id, parts, len(data))


def with_bundle(package, bundle):
    """The same package with another bundle, which is its last part."""
    at, = struct.unpack_from("<Q", package, 24 + 6 * 8)
    fresh = bytearray(package[:at] + bundle + bytes(-len(bundle) % PAGE))
    struct.pack_into("<QQ", fresh, 24 + 7 * 8, len(bundle), xxh64(bundle))
    return bytes(fresh)


XEN_PHYS32_ENTRY = 18           # Xen's public/elfnote.h: the entry of the PVH way
PT_LOAD, PT_NOTE = 1, 4


def elf(_, package):
    """An ELF64 program with one segment, the package, and a PVH note; its entry is Multiboot2's."""
    load_at, pvh, multiboot2 = struct.unpack_from("<III", package, 0x60)
    note = struct.pack("<III4sI", 4, 4, XEN_PHYS32_ENTRY, b"Xen\0", load_at + pvh)
    note_at = 64 + 2 * 56
    header = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 2, 62, 1, load_at + multiboot2, 64, 0, 0, 64, 56,
                         2, 0, 0, 0)
    load = struct.pack("<IIQQQQQQ", PT_LOAD, 7, PAGE, load_at, load_at, len(package), len(package), PAGE)
    noted = struct.pack("<IIQQQQQQ", PT_NOTE, 4, note_at, 0, 0, len(note), len(note), 4)
    first = header + load + noted + note
    return first + bytes(PAGE - len(first)) + package


EFI_SIZE_OF_IMAGE, EFI_SECTION_SIZES = 0x90, 0x100


def efi(head, package):
    """A PE32+ program and the package in one section, at file offsets that are their addresses."""
    head = bytearray(head + bytes(-len(head) % PAGE))
    size = len(head) + len(package)
    struct.pack_into("<I", head, EFI_SIZE_OF_IMAGE, size)
    struct.pack_into("<III", head, EFI_SECTION_SIZES, size - PAGE, PAGE, size - PAGE)
    return bytes(head) + package


PXE_BUILD_ID = 8


def pxe(program, package):
    """The network bootstrap program, which takes no raclette.lkrn of another build than this package."""
    build_id, = struct.unpack_from("<Q", package, 8)
    return program[:PXE_BUILD_ID] + struct.pack("<Q", build_id) + program[PXE_BUILD_ID + 8:]


LINUX_SYSSIZE, LINUX_INIT_SIZE = 0x1F4, 0x260


def lkrn(head, package):
    """A Linux kernel: setup and package."""
    head = bytearray(head)
    struct.pack_into("<I", head, LINUX_SYSSIZE, len(package) // 16)
    struct.pack_into("<I", head, LINUX_INIT_SIZE, len(package))
    return bytes(head) + package
