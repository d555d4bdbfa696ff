// kernel/tests.cpp — see tests.h.
#include "kernel/tests.h"

#include "base/log.h"

extern "C" {
extern const kernel::Test kernel_tests_start[], kernel_tests_end[];
}

namespace kernel {

static bool run_one(const Test &test, const TestContext &context) {
    const u32 errors_before = rstate::frames_in_use(current_core());
    auto result = test.run(context);
    const bool passed = result.ok();
    if (!passed) rstate::report(result.take_error(), "in a test");
    const bool leaked = rstate::frames_in_use(current_core()) != errors_before;
    TextBuffer<300> line;
    line.add("{\"type\":\"test\",\"name\":\"{}\",\"ok\":{},\"message\":\"{}\"}", test.name,
             passed && !leaked ? "true" : "false", leaked ? "error frames are left over" : "");
    log_line(line.text());
    return passed && !leaked;
}

bool run_tests(Text glob, const TestContext &context) {
    u32 passed = 0, failed = 0;
    for (const Test *test = kernel_tests_start; test != kernel_tests_end; ++test)
        if (matches_glob(glob, test->name)) ++(run_one(*test, context) ? passed : failed);
    LOG(kernel, "{} tests passed, {} failed", passed, failed);
    return failed == 0 && passed != 0;
}

} // namespace kernel
