// guest/program.h — a target's ELF file, checked once and shared by all cores: segments, functions, layout.
#pragma once

#include "boot/formats/elf.h"
#include "guest/brought_files.h"
#include "guest/layout.h"
#include "guest/linux_library.h"
#include "guest/symbols.h"

namespace guest {

class Program final {
  public:
    // How many slots for functions make() needs; checks no more of the file than this needs.
    static rstate::Result<u64> slots_needed(Bytes file);
    // Fails for everything but a static 64-bit program with a harness, and names the reason. File and slots
    // outlive the program.
    static rstate::Result<Program> make(Bytes file, Span<Function> slots);
    // What it is started with, beside the file itself; both outlive the program.
    Program &with(Text name, const BroughtFiles &files) {
        name_ = name, files_ = files;
        return *this;
    }

    const boot::Elf &elf() const { return elf_; }
    const Symbols &symbols() const { return symbols_; }
    const GuestLayout &layout() const { return layout_; }
    const LinuxLibrary &linux_library() const { return linux_library_; }
    Text name() const { return name_; } // the file's, in its folder in the target's file system
    const BroughtFiles &files() const { return files_; }

    // SVM cannot intercept RDRAND and RDSEED, so a target that runs them does not repeat. Calls
    // found(address) for each place with their bytes, which may also be the middle of another instruction.
    template <class F> void each_random_instruction(F &&found) const;

  private:
    Program(const boot::Elf &elf, const Symbols &symbols, const GuestLayout &layout,
            const LinuxLibrary &library)
        : elf_(elf), symbols_(symbols), layout_(layout), linux_library_(library) {}
    boot::Elf elf_;
    Symbols symbols_;
    GuestLayout layout_;
    LinuxLibrary linux_library_;
    Text name_ = "target";
    BroughtFiles files_;
};

template <class F> void Program::each_random_instruction(F &&found) const {
    for (u32 i = 0; i < elf_.segment_count(); ++i) {
        const boot::Segment s = elf_.segment(i);
        if (s.kind != boot::SegmentKind::load || !s.executable) continue;
        // 0F C7 /6 and /7 with a register (APM vol 3 "RDRAND", "RDSEED"); behind F3, /7 is RDPID.
        for (u64 at = 0; s.bytes.holds(at, 3); ++at) {
            if (s.bytes[at] != 0x0f || s.bytes[at + 1] != 0xc7 || s.bytes[at + 2] < 0xf0) continue;
            if (s.bytes[at + 2] >= 0xf8 && at > 0 && s.bytes[at - 1] == 0xf3) continue;
            found(s.address + at);
        }
    }
}

} // namespace guest
