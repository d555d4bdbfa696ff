// tests/kernel/unit/test.cpp — runs the registered tests; see test.h.
#include "tests/kernel/unit/test.h"

#include "base/log.h"
#include "boot/contract/exit.h"
#include "kernel/introspect/leak_check.h"
#include "svm/enable.h"

extern "C" {
// The linker's own symbols for the section's ends.
extern const kernel::Test tests_start[] asm("__start_rl_tests"), tests_end[] asm("__stop_rl_tests");
}

namespace kernel {

// The frames of a test's own failure are no leak.
static u64 frames_of(const rstate::Error &error) {
    u64 count = 0;
    for (const rstate::Frame *frame = error.frame(); frame != nullptr; frame = frame->inner) ++count;
    return count;
}

static bool run_one(const Test &test, const TestContext &context) {
    const LeakCheck before = LeakCheck::count_now();
    auto result = test.run(context);
    const bool passed = result.ok();
    rstate::Error error;
    if (!passed) error = result.take_error();
    auto held = before.check_held(passed ? 0 : frames_of(error));
    const bool leaked = !held.ok();
    if (leaked) {
        auto left = held.take_error();
        error = passed ? std::move(left) : followed_by(std::move(error), std::move(left));
    }
    if (error.present()) rstate::report(std::move(error), "in a test");
    TextBuffer<300> line;
    line.add("{\"type\":\"test\",\"name\":\"{}\",\"ok\":{},\"message\":\"{}\"}", test.name,
             passed && !leaked ? "true" : "false", leaked ? "the test leaked: the log has what" : "");
    log_line(line.text());
    return passed && !leaked;
}

// A test that takes minutes runs only when the pattern, too, begins with long_.
static bool is_long(Text name) { return name.starts_with("long_"); }

static bool has_vm_backend() {
    auto supported = svm::check_support(cpu::Features::read());
    const bool has = supported.ok();
    rstate::handled(std::move(supported));
    return has;
}

bool run_tests(Text glob, const TestContext &context) {
    u32 passed = 0, failed = 0, skipped = 0;
    const bool vm = has_vm_backend();
    for (const Test *test = tests_start; test != tests_end; ++test) {
        if (!matches_glob(glob, test->name) || is_long(test->name) != is_long(glob)) continue;
        if (test->needs_vm && !vm)
            ++skipped;
        else
            ++(run_one(*test, context) ? passed : failed);
    }
    if (skipped != 0) LOG(kernel, "{} tests need a virtual machine and were skipped", skipped);
    LOG(kernel, "{} tests passed, {} failed", passed, failed);
    return failed == 0 && passed != 0;
}

static rstate::Result<u32> run_test_mode(const TestContext &context, Text glob) {
    return run_tests(glob, context) ? boot::exit_ok : boot::exit_tests_failed;
}
RL_MODE("test", run_test_mode);

} // namespace kernel
