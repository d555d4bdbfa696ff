// kernel/mode.h — modes besides fuzzing and replay, which register themselves in a section of the image. The
// product has none; test_kernel.elf adds the tests, the benchmarks and the injected bugs.
//
//   rstate::Result<u32> run(const ModeContext &context, Text argument) { ... }
//   RL_MODE("bench", run);      // the option bench=ARGUMENT runs it instead of fuzzing
#pragma once

#include "boot/contract/core_args.h"
#include "boot/formats/bundle.h"
#include "rstate/result.h"

namespace kernel {

struct ModeContext {
    const boot::CoreArgs &args;
    const boot::Bundle &bundle;
};

struct Mode {
    const char *name; // the option's key
    // Returns the value that QEMU exits with (boot/contract/exit.h).
    rstate::Result<u32> (*run)(const ModeContext &context, Text argument);
};

#define RL_MODE(name, function)                                                                              \
    [[gnu::section(".rl_modes"), gnu::used, gnu::retain]] static const kernel::Mode mode_of_##function {     \
        name, function                                                                                       \
    }

// Runs the registered mode of that name. If the image has no such mode, the error says which image has it and
// keeps a pointer to `name`, which must live as long as the program.
rstate::Result<u32> run_mode(Text name, const ModeContext &context, Text argument);

} // namespace kernel
