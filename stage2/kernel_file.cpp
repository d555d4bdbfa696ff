// stage2/kernel_file.cpp — see kernel_file.h. Field names: System V ABI, chapters 4 "Object Files" and
// 5 "Program Loading and Dynamic Linking".
#include "stage2/kernel_file.h"

#include "boot/formats/bytes.h"
#include "boot/formats/codes.h"
#include "boot/formats/relr.h"

namespace stage2 {

namespace {

struct FileHeader {
    u32 ei_magic;
    u8 ei_class, ei_data, ei_rest[2];
    u64 build_id; // in place of EI_ABIVERSION and the padding; written by the image tool
    u16 e_type, e_machine;
    u32 e_version;
    u64 e_entry, e_phoff, e_shoff;
    u32 e_flags;
    u16 e_ehsize, e_phentsize, e_phnum, e_rest[3];
};
struct ProgramHeader {
    u32 p_type, p_flags;
    u64 p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align;
};
struct DynamicEntry {
    u64 d_tag, d_val;
};
static_assert(sizeof(FileHeader) == 64 && sizeof(ProgramHeader) == 56 && sizeof(DynamicEntry) == 16);

constexpr u32 elf_magic = 0x464c457f;
constexpr u16 et_dyn = 3, em_x86_64 = 62;
constexpr u32 pt_load = 1, pt_dynamic = 2;
constexpr u32 pf_execute = 1, pf_write = 2;
constexpr u64 dt_rela = 7, dt_rel = 17, dt_relrsz = 35, dt_relr = 36;
constexpr u64 largest_image = 64_MiB; // chosen: far above its size

const FileHeader &header(MutableBytes file) { return *reinterpret_cast<const FileHeader *>(file.data()); }
const ProgramHeader &part(MutableBytes file, u32 index) {
    return reinterpret_cast<const ProgramHeader *>(file.data() + header(file).e_phoff)[index];
}

bool is_kernel_image(MutableBytes file) {
    if (file.size() < sizeof(FileHeader)) return false;
    const FileHeader &h = header(file);
    return h.ei_magic == elf_magic && h.ei_class == 2 && h.ei_data == 1 && h.e_type == et_dyn &&
           h.e_machine == em_x86_64 && is_aligned(h.e_phoff, 8) &&
           file.holds(h.e_phoff, h.e_phnum * sizeof(ProgramHeader));
}

} // namespace

rstate::Result<KernelFile> KernelFile::parse(MutableBytes file) {
    if (!is_kernel_image(file))
        return FAIL(boot::damaged, "not a 64-bit position-independent ELF file for x86-64", file.size());
    KernelFile kernel(file);
    for (u32 i = 0; i < kernel.part_count(); ++i) {
        const ProgramHeader &p = part(file, i);
        if (!file.holds(p.p_offset, p.p_filesz) || p.p_filesz > p.p_memsz || p.p_memsz > largest_image ||
            p.p_vaddr > largest_image || (p.p_type == pt_load && p.p_vaddr / page_size < kernel.pages_))
            return FAIL(boot::damaged, "a segment of the kernel has an impossible place or size", i,
                        p.p_vaddr, p.p_memsz);
        if (p.p_type != pt_load) continue;
        kernel.pages_ = kernel.segment(i).end_page() / page_size;
        if ((p.p_flags & pf_execute) != 0) kernel.text_bytes_ = kernel.pages_ * page_size;
    }
    if (kernel.entry() >= kernel.text_bytes_)
        return FAIL(boot::damaged, "the kernel's entry point is outside its code", kernel.entry(),
                    kernel.text_bytes_);
    return kernel;
}

u64 KernelFile::build_id() const { return header(file_).build_id; }
u64 KernelFile::entry() const { return header(file_).e_entry; }
u32 KernelFile::part_count() const { return header(file_).e_phnum; }
bool KernelFile::is_loaded(u32 index) const { return part(file_, index).p_type == pt_load; }

KernelFile::Segment KernelFile::segment(u32 index) const {
    const ProgramHeader &p = part(file_, index);
    return {p.p_vaddr, p.p_vaddr + p.p_memsz, Bytes(file_.sub(p.p_offset, p.p_filesz)),
            (p.p_flags & pf_write) != 0, (p.p_flags & pf_execute) != 0};
}

MutableBytes KernelFile::at(u64 address, u64 size) const {
    for (u32 i = 0; i < part_count(); ++i) {
        const ProgramHeader &p = part(file_, i);
        if (p.p_type != pt_load || address < p.p_vaddr) continue;
        const MutableBytes bytes = file_.sub(p.p_offset, p.p_filesz);
        if (bytes.holds(address - p.p_vaddr, size)) return bytes.sub(address - p.p_vaddr, size);
    }
    return {};
}

rstate::Result<> KernelFile::relocate(u64 base) {
    u64 table = 0, size = 0;
    for (u32 i = 0; i < part_count(); ++i) {
        const ProgramHeader &p = part(file_, i);
        if (p.p_type != pt_dynamic) continue;
        DynamicEntry entry{};
        for (u64 at = 0; boot::load(file_.sub(p.p_offset, p.p_filesz), at, entry); at += sizeof entry) {
            if (entry.d_tag == dt_rela || entry.d_tag == dt_rel)
                return FAIL(boot::damaged, "the kernel has relocations that are not RELR", entry.d_tag);
            if (entry.d_tag == dt_relr) table = entry.d_val;
            if (entry.d_tag == dt_relrsz) size = entry.d_val;
        }
    }
    const MutableBytes packed = at(table, size);
    if (packed.size() != size || !is_aligned(reinterpret_cast<u64>(packed.data()), 8))
        return FAIL(boot::damaged, "the relocation table lies outside the kernel", table, size);
    u64 outside = 0;
    boot::for_each_relr({reinterpret_cast<const u64 *>(packed.data()), packed.size() / 8}, [&](u64 address) {
        const MutableBytes word = at(address, sizeof(u64));
        u64 pointer = 0;
        if (!boot::load(word, 0, pointer)) return void(++outside);
        pointer += base;
        __builtin_memcpy(word.data(), &pointer, sizeof pointer);
    });
    if (outside != 0) return FAIL(boot::damaged, "relocated words outside the kernel", outside);
    return {};
}

} // namespace stage2
