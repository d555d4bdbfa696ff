// guest/program.cpp — see program.h.
#include "guest/program.h"

#include "guest/codes.h"

namespace guest {

namespace {

rstate::Result<void> check_static(const boot::Elf &elf) {
    if (elf.has_interpreter())
        return FAIL(unsupported_target, "the target is linked dynamically: link it with -static");
    if (elf.position_independent())
        return FAIL(unsupported_target, "the target is position independent: link it with -static -no-pie");
    return rstate::done();
}

} // namespace

rstate::Result<u64> Program::slots_needed(Bytes file) {
    const boot::Elf elf = TRY(boot::Elf::parse(file), "reading the target");
    TRY(check_static(elf), "checking what kind of program the target is");
    const boot::SymbolTable table = TRY(elf.symbols(), "finding the target's symbols");
    return Symbols::slots_needed(table);
}

rstate::Result<Program> Program::make(Bytes file, Span<Function> slots) {
    const boot::Elf elf = TRY(boot::Elf::parse(file), "reading the target");
    TRY(check_static(elf), "checking what kind of program the target is");
    const Symbols symbols = TRY(Symbols::make(elf, slots), "reading the target's functions");
    if (symbols.named("LLVMFuzzerTestOneInput") == nullptr)
        return FAIL(no_harness, "the target has no function LLVMFuzzerTestOneInput", symbols.count());
    const GuestLayout layout = TRY(GuestLayout::make(elf), "laying out the target's memory");
    const LinuxLibrary library = TRY(LinuxLibrary::find(elf), "finding the target's library of system calls");
    return Program(elf, symbols, layout, library);
}

} // namespace guest
