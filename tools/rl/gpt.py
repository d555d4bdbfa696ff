"""A GUID partition table: the protective entry of sector 0, the primary table, the backup at the disk's end.

UEFI specification 2.10, §5.3 "GUID Partition Table (GPT) Disk Layout".
"""
import struct
import uuid
import zlib
from typing import NamedTuple

SECTOR = 512
ENTRIES, ENTRY_BYTES = 128, 128
TABLE_SECTORS = ENTRIES * ENTRY_BYTES // SECTOR
FIRST_USABLE = 2 + TABLE_SECTORS
BEHIND = 1 + TABLE_SECTORS      # sectors at the disk's end
BIOS_BOOT = uuid.UUID("21686148-6449-6e6f-744e-656564454649")
EFI_SYSTEM = uuid.UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")


class Partition(NamedTuple):
    kind: uuid.UUID
    first: int                  # sectors, both inclusive
    last: int
    name: str


def _guid(identity, number):
    """Unique for a build and the same in each of its images."""
    return uuid.uuid5(uuid.NAMESPACE_OID, f"raclette {identity:016x} {number}")


def _header(identity, table, own, other, total, table_at):
    fields = [b"EFI PART", 0x10000, 92, 0, 0, own, other, FIRST_USABLE, total - BEHIND - 1, _guid(identity, 0).bytes_le,
              table_at, ENTRIES, ENTRY_BYTES, zlib.crc32(table)]
    form = "<8sIIIIQQQQ16sQIII"
    fields[3] = zlib.crc32(struct.pack(form, *fields))
    return struct.pack(form, *fields).ljust(SECTOR, b"\0")


def tables(identity, partitions, total):
    """(what lies at sector 1, what lies at the last sectors) of a disk of `total` sectors."""
    entries = b"".join(
        struct.pack("<16s16sQQQ72s", p.kind.bytes_le, _guid(identity, number).bytes_le, p.first, p.last, 0,
                    p.name.encode("utf-16-le"))
        for number, p in enumerate(partitions, 1)).ljust(ENTRIES * ENTRY_BYTES, b"\0")
    primary = _header(identity, entries, 1, total - 1, total, 2) + entries
    backup = entries + _header(identity, entries, total - 1, 1, total, total - BEHIND)
    return primary, backup


def protective(total):
    """Sector 0's partition table: one entry that keeps others away. Not active, as the specification asks."""
    entry = struct.pack("<B3sB3sII", 0, b"\0\x02\0", 0xEE, b"\xff\xff\xff", 1, min(total - 1, 0xFFFFFFFF))
    return entry + bytes(48) + b"\x55\xaa"
