// tests/chains/chains.cpp — prints injected failures of many forms. tests/runner/testing.py builds it at
// several optimisations, which must print the same chains and hashes.
#include <cstdio>
#include <cstdlib>

#include "base/check.h"
#include "base/core.h"
#include "base/log.h"
#include "rstate/result.h"

u32 current_core() { return 3; }
u32 begin_log_section() { return 0; }
void end_log_section(u32) {}
void log_line(Text line) { std::printf("%.*s\n", static_cast<int>(line.size()), line.data()); }
void check_failed(const CheckSite &site, const u64 *, u32) {
    std::printf("CHECK %s\n", site.reason);
    std::abort();
}

namespace injected {

using rstate::Result;
constexpr rstate::Code broken{"test.broken"};
constexpr rstate::Code closing{"test.closing"};

Result<u64> origin(u64 value, Virt at) {
    if (value > 100) return FAIL(broken, "a value is at most 100", value, at, "a text");
    return value;
}
inline Result<u64> inlined(u64 value) { return TRY(origin(value, Virt(0x1000)), "inlined", value) + 1; }
[[gnu::noinline]] Result<u64> kept_apart(u64 value) { return TRY(inlined(value), "kept apart"); }
[[gnu::always_inline]] inline Result<u64> always(u64 value) {
    return TRY(kept_apart(value), "always inlined");
}

template <class T> struct Holder {
    Result<T> get(T value) { return TRY(always(value), "in a class template", sizeof(T)); }
    static Result<T> convert(u64 value) { return TRY(Holder<T>().get(value), "in a static member"); }
};
struct Callable {
    Result<u64> operator()(u64 value) const { return TRY(Holder<u64>::convert(value), "in an operator"); }
};
Result<u64> recursive(u32 depth, u64 value) {
    if (depth == 0) return TRY(Callable()(value), "at the recursion's end");
    return TRY(recursive(depth - 1, value), "one deeper", depth);
}
Result<> tail(u64 value) {
    const auto lambda = [](u64 v) -> Result<u64> { return TRY(recursive(3, v), "in a lambda"); };
    TRY(lambda(value), "at the tail");
    return rstate::done();
}
Result<> with_clean_up(u64 value) {
    auto done = tail(value);
    if (done.ok()) return done;
    return WRAP(followed_by(done.take_error(), FAIL(closing, "closing what was open", value)), "cleaned up");
}
Result<> pool_runs_out(u32 depth) {
    if (depth == 0) return FAIL(broken, "the bottom");
    TRY(pool_runs_out(depth - 1), "deeper than the pool", depth);
    return rstate::done();
}

} // namespace injected

int main(int count, char **) {
    using namespace injected;
    static rstate::Pool pool;
    rstate::attach_pool(current_core(), pool);
    const u64 value = static_cast<u64>(count) + 1000; // the compiler must not know it
    Result<> results[] = {with_clean_up(value), tail(value), pool_runs_out(300)};
    for (Result<> &result : results) {
        rstate::Error error = result.take_error();
        log_formatted("hash {h}", error.hash());
        rstate::report(std::move(error), "injected");
    }
    return rstate::frames_in_use(3) == 0 && rstate::dropped_errors() == 0 ? 0 : 1;
}
