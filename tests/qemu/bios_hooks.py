"""BIOS hooks: routines before the BIOS's own, put into memory and interrupt table when the boot sector begins."""
import struct
import subprocess
import tempfile
from pathlib import Path

from tests.qemu.monitors import AtBootSector

PLACE = 0x80000                 # no stage uses memory from here on; iPXE lies higher

# It goes on to the BIOS's own by `jmp chain`, or calls it by `call bios`, and ends by `retf 2`, which keeps the flags.
ROUTINE = """
bits 16
        jmp     near begin
old:    dd      OLD
bios:   pushf
        call    far [cs:old]
        ret
chain:  jmp     far [cs:old]
begin:
"""


def assembled(source, old):
    with tempfile.TemporaryDirectory(prefix="raclette-hook-") as folder:
        path = Path(folder)
        (path / "hook.asm").write_text(ROUTINE + source)
        subprocess.run(["nasm", "-f", "bin", f"-DOLD={old:#x}", "-o", path / "hook.bin", path / "hook.asm"], check=True,
                       capture_output=True)
        return (path / "hook.bin").read_bytes()


def before(interrupt, source):
    """A monitor that puts this routine before the BIOS's own."""
    def change(port):
        old = int.from_bytes(port.read(4 * interrupt, 4), "little")
        port.write(PLACE, assembled(source, old))
        port.write(4 * interrupt, (PLACE // 16 << 16).to_bytes(4, "little"))
    return lambda: AtBootSector(change)


def sector_size(size):
    """AH=48h returns success and this sector size."""
    return before(0x13, f"""
        cmp     ah, 0x48
        jne     chain
        call    bios
        mov     word [si + 0x18], {size}
        clc
        retf    2
""")


# AH=48h returns success and writes nothing; both stages' buffers held 4096 there before.
NO_SECTOR_SIZE = before(0x13, """
        cmp     ah, 0x48
        je      .asked
        mov     word [0x618], 4096
        jmp     chain
.asked: xor     ah, ah
        clc
        retf    2
""")


def memory_map(entries, entry_bytes=24):
    """INT 15h AX=E820h returns these (base, length, type, attributes), in this order, as so many bytes each."""
    table = b"".join(struct.pack("<QQII", *entry) for entry in entries)
    return before(0x15, f"""
        cmp     ax, 0xE820
        jne     chain
        push    si
        push    di
        imul    si, bx, 24
        add     si, table
        mov     cx, {entry_bytes}
        cs rep movsb
        pop     di
        pop     si
        inc     bx
        cmp     bx, {len(entries)}
        jb      .more
        xor     ebx, ebx
.more:  mov     eax, edx                ; "SMAP"
        mov     ecx, {entry_bytes}
        clc
        retf    2
table:  db      {", ".join(map(str, table))}
""")


# Every third read of more than one sector reads one alone, writes that count into the packet, and returns success.
PARTIAL_READS = before(0x13, """
        cmp     ah, 0x42
        jne     chain
        cmp     word [si + 2], 1
        je      chain
        inc     byte [cs:reads]
        cmp     byte [cs:reads], 3
        jne     .whole
        mov     byte [cs:reads], 0
        mov     word [si + 2], 1
.whole: call    bios
        retf    2
reads:  db      2
""")
