"""Reads the little of an ELF64 file that the lint and the debugger need: segments, sections, relocations, symbols."""
import struct
from typing import NamedTuple

PT_LOAD, PT_DYNAMIC = 1, 2
SHT_RELA, SHT_REL, SHT_RELR = 4, 9, 19
SHT_SYMTAB = 2
DT_TEXTREL, DT_FLAGS, DF_TEXTREL = 22, 30, 4
PF_X, PF_W = 1, 2
R_X86_64_RELATIVE = 8
LONGEST_NAME = 1 << 14


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
    """A whole ELF64 file in memory; ValueError when it is none, or when what is asked for lies outside of it."""

    def __init__(self, data):
        if data[:6] != b"\x7fELF\x02\x01":
            raise ValueError("not a little-endian ELF64 file")
        self.data = data
        self.entry, phoff, shoff = self._unpack("<QQQ", 24)
        phentsize, phnum, shentsize, shnum, shstrndx = self._unpack("<5H", 54)
        self.segments = []
        for i in range(phnum):
            kind, flags, offset, address, _, file_size, memory_size, _ = self._unpack(
                "<IIQQQQQQ", phoff + i * phentsize)
            self.segments.append(Segment(kind, flags, offset, address, file_size, memory_size))
        raw = [self._unpack("<IIQQQQIIQQ", shoff + i * shentsize) for i in range(shnum)]
        if raw and shstrndx >= len(raw):
            raise ValueError("the ELF file has no names of sections")
        names = raw[shstrndx][4] if raw else 0
        self.sections = [Section(self._string(names + r[0]), r[1], r[2], r[3], r[4], r[5], r[6]) for r in raw]

    def _unpack(self, layout, at):
        if at + struct.calcsize(layout) > len(self.data):
            raise ValueError("a part of the ELF file lies outside of it")
        return struct.unpack_from(layout, self.data, at)

    def _string(self, at):
        """A name, cut: any number of symbols may share one that is as long as the file."""
        end = self.data.find(b"\0", at, at + LONGEST_NAME)
        if end < 0 and at + LONGEST_NAME > len(self.data):
            raise ValueError("a name in the ELF file lies outside of it")
        return self.data[at:end if end >= 0 else at + LONGEST_NAME].decode(errors="replace")

    def content(self, section):
        """The section's bytes."""
        if section.offset + section.size > len(self.data):
            raise ValueError(f"the section {section.name} lies outside of the ELF file")
        return self.data[section.offset:section.offset + section.size]

    def relocation_types(self):
        """Types of all relocations that remain for the loader (RELR entries are relative by definition)."""
        types = set()
        for section in self.sections:
            if section.kind == SHT_RELA:
                for at in range(section.offset, section.offset + section.size, 24):
                    types.add(self._unpack("<Q", at + 8)[0] & 0xFFFFFFFF)
            elif section.kind == SHT_REL:
                types.add(-1)
        return types

    def has_text_relocations(self):
        for segment in self.segments:
            if segment.kind == PT_DYNAMIC:
                for at in range(segment.offset, segment.offset + segment.file_size, 16):
                    tag, value = self._unpack("<QQ", at)
                    if tag == DT_TEXTREL or (tag == DT_FLAGS and value & DF_TEXTREL):
                        return True
        return False

    def symbols(self):
        """(name, value, section index) of every symbol."""
        for section in self.sections:
            if section.kind == SHT_SYMTAB:
                if section.link >= len(self.sections):
                    raise ValueError("the symbols of the ELF file have no names")
                names = self.sections[section.link].offset
                for at in range(section.offset + 24, section.offset + section.size, 24):
                    name, _, _, index, value, _ = self._unpack("<IBBHQQ", at)
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
