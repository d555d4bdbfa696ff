// tests/kernel/unit/fault_injection_runner.cpp — what the fault-injection runner expects of an error; see
// fault_injection_runner.h.
#include "tests/kernel/unit/fault_injection_runner.h"

#include "mm/codes.h"
#include "svm/codes.h"
#include "vm/codes.h"

namespace kernel {

namespace {

bool names_one_of(const rstate::Error &error, Span<const char *const> doing) {
    const rstate::Frame *frame = error.frame();
    for (; frame != nullptr && frame->inner != nullptr; frame = frame->inner)
        for (const char *text : doing)
            if (text != nullptr && Text(frame->site->text).starts_with(text)) return true;
    return false;
}

} // namespace

rstate::Result<> expect_injected(rstate::Error error, FailurePoint kind, Span<const char *const> doing) {
    const rstate::Code *const codes[failure_point_kinds] = {&mm::no_slot, &mm::out_of_frames,
                                                            &mm::out_of_frames, &svm::vmrun_refused};
    const bool named = names_one_of(error, doing);
    // A machine at its snapshot reports a missing frame as vm::out_of_memory.
    const bool right = error.is(*codes[static_cast<u32>(kind)]) ||
                       (kind == FailurePoint::frame && error.is(vm::out_of_memory));
    if (!injector.injected() || !named || !right)
        return WRAP(std::move(error), "this was not injected, or does not name what was being done");
    rstate::handled(std::move(error));
    return rstate::done();
}

void log_wrong(rstate::Error error, u64 number) {
    constexpr u64 most_logged = 20;
    if (number <= most_logged)
        rstate::report(std::move(error), "of an injected failure");
    else
        rstate::ignore(std::move(error), "the log has enough of them");
}

} // namespace kernel
