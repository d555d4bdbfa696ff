// tests/kernel/bench/bench_errors.cpp — the cost of passing errors on: an rstate chain, compared with a plain
// code and with a status that has a text.
#include "tests/kernel/bench/bench.h"

#include "base/format.h"
#include "cpu/ops.h"
#include "kernel/codes.h"
#include "kernel/late_init.h"

namespace kernel {

namespace {

constexpr u32 levels = 8, rounds = 200;

// For each way: `levels` functions, none inlined, that return a number or pass the innermost one's failure
// on.
struct Chain {
    template <u32 level> [[gnu::noinline]] static rstate::Result<u64> get(u64 value) {
        if constexpr (level == 0) {
            if (value == 0) return FAIL(test_failed, "a benchmark's failure", value);
            return value;
        } else {
            return TRY(get<level - 1>(value), "passing a benchmark's failure on", level) + level;
        }
    }
    static u64 run(u64 value) {
        auto result = get<levels>(value);
        if (result.ok()) return result.take();
        rstate::handled(std::move(result));
        return 0;
    }
};

struct Code {
    template <u32 level> [[gnu::noinline]] static int get(u64 value, u64 &out) {
        if constexpr (level == 0) {
            if (value == 0) return -1;
            out = value;
            return 0;
        } else {
            if (const int code = get<level - 1>(value, out); code != 0) return code;
            out += level;
            return 0;
        }
    }
    static u64 run(u64 value) {
        u64 out = 0;
        return get<levels>(value, out) == 0 ? out : 0;
    }
};

constinit LateInit<TextBuffer<400>> one, other; // a message and the next longer one

// A pointer that is null or leads to a text, to which each level adds its own in front, as status libraries
// do.
struct Status {
    using Message = TextBuffer<400>;
    static Message *before(Message *said, Text text, u64 level) {
        Message &longer = said == &*one ? *other : *one;
        longer.clear();
        return &longer.add("{} {}: {}", text, level, said->text());
    }
    template <u32 level> [[gnu::noinline]] static Message *get(u64 value, u64 &out) {
        if constexpr (level == 0) {
            if (value == 0) {
                one->clear();
                return &one->add("a benchmark's failure {}", value);
            }
            out = value;
            return nullptr;
        } else {
            if (Message *said = get<level - 1>(value, out); said != nullptr) [[unlikely]]
                return before(said, "passing a benchmark's failure on", level);
            out += level;
            return nullptr;
        }
    }
    static u64 run(u64 value) {
        u64 out = 0;
        return get<levels>(value, out) == nullptr ? out : 0;
    }
};
// Instructions of one call, whose value the compiler does not know.
template <class Way> u64 cost(u64 value) {
    volatile u64 hidden = value;
    u64 sum = 0, begin = 0;
    for (u32 i = 0; i < rounds + 1; ++i) {
        if (i == 1) begin = cpu::read_tsc();
        sum += Way::run(hidden);
    }
    hidden = sum;
    return (cpu::read_tsc() - begin) / rounds;
}

void record_both(Text name, u64 chain, u64 code, u64 status) {
    TextBuffer<100> compared;
    compared.add("a plain code: {}; a status with text: {}; 8 calls each", code, status);
    record(name, chain, "instructions", compared.text());
}

} // namespace

rstate::Result<> error_costs() {
    one.make(), other.make();
    record_both("rstate.success_through_8_frames", cost<Chain>(1), cost<Code>(1), cost<Status>(1));
    record_both("rstate.failure_of_9_frames", cost<Chain>(0), cost<Code>(0), cost<Status>(0));
    return rstate::done();
}

} // namespace kernel
