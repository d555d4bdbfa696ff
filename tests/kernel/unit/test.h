// tests/kernel/unit/test.h — tests that run in the kernel, on the machine: each registers itself in a section
// of the image.
//
//   static rstate::Result<> freed_memory_is_reused() { ...; return expect(a == b, "..."); }
//   RL_TEST(freed_memory_is_reused);
//
// The option test=GLOB runs those whose name matches instead of fuzzing; names that begin with long_ only
// when GLOB does.
#pragma once

#include "base/text.h"
#include "boot/contract/core_args.h"
#include "boot/formats/bundle.h"
#include "kernel/mode.h"
#include "rstate/result.h"
#include "tests/kernel/codes.h"

namespace kernel {

using TestContext = ModeContext;

struct Test {
    const char *name;
    rstate::Result<> (*run)(const TestContext &);
    bool needs_vm = false; // skipped where there is no VM backend
};

#define RL_TEST(function) RL_TEST_THAT(function, false)
#define RL_VM_TEST(function) RL_TEST_THAT(function, true)
#define RL_TEST_THAT(function, needs_vm)                                                                     \
    [[gnu::section("rl_tests"), gnu::used, gnu::retain]] static const kernel::Test test_of_##function {      \
#function, function, needs_vm                                                                        \
    }

// Runs the tests that match and writes a record for each; true when all passed and there was at least one.
bool run_tests(Text glob, const TestContext &context);

#define EXPECT(condition, ...)                                                                               \
    do {                                                                                                     \
        if (!(condition)) return FAIL(kernel::test_failed, #condition __VA_OPT__(, ) __VA_ARGS__);           \
    } while (false)

} // namespace kernel
