// boot/formats/elf.cpp — see elf.h. Field names are those of the System V ABI, chapters 4 "Object Files" and
// 5 "Program Loading and Dynamic Linking", and of the x86-64 supplement.
#include "boot/formats/elf.h"

#include "boot/formats/bytes.h"
#include "boot/formats/codes.h"

namespace boot {

namespace {

struct FileHeader {
    u32 ei_magic;
    u8 ei_class, ei_data, ei_version, ei_osabi;
    u64 ei_padding;
    u16 e_type, e_machine;
    u32 e_version;
    u64 e_entry, e_phoff, e_shoff;
    u32 e_flags;
    u16 e_ehsize, e_phentsize, e_phnum, e_shentsize, e_shnum, e_shstrndx;
};
struct ProgramHeader {
    u32 p_type, p_flags;
    u64 p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align;
};
struct SectionHeader {
    u32 sh_name, sh_type;
    u64 sh_flags, sh_addr, sh_offset, sh_size;
    u32 sh_link, sh_info;
    u64 sh_addralign, sh_entsize;
};
struct SymbolEntry {
    u32 st_name;
    u8 st_info, st_other;
    u16 st_shndx;
    u64 st_value, st_size;
};
static_assert(sizeof(FileHeader) == 64 && sizeof(ProgramHeader) == 56 && sizeof(SectionHeader) == 64);
static_assert(sizeof(SymbolEntry) == 24);

constexpr u32 pt_load = 1, pt_interpreter = 3;
constexpr u32 pf_execute = 1, pf_write = 2, pf_read = 4;
constexpr u64 lower_half_end = 1ul << 47;

bool inside(Bytes file, u64 offset, u64 count, u64 each) {
    u64 size = 0;
    return mul_checked(count, each, size) && file.holds(offset, size);
}

ProgramHeader program_header(Bytes file, u64 table, u32 index) {
    ProgramHeader header{};
    CHECK(load(file, table + index * sizeof(header), header), "parse() saw all program headers", index);
    return header;
}

SectionHeader section_header(Bytes file, u64 table, u32 index) {
    SectionHeader header{};
    CHECK(load(file, table + index * sizeof(header), header), "symbols() saw all section headers", index);
    return header;
}

rstate::Result<void> check_identity(const FileHeader &h) {
    constexpr u32 magic = 0x464c457f; // 0x7f "ELF"
    if (h.ei_magic != magic)
        return FAIL(elf_malformed, "the file does not begin with the ELF magic number", u64{h.ei_magic});
    if (h.ei_class != 2) return FAIL(elf_unsupported, "the ELF file is not 64-bit", u64{h.ei_class});
    if (h.ei_data != 1 || h.e_machine != 62)
        return FAIL(elf_unsupported, "the ELF file is not for x86-64", u64{h.e_machine});
    if (h.e_type != 2 && h.e_type != 3)
        return FAIL(elf_unsupported, "the ELF file is not a program (is it an object file or a core dump?)",
                    u64{h.e_type});
    return rstate::done();
}

} // namespace

rstate::Result<Elf> Elf::parse(Bytes file) {
    FileHeader header{};
    if (!load(file, 0, header))
        return FAIL(elf_malformed, "the file ends inside its ELF header", file.size());
    TRY(check_identity(header), "reading the ELF header");
    if (header.e_phnum == 0 || header.e_phentsize != sizeof(ProgramHeader) ||
        !inside(file, header.e_phoff, header.e_phnum, sizeof(ProgramHeader)))
        return FAIL(elf_malformed, "the program headers are missing, of another size, or outside the file",
                    header.e_phoff, u64{header.e_phnum}, file.size());
    Elf elf(file);
    elf.position_independent_ = header.e_type == 3;
    elf.entry_ = header.e_entry;
    elf.segments_at_ = header.e_phoff;
    elf.segment_count_ = header.e_phnum;
    elf.sections_at_ = header.e_shoff;
    elf.section_count_ = header.e_shentsize == sizeof(SectionHeader) ? header.e_shnum : 0;
    TRY(elf.check_segments(), "checking the ELF segments");
    return elf;
}

rstate::Result<void> Elf::check_segments() {
    bool entry_found = false;
    for (u32 i = 0; i < segment_count_; ++i) {
        const ProgramHeader header = program_header(file_, segments_at_, i);
        if (!file_.holds(header.p_offset, header.p_filesz))
            return FAIL(elf_malformed, "a segment lies outside the file", u64{i}, header.p_offset,
                        header.p_filesz);
        const Segment s = segment(i);
        has_interpreter_ |= s.kind == SegmentKind::interpreter;
        if (s.kind != SegmentKind::load || s.memory_size == 0) continue;
        TRY(check_load(s, header.p_align, header.p_offset), "checking a loadable segment", u64{i}, s.address,
            s.memory_size);
        if (end_ == 0) start_ = s.first_page();
        end_ = s.end_page();
        entry_found |= s.executable && entry_ >= s.address && entry_ < s.end();
    }
    if (end_ == 0) return FAIL(elf_malformed, "the ELF file has no loadable segment");
    if (!entry_found) return FAIL(elf_malformed, "the entry point is in no executable segment", entry_);
    return rstate::done();
}

rstate::Result<void> Elf::check_load(const Segment &s, u64 alignment, u64 offset) {
    u64 end = 0;
    if (!add_checked(s.address, s.memory_size, end) || end > lower_half_end - page_size)
        return FAIL(elf_malformed, "the segment does not end in the lower half of the address space");
    if (s.bytes.size() > s.memory_size)
        return FAIL(elf_malformed, "the segment has more bytes in the file than in memory", s.bytes.size());
    if ((alignment & (alignment - 1)) != 0 || (alignment > 1 && !is_aligned(s.address - offset, alignment)))
        return FAIL(elf_malformed, "the segment is not aligned as it claims", alignment, offset);
    if (end_ != 0 && s.first_page() < end_)
        return FAIL(elf_malformed, "the segment overlaps or shares a page with one before it", end_);
    if (s.writable && s.executable)
        return FAIL(elf_unsupported, "the segment is both writable and executable");
    return rstate::done();
}

Segment Elf::segment(u32 index) const {
    CHECK(index < segment_count_, "a segment's index is below segment_count()", index);
    const ProgramHeader header = program_header(file_, segments_at_, index);
    Segment s;
    if (header.p_type == pt_load) s.kind = SegmentKind::load;
    if (header.p_type == pt_interpreter) s.kind = SegmentKind::interpreter;
    s.readable = (header.p_flags & pf_read) != 0;
    s.writable = (header.p_flags & pf_write) != 0;
    s.executable = (header.p_flags & pf_execute) != 0;
    s.address = header.p_vaddr;
    s.memory_size = header.p_memsz;
    s.bytes = file_.sub(header.p_offset, header.p_filesz);
    return s;
}

u64 Elf::program_headers() const {
    for (u32 i = 0; i < segment_count_; ++i) {
        const ProgramHeader header = program_header(file_, segments_at_, i);
        const u64 size = segment_count_ * sizeof(ProgramHeader);
        if (header.p_type == pt_load && header.p_offset <= segments_at_ && header.p_filesz >= size &&
            segments_at_ - header.p_offset <= header.p_filesz - size)
            return header.p_vaddr + (segments_at_ - header.p_offset);
    }
    return 0;
}

bool Elf::is_code(u64 address) const {
    for (u32 i = 0; i < segment_count_; ++i) {
        const Segment s = segment(i);
        if (s.kind == SegmentKind::load && s.executable && address >= s.address && address < s.end())
            return true;
    }
    return false;
}

u64 SymbolTable::count() const { return entries_.size() / sizeof(SymbolEntry); }

Symbol SymbolTable::at(u64 index) const {
    SymbolEntry entry{};
    CHECK(load(entries_, index * sizeof(entry), entry), "a symbol's index is below count()", index);
    Symbol symbol;
    if (entry.st_name < names_.size()) symbol.name = Text::from_field(names_.from(entry.st_name));
    symbol.address = entry.st_value;
    symbol.size = entry.st_size;
    const u8 kind = entry.st_info & 15;
    symbol.kind = kind <= 2 ? static_cast<Symbol::Kind>(kind) : Symbol::Kind::other;
    symbol.defined = entry.st_shndx != 0;
    return symbol;
}

rstate::Result<SymbolTable> Elf::symbols() const {
    if (!inside(file_, sections_at_, section_count_, sizeof(SectionHeader)))
        return FAIL(elf_malformed, "the section headers lie outside the file", sections_at_,
                    u64{section_count_});
    for (u32 i = 0; i < section_count_; ++i) {
        const SectionHeader table = section_header(file_, sections_at_, i);
        if (table.sh_type != 2) continue; // SHT_SYMTAB
        if (table.sh_link >= section_count_)
            return FAIL(elf_malformed, "the symbol table names a section that is not there",
                        u64{table.sh_link});
        const SectionHeader names = section_header(file_, sections_at_, table.sh_link);
        if (!file_.holds(table.sh_offset, table.sh_size) || !file_.holds(names.sh_offset, names.sh_size))
            return FAIL(elf_malformed, "the symbols or their names lie outside the file", table.sh_offset,
                        table.sh_size, names.sh_offset, names.sh_size);
        return SymbolTable(file_.sub(table.sh_offset, table.sh_size),
                           file_.sub(names.sh_offset, names.sh_size));
    }
    return FAIL(elf_no_symbols, "the ELF file has no symbol table (was it stripped?)");
}

} // namespace boot
