"""GUID partition tables: the protective entry of sector 0, and a primary and a backup table for each sector size.

UEFI specification 2.10, §5.3 "GUID Partition Table (GPT) Disk Layout". All addresses in a table count the disk's own
sectors, so the same image on a disk with sectors of 4096 bytes needs tables of its own. They do not meet:

    byte       512     table for 512        at the end, from the last byte:
              4096     table for 4096         512    backup for 512 (its header)
              8192     its entries           4096    backup for 4096 (its header)
             24576     entries for 512      20480    its entries
             40960     FIRST_USABLE         36864    entries for 512;  40960  BEHIND
"""
import struct
import uuid
import zlib
from typing import NamedTuple

SECTOR = 512                    # the unit of every number that comes in
ENTRIES, ENTRY_BYTES = 128, 128
TABLE_BYTES = ENTRIES * ENTRY_BYTES
FIRST_USABLE = 80
BEHIND = 80                     # sectors at the disk's end
SMALL_ENTRIES, LARGE_ENTRIES = 24576, 8192
SMALL_BACKUP, LARGE_BACKUP = 36864, 20480       # of entries, from the disk's end
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


class _View(NamedTuple):
    """The disk as one sector size sees it; the offsets are in bytes."""
    sector: int
    total: int
    entries: int
    backup: int

    def count(self, sectors):
        return sectors * SECTOR // self.sector


def _header(identity, view, table, own, other, table_at):
    fields = [b"EFI PART", 0x10000, 92, 0, 0, own, other, view.count(FIRST_USABLE), view.count(view.total - BEHIND) - 1,
              _guid(identity, 0).bytes_le, table_at // view.sector, ENTRIES, ENTRY_BYTES, zlib.crc32(table)]
    form = "<8sIIIIQQQQ16sQIII"
    fields[3] = zlib.crc32(struct.pack(form, *fields))
    return struct.pack(form, *fields)


def _entry(identity, view, number, partition):
    first, last = view.count(partition.first), view.count(partition.last + 1) - 1
    return struct.pack("<16s16sQQQ72s", partition.kind.bytes_le, _guid(identity, number).bytes_le, first, last, 0,
                       partition.name.encode("utf-16-le"))


def tables(identity, partitions, total):
    """(byte offset, bytes) of every piece of the tables of a disk of `total` sectors; all is aligned to 4096 bytes."""
    end = total * SECTOR
    pieces = []
    for view in (_View(SECTOR, total, SMALL_ENTRIES, end - SMALL_BACKUP), _View(4096, total, LARGE_ENTRIES,
                                                                               end - LARGE_BACKUP)):
        entries = b"".join(_entry(identity, view, number, p) for number, p in enumerate(partitions, 1))
        entries = entries.ljust(TABLE_BYTES, b"\0")
        last = view.count(total) - 1
        pieces += [(view.sector, _header(identity, view, entries, 1, last, view.entries)), (view.entries, entries),
                   (last * view.sector, _header(identity, view, entries, last, 1, view.backup)), (view.backup, entries)]
    return pieces


def protective(total):
    """Sector 0's partition table: one entry that keeps others away. Not active, as the specification asks."""
    entry = struct.pack("<B3sB3sII", 0, b"\0\x02\0", 0xEE, b"\xff\xff\xff", 1, min(total - 1, 0xFFFFFFFF))
    return entry + bytes(48) + b"\x55\xaa"
