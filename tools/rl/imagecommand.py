"""`build.py image`: every artefact that boots, where the disk image's parts lie, and how to start each."""
from . import artefacts, build, image, iso
from .common import ROOT, TESTS_FAILED, Stop, write_atomically

HOW = (
    ("img", "USB stick or disk, BIOS and UEFI: sudo dd if=FILE of=/dev/sdX bs=1M conv=fsync (what is on it is lost)"),
    ("iso", "CD, BIOS and UEFI; as a disk, too"),
    ("efi", "UEFI: copy to EFI/BOOT/BOOTX64.EFI on a FAT file system, or boot it over the network"),
    ("pxe", "BIOS PXE, as the boot file; fetches raclette.lkrn by TFTP from the same folder"),
    ("lkrn", "iPXE: chain FILE; GRUB: linux FILE; SYSLINUX, kexec, QEMU: as a Linux kernel"),
    ("elf", "QEMU: qemu-system-x86_64 -cpu EPYC -m 512 -serial stdio -kernel FILE; GRUB: multiboot2 FILE"),
)


def write_iso(disk):
    try:
        write_atomically(artefacts.path("iso"), iso.make(disk))
    except image.Problem as problem:
        raise Stop(TESTS_FAILED, f"the CD image: {problem}")


def main(_arguments):
    path = build.require_image(build.build())
    write_iso(path.read_bytes())
    build.print_ledger()
    layout = image.layout_of(path.read_bytes())
    print(f"\n{path}: {layout.size} bytes, build {layout.build_id:016x}")
    print(f"  {'part':8} {'sector':>8} {'bytes':>10}  XXH64")
    for part in layout.parts:
        print(f"  {part.name:8} {part.lba:8} {part.size:10}  {part.digest}")
    print("\nThe same system, by every way in:")
    for kind, how in HOW:
        print(f"  {artefacts.path(kind).relative_to(ROOT)}\n      {how}")
    return 0
