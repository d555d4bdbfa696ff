// kernel/panic/dump.cpp — prints what a core was doing; see dump.h.
#include "kernel/panic/dump.h"

#include "base/format.h"
#include "base/log.h"
#include "cpu/lock.h"

namespace kernel {

namespace {

constinit u64 image_base = 0, image_text_bytes = 0;

bool in_text(u64 address) { return address - image_base < image_text_bytes; }

// The number of this core's stack that contains an address: 0 its own, then its interrupt stacks;
// stack_count: none.
u32 stack_of(u64 address) {
    const Core *core = core_table[current_core()];
    if (core == nullptr || core->args == nullptr) return stack_count;
    const u64 own_bytes = core->args->stack_top - core->args->stack_bottom;
    if (address - core->args->stack_bottom < own_bytes) return 0;
    for (u32 i = 1; i < stack_count; ++i)
        if (core->stack_tops[i] - 1 - address < interrupt_stack_bytes) return i;
    return stack_count;
}

} // namespace

void set_kernel_image(u64 base, u64 text_bytes) {
    image_base = base;
    image_text_bytes = text_bytes;
}

void dump_address(Text label, u64 address) {
    TextBuffer<100> line;
    line.add("{} {x}", label, address);
    if (in_text(address)) line.add("  kernel+{x}", address - image_base);
    log_line(line.text());
}

void dump_registers(const TrapFrame &f) {
    const auto line = [](Text pattern, u64 a, u64 b, u64 c, u64 d) {
        TextBuffer<160> text;
        log_line(text.add(pattern, a, b, c, d).text());
    };
    line("  rax {h} rbx {h} rcx {h} rdx {h}", f.rax, f.rbx, f.rcx, f.rdx);
    line("  rsi {h} rdi {h} rbp {h} rsp {h}", f.rsi, f.rdi, f.rbp, f.rsp);
    line("  r8  {h} r9  {h} r10 {h} r11 {h}", f.r8, f.r9, f.r10, f.r11);
    line("  r12 {h} r13 {h} r14 {h} r15 {h}", f.r12, f.r13, f.r14, f.r15);
    line("  cr2 {h} cr3 {h} rfl {h} err {h}", cpu::read_cr2(), cpu::read_cr3(), f.rflags, f.error_code);
}

// A frame pointer may be corrupt: the loop follows it only within this core's stacks, and only upwards within
// one stack. A handler's first frame leads to the stack that it interrupted.
u32 callers_of(u64 frame_pointer, Span<u64> callers) {
    u32 count = 0;
    while (count < callers.size()) {
        const u32 stack = stack_of(frame_pointer);
        if (stack == stack_count || stack != stack_of(frame_pointer + 15) || !is_aligned(frame_pointer, 8))
            break;
        const u64 *frame = reinterpret_cast<const u64 *>(frame_pointer);
        if (!in_text(frame[1])) break;
        callers[count++] = frame[1];
        if (stack_of(frame[0]) == stack && frame[0] <= frame_pointer) break;
        frame_pointer = frame[0];
    }
    return count;
}

void dump_callers(u64 frame_pointer, u32 most) {
    log_line("  backtrace, innermost first:");
    constexpr u32 room = 24;
    u64 callers[room];
    const u32 count = callers_of(frame_pointer, {callers, min(most, room)});
    for (u32 i = 0; i < count; ++i) dump_address("  from", callers[i]);
}

void dump_locks(u32 core) {
    const char *names[cpu::most_locks];
    const u32 count = cpu::locks_held(core, names);
    if (count == 0) return;
    TextBuffer<160> line;
    line.add("  core {} holds", core);
    for (u32 i = 0; i < count; ++i) line.add(i == 0 ? " {}" : ", {}", names[i]);
    log_line(line.text());
}

} // namespace kernel
