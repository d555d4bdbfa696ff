// vm/processor_state.cpp — the digest of a processor's state.
#include "vm/snapshot.h"

namespace vm {

namespace {

// FXSAVE's image: APM vol 2 §11.4.4 "Saving Media and x87 Execution Unit State". The pointers to the last x87
// instruction are left out: AMD processors write them only while an exception is pending.
constexpr usize control_words = 6; // FCW, FSW, FTW
constexpr usize mxcsr = 24;
constexpr usize registers_start = 32, registers_end = 416; // eight x87 and sixteen SSE registers
static_assert(registers_end - registers_start == (8 + 16) * 16, "each register has sixteen bytes");
static_assert(registers_end <= sizeof(VectorState::bytes), "what is hashed lies inside the image");

} // namespace

void add_to(Xxh64 &hash, const ProcessorState &processor) {
    const Registers &r = processor.registers;
    const u64 words[] = {r.rax,
                         r.rbx,
                         r.rcx,
                         r.rdx,
                         r.rsi,
                         r.rdi,
                         r.rbp,
                         r.rsp,
                         r.r8,
                         r.r9,
                         r.r10,
                         r.r11,
                         r.r12,
                         r.r13,
                         r.r14,
                         r.r15,
                         r.rip,
                         r.rflags,
                         static_cast<u64>(r.privilege),
                         processor.system.cr3.value(),
                         processor.system.fs_base,
                         processor.system.gs_base,
                         processor.system.system_call_target};
    for (const u64 word : words) hash.add_u64(word);
    for (const u64 word : processor.hidden) hash.add_u64(word);
    const Bytes image(processor.vectors.bytes);
    hash.add(image.first(control_words));
    hash.add(image.sub(mxcsr, 4));
    hash.add(image.sub(registers_start, registers_end - registers_start));
}

} // namespace vm
