"""Reads the little of an ELF64 file that the lint and the debugger need: segments, sections, relocations, symbols."""
import struct
from typing import NamedTuple

PT_LOAD, PT_DYNAMIC = 1, 2
SHT_RELA, SHT_REL, SHT_RELR = 4, 9, 19
SHT_SYMTAB = 2
DT_TEXTREL, DT_FLAGS, DF_TEXTREL = 22, 30, 4
PF_X, PF_W = 1, 2
R_X86_64_RELATIVE = 8


class Segment(NamedTuple):
    kind: int
    flags: int
    offset: int
    address: int
    file_size: int
    memory_size: int


class Section(NamedTuple):
    name: str
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int


class Elf:
    """A whole ELF64 file in memory; ValueError when it is none."""

    def __init__(self, data):
        if data[:6] != b"\x7fELF\x02\x01":
            raise ValueError("not a little-endian ELF64 file")
        self.data = data
        self.entry, phoff, shoff = struct.unpack_from("<QQQ", data, 24)
        phentsize, phnum, shentsize, shnum, shstrndx = struct.unpack_from("<5H", data, 54)
        self.segments = []
        for i in range(phnum):
            kind, flags, offset, address, _, file_size, memory_size, _ = struct.unpack_from(
                "<IIQQQQQQ", data, phoff + i * phentsize)
            self.segments.append(Segment(kind, flags, offset, address, file_size, memory_size))
        raw = [struct.unpack_from("<IIQQQQIIQQ", data, shoff + i * shentsize) for i in range(shnum)]
        names = raw[shstrndx][4] if raw else 0
        self.sections = [Section(self._string(names + r[0]), r[1], r[2], r[3], r[4], r[5], r[6]) for r in raw]

    def _string(self, at):
        return self.data[at:self.data.index(b"\0", at)].decode(errors="replace")

    def relocation_types(self):
        """Types of all relocations that remain for the loader (RELR entries are relative by definition)."""
        types = set()
        for section in self.sections:
            if section.kind == SHT_RELA:
                for at in range(section.offset, section.offset + section.size, 24):
                    types.add(struct.unpack_from("<Q", self.data, at + 8)[0] & 0xFFFFFFFF)
            elif section.kind == SHT_REL:
                types.add(-1)
        return types

    def has_text_relocations(self):
        for segment in self.segments:
            if segment.kind == PT_DYNAMIC:
                for at in range(segment.offset, segment.offset + segment.file_size, 16):
                    tag, value = struct.unpack_from("<QQ", self.data, at)
                    if tag == DT_TEXTREL or (tag == DT_FLAGS and value & DF_TEXTREL):
                        return True
        return False

    def symbols(self):
        """(name, value, section index) of every symbol."""
        for section in self.sections:
            if section.kind == SHT_SYMTAB:
                names = self.sections[section.link].offset
                for at in range(section.offset + 24, section.offset + section.size, 24):
                    name, _, _, index, value, _ = struct.unpack_from("<IBBHQQ", self.data, at)
                    yield self._string(names + name), value, index

    def undefined(self):
        return [name for name, _, index in self.symbols() if index == 0 and name]

    def section(self, name):
        return next((s for s in self.sections if s.name == name), None)


def lint(data, name, relocatable):
    """Complaints about what our loaders cannot take. `relocatable`: its loader knows relative relocations."""
    elf = Elf(data)
    complaints = []
    for segment in elf.segments:
        if segment.kind == PT_LOAD and segment.flags & PF_W and segment.flags & PF_X:
            complaints.append(f"{name}: the segment at {segment.address:#x} is writable and executable")
    others = elf.relocation_types() - ({R_X86_64_RELATIVE} if relocatable else set())
    if others:
        complaints.append(f"{name}: relocations other than R_X86_64_RELATIVE: types {sorted(others)}")
    if elf.has_text_relocations():
        complaints.append(f"{name}: relocations in read-only segments")
    for bad in (".init_array", ".ctors", ".preinit_array"):
        section = elf.section(bad)
        if section and section.size:
            complaints.append(f"{name}: {bad} is not empty: a global has a constructor that would have to run")
    undefined = elf.undefined()
    if undefined:
        complaints.append(f"{name}: undefined symbols: {', '.join(undefined[:5])}")
    return complaints
