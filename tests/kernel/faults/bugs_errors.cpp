// tests/kernel/faults/bugs_errors.cpp — injected bugs: errors that are dropped, or consumed more than once.
#include "tests/kernel/faults/inject.h"

namespace kernel {

namespace {

rstate::Result<u64> fails() { return FAIL(test_failed, "an injected error"); }

rstate::Result<> dropped(const TestContext &) {
    { auto dropped_result = fails(); }
    return rstate::done();
}
rstate::Result<> overwritten(const TestContext &) {
    rstate::Error error = fails().take_error();
    error = fails().take_error();
    rstate::handled(std::move(error));
    return rstate::done();
}
rstate::Result<> handled_twice(const TestContext &) {
    auto result = fails();
    rstate::handled(result.take_error());
    rstate::handled(result.take_error());
    return rstate::done();
}
rstate::Result<> passed_on_after_it_was_handled(const TestContext &) {
    auto result = fails();
    rstate::handled(result.take_error());
    return WRAP(result.take_error(), "passing on what was handled");
}
rstate::Result<> reported_twice(const TestContext &) {
    auto result = fails();
    rstate::report(result.take_error(), "the first time");
    rstate::report(result.take_error(), "the second time");
    return rstate::done();
}
rstate::Result<> value_of_a_failure(const TestContext &) {
    auto result = fails();
    if (result.take() == 0) cpu::pause();
    return rstate::done();
}
rstate::Result<> kept_for_good(const TestContext &) {
    alignas(rstate::Error) static u8 place[sizeof(rstate::Error)];
    new (opaque(place)) rstate::Error(fails().take_error());
    return rstate::done();
}

constexpr Test bugs[] = {
    {"error-dropped", dropped},
    {"error-overwritten", overwritten},
    {"error-handled-twice", handled_twice},
    {"error-passed-on-after-it-was-handled", passed_on_after_it_was_handled},
    {"error-reported-twice", reported_twice},
    {"error-asked-for-its-value", value_of_a_failure},
    {"error-kept-for-good", kept_for_good},
};

} // namespace

constinit const BugList error_bugs = bugs;

} // namespace kernel
