// kernel/main.cpp — the composition root: what each core does, in order, one line and one reason each.
#include "base/log.h"
#include "boot/exit.h"
#include "cpu/lock.h"
#include "kernel/apic.h"
#include "kernel/codes.h"
#include "kernel/console.h"
#include "kernel/panic.h"
#include "kernel/traps.h"

kernel::Core first_core;
kernel::Core *core_table[max_cores];

void cpu::while_waiting() {}

namespace kernel {

namespace {
alignas(16) u8 first_stacks[stack_count][interrupt_stack_bytes];
}

} // namespace kernel

extern "C" [[noreturn]] void kernel_main(const stage2::CoreArgs &args) {
    using namespace kernel;
    init_console();
    set_kernel_image(args.kernel_base, args.text_bytes);
    LOG(kernel, "6 kernel at {x}, build {h}", args.kernel_base, args.build_id);
    u64 tops[stack_count] = {};
    for (u32 i = 1; i < stack_count; ++i)
        tops[i] = reinterpret_cast<u64>(first_stacks[i]) + interrupt_stack_bytes;
    build_interrupt_table();
    first_core.args = &args;
    load_core_tables(first_core, tops);
    panic(FAIL(no_backend, "nothing to do yet", args.core_count));
}
extern "C" [[noreturn]] void core_main(const stage2::CoreArgs &) {
    for (;;) cpu::halt();
}
