"""Other loaders: a disk that enters a package in 64-bit mode, as some loaders enter any Linux kernel."""
import struct
import subprocess
import tempfile
from pathlib import Path

from tools.rl.common import ROOT
from tools.rl.images import package

LOAD_AT = 16 << 20              # as in foreign_loader.asm


def linux_entry(_artefact):
    """boot.rst, "64-bit boot protocol": 0x200 behind the kernel's first byte."""
    return LOAD_AT + 0x200


def elf_entry(artefact):
    """The entry point from an ELF file's header."""
    return struct.unpack_from("<Q", artefact, 24)[0]


def enters(entry, levels, reserved=0):
    """(artefact) -> a disk that loads its package and goes to entry(artefact) with so many levels of paging;

    `reserved`: a page that the memory map then calls unusable.
    """
    def make(artefact):
        loaded = artefact[package.find(artefact):]
        sectors = -(-len(loaded) // 512)
        with tempfile.TemporaryDirectory(prefix="raclette-foreign-") as folder:
            first = Path(folder) / "loader.bin"
            subprocess.run(["nasm", "-f", "bin", f"-DENTRY={entry(artefact):#x}", f"-DSECTORS={sectors}",
                            f"-DLEVELS={levels}", f"-DRESERVED={reserved:#x}", "-o", first,
                            "tests/qemu/foreign_loader.asm"], check=True, cwd=ROOT,
                           capture_output=True)
            return first.read_bytes() + loaded + bytes(1 << 20)
    return make
