// kernel/panic.cpp — see panic.h.
#include "kernel/panic.h"

#include "base/log.h"
#include "boot/exit.h"
#include "cpu/ops.h"
#include "kernel/apic.h"
#include "kernel/console.h"

namespace kernel {

namespace {

constexpr u32 nobody = ~0u;
constinit u32 panicking_core = nobody;
constinit u32 depth = 0;
constinit u64 image_base = 0, image_text_bytes = 0;

[[noreturn]] void stop() {
    cpu::disable_interrupts();
    for (;;) cpu::halt();
}

// True for the first core that comes; a second one stops here, and a panic inside the panic ends quickly.
void begin() {
    cpu::disable_interrupts();
    u32 expected = nobody;
    const u32 me = current_core();
    if (!__atomic_compare_exchange_n(&panicking_core, &expected, me, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE) &&
        expected != me)
        stop();
    seize_console();
    if (++depth == 2) log_line("panic: another failure while this one was being reported");
    if (depth > 2) end_machine(boot::exit_system_failed);
}

bool in_text(u64 address) { return address - image_base < image_text_bytes; }

void print_address(Text label, u64 address) {
    TextBuffer<100> line;
    line.add("  {} {x}", label, address);
    if (in_text(address)) line.add("  kernel+{x}", address - image_base);
    log_line(line.text());
}

// Walks saved frame pointers, each checked to lie on the same stack and above the last.
void print_backtrace(u64 frame_pointer) {
    log_line("backtrace, innermost first:");
    constexpr u32 most = 24;
    const u64 limit = frame_pointer + 64_KiB;
    for (u32 i = 0; i < most; ++i) {
        if (frame_pointer == 0 || !is_aligned(frame_pointer, 8) || frame_pointer > limit) return;
        const u64 *frame = reinterpret_cast<const u64 *>(frame_pointer);
        if (!in_text(frame[1])) return;
        print_address("from", frame[1]);
        if (frame[0] <= frame_pointer) return;
        frame_pointer = frame[0];
    }
}

void print_registers(const TrapFrame &f) {
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

[[noreturn]] void finish() {
    stop_other_cores();
    log_line("panic: stopped");
    end_machine(boot::exit_system_failed);
}

} // namespace

bool panicking() { return __atomic_load_n(&panicking_core, __ATOMIC_ACQUIRE) != nobody; }

void set_kernel_image(u64 base, u64 text_bytes) {
    image_base = base;
    image_text_bytes = text_bytes;
}

void end_machine(u32 value) {
    cpu::out32(boot::debug_exit_port, value);
    stop();
}

void panic(rstate::Error error) {
    begin();
    rstate::report(std::move(error), "the kernel cannot go on");
    print_backtrace(reinterpret_cast<u64>(__builtin_frame_address(0)));
    finish();
}

void panic_trap(const TrapFrame &frame, rstate::Error error) {
    begin();
    rstate::report(std::move(error), "exception in the kernel");
    print_address("at", frame.rip);
    print_registers(frame);
    print_backtrace(frame.rbp);
    finish();
}

void stop_for_panic(const TrapFrame &frame) {
    TextBuffer<100> line;
    line.add("core {} was at {x}", current_core(), frame.rip);
    if (in_text(frame.rip)) line.add("  kernel+{x}", frame.rip - image_base);
    log_line(line.text());
    stop();
}

} // namespace kernel

void check_failed(const CheckSite &site, const u64 *values, u32 count) {
    kernel::begin();
    TextBuffer<300> line;
    line.add("error kernel.check_failed on core {}", current_core());
    log_line(line.text());
    line.clear();
    line.add("  {}:{}  {}  {} must hold: {}", site.file, site.line, site.function, site.condition,
             site.reason);
    for (u32 i = 0; i < count; ++i) line.add(i == 0 ? "  {x}" : ", {x}", values[i]);
    log_line(line.add("   <- origin").text());
    kernel::print_backtrace(reinterpret_cast<u64>(__builtin_frame_address(0)));
    kernel::finish();
}
