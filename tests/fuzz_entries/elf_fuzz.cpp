// tests/fuzz_entries/elf_fuzz.cpp — any bytes as an ELF file: refused, or readable in every accessor.
#include "boot/formats/elf.h"
#include "guest/program.h"

namespace {

void walk(const boot::Elf &elf) {
    u64 sum = elf.program_headers();
    for (u32 i = 0; i < elf.segment_count(); ++i)
        for (const u8 byte : elf.segment(i).bytes) sum += byte;
    auto symbols = elf.symbols();
    if (symbols.ok())
        for (u64 i = 0; i < symbols.value().count(); ++i) sum += symbols.value().at(i).name.size();
    rstate::handled(std::move(symbols));
    asm volatile("" : : "r"(sum)); // every byte is read
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8 *data, usize size) {
    auto elf = boot::Elf::parse({data, size});
    if (elf.ok()) walk(elf.value());
    rstate::handled(std::move(elf));
    static guest::Function slots[256];
    auto program = guest::Program::make({data, size}, slots);
    if (program.ok()) {
        u64 found = 0;
        program.value().each_random_instruction([&](u64 address) { found += address; });
        for (const guest::Region &region : program.value().layout().regions())
            CHECK(region.size != 0 && region.physical.page_aligned(), "a planned region is whole pages",
                  found);
    }
    rstate::handled(std::move(program));
    CHECK(rstate::frames_in_use(0) == 0, "every error was released");
    return 0;
}
