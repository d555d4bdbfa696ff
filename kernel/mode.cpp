// kernel/mode.cpp — finds and runs a registered mode; see mode.h.
#include "kernel/mode.h"

#include "kernel/codes.h"

extern "C" {
extern const kernel::Mode kernel_modes_start[], kernel_modes_end[];
}

namespace kernel {

rstate::Result<u32> run_mode(Text name, const ModeContext &context, Text argument) {
    for (const Mode *mode = kernel_modes_start; mode != kernel_modes_end; ++mode)
        if (name == mode->name) return TRY(mode->run(context, argument), "running a mode", mode->name);
    return FAIL(no_such_mode, "only test_kernel.elf has this mode: boot an image from build/test",
                name.data());
}

} // namespace kernel
