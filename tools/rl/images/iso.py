"""The hybrid CD image, made of the disk image by xorriso: El Torito for BIOS and UEFI, and both again as a disk.

Boot sector and stage1 count sectors from the medium's beginning, in units of 512 bytes, so the same bytes serve a CD
and a USB stick; where on the medium they lie is only known when xorriso is done, and is written in then.
"""
import os
import subprocess
import tempfile
from pathlib import Path

from tools.rl.common import MISSING, Stop
from tools.rl.images import disk_image, fat

EPOCH = "315532800"             # 1 January 1980: the same files give the same bytes
FOR_BIOS, FOR_UEFI = "raclette.bios", "raclette.esp"
CD_SECTOR = 2048


def _run_xorriso(folder, output):
    argv = ["xorriso", "-as", "mkisofs", "-quiet", "-V", "RACLETTE", "-o", str(output),
            "-b", FOR_BIOS, "-no-emul-boot", "-boot-load-size", "4",
            "--efi-boot", FOR_UEFI, "-efi-boot-part", "--efi-boot-image", "--protective-msdos-label",
            "--modification-date=1980010100000000", "--set_all_file_dates", "=" + EPOCH, str(folder)]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, env=dict(os.environ, SOURCE_DATE_EPOCH=EPOCH))
    except FileNotFoundError:
        raise Stop(MISSING, "xorriso is not on PATH (Debian: xorriso)")
    if done.returncode:
        raise disk_image.Problem(f"xorriso failed: {done.stderr.strip()}")


def make(disk):
    """The CD image that holds what this disk image holds."""
    for_bios = disk_image.part_for_bios(disk)
    with tempfile.TemporaryDirectory(prefix="raclette-iso-") as folder:
        root, output = Path(folder) / "root", Path(folder) / "out.iso"
        root.mkdir()
        (root / FOR_BIOS).write_bytes(for_bios)
        (root / FOR_UEFI).write_bytes(fat.make(disk_image.EFI_FILE, disk_image.efi_of(disk), 0))
        _run_xorriso(root, output)
        iso = bytearray(output.read_bytes())
    at = iso.index(for_bios[:CD_SECTOR])
    placed = disk_image.moved(for_bios, at // disk_image.SECTOR)
    iso[at:at + len(placed)] = placed
    iso[:disk_image.STAGE0_BYTES] = placed[:disk_image.STAGE0_BYTES]      # as a disk's boot sector, too
    return bytes(iso)
