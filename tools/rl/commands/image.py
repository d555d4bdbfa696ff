"""`build.py image`: every artefact that boots, where the disk image's parts lie, and how to start each."""
from pathlib import Path

from tools.rl.building import builder, target_files
from tools.rl.building.progress import Progress
from tools.rl.common import BUILD, BUILTIN_TARGET, ROOT, Stop, TESTS_FAILED, USAGE, write_atomically
from tools.rl.images import artefacts, bundle, disk_image, iso
from tools.rl.images.boot_image import corpus_entries, target_entries
from tools.rl.results.outdir import inputs_in

HOW = (
    ("img", "USB stick or disk, BIOS and UEFI: sudo dd if=FILE of=/dev/sdX bs=1M conv=fsync (what is on it is lost)"),
    ("iso", "CD, BIOS and UEFI; as a disk, too"),
    ("efi", "UEFI: copy to EFI/BOOT/BOOTX64.EFI on a FAT file system, or boot it over the network"),
    ("pxe", "BIOS PXE, as the boot file; fetches raclette.lkrn by TFTP from the same folder"),
    ("lkrn", "iPXE: chain FILE; GRUB: linux FILE; SYSLINUX, kexec, QEMU: as a Linux kernel"),
    ("elf", "QEMU: qemu-system-x86_64 -cpu EPYC -m 512 -serial stdio -kernel FILE; GRUB: multiboot2 FILE"),
)


def write_iso(disk, folder):
    """Whether there is one: on a CD everything lies behind a disk image, and stage0 does not find it behind 32 MiB."""
    path = artefacts.path("iso", folder)
    try:
        write_atomically(path, iso.make(disk))
    except disk_image.Problem as problem:
        path.unlink(missing_ok=True)
        print(f"no CD image is made: {problem}")
        return False
    return True


def is_built_in(arguments):
    """Whether the images are those that the build makes, whose bundle holds no files of the target."""
    return (arguments.target, arguments.max_len, arguments.corpus, arguments.serial) == \
        (BUILTIN_TARGET, None, None, None) and \
        not target_files.brought(BUILTIN_TARGET)[0]


def corpus_of(arguments):
    if arguments.corpus is None:
        return []
    folder = Path(arguments.corpus)
    if not folder.is_dir():
        raise Stop(USAGE, f"--corpus {folder} is not a folder")
    return corpus_entries(inputs_in(folder))


def write_carrying(content, folder):
    """Every artefact as it was built, but with this bundle."""
    folder.mkdir(parents=True, exist_ok=True)
    kinds = ("img", *artefacts.MAKERS)
    with Progress("images", len(HOW), "") as progress:
        for done, kind in enumerate(kinds):
            progress.set(done)
            try:
                made = artefacts.with_bundle(kind, artefacts.path(kind).read_bytes(), content)
            except disk_image.Problem as problem:
                raise Stop(TESTS_FAILED, f"{artefacts.path(kind, folder)}: {problem}")
            write_atomically(artefacts.path(kind, folder), made)
        progress.set(len(kinds))
        write_atomically(artefacts.path("pxe", folder), artefacts.path("pxe").read_bytes())     # it carries none


def refuse(arguments):
    corpus_of(arguments)


def main(arguments):
    target = target_files.find(arguments.target)
    longest = target_files.max_len(target, arguments.max_len)
    corpus = corpus_of(arguments)
    builder.build_images()
    folder = BUILD
    if not is_built_in(arguments):
        builder.build_for(target)
        folder = BUILD / "images" / target.name
        options = {"target": target.name, "max_len": longest, "serial": arguments.serial,
                   **target_files.timeout_options(target)}
        write_carrying(bundle.make(target_entries(target, options, corpus)), folder)
    path = artefacts.path("img", folder)
    with Progress("images", len(HOW), "") as progress:
        progress.set(len(HOW) - 1)
        has_iso = write_iso(path.read_bytes(), folder)
    builder.print_ledger()
    layout = disk_image.layout_of(path.read_bytes())
    print(f"\n{path}: {layout.size} bytes, build {layout.build_id:016x}, target {target.name}")
    print(f"  {'part':8} {'sector':>8} {'bytes':>10}  XXH64")
    for part in layout.parts:
        print(f"  {part.name:8} {part.lba:8} {part.size:10}  {part.digest}")
    print("\nThe same system, by every way in:")
    for kind, how in (row for row in HOW if has_iso or row[0] != "iso"):
        print(f"  {artefacts.path(kind, folder).relative_to(ROOT)}\n      {how}")
    return 0
