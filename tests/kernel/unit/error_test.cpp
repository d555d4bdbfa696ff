// tests/kernel/unit/error_test.cpp — errors on the machine: in interrupts and NMIs, moved between cores, kept
// until the pool is empty.
#include "kernel/entry/apic.h"
#include "kernel/smp/jobs.h"
#include "kernel/world.h"
#include "tests/kernel/interrupt_hook.h"
#include "tests/kernel/unit/test.h"

namespace kernel {

namespace {

constexpr u8 vector = 0x50;
constinit u64 served = 0;

rstate::Result<u64> origin(u64 value) { return FAIL(test_failed, "an error for a test", value); }
rstate::Result<u64> middle(u64 value) { return TRY(origin(value), "in the middle", value + 1); }
rstate::Error chain(u64 value) {
    auto failed = middle(value);
    return WRAP(failed.take_error(), "outermost", value + 2);
}

// Whether the chain has its three frames, with their values.
bool is_whole(const rstate::Error &error, u64 value) {
    const rstate::Frame *frame = error.frame();
    for (u64 level = 2;; --level, frame = frame->inner) {
        if (frame == nullptr || frame->words[0] != value + level) return false;
        if (level == 0) return frame->inner == nullptr;
    }
}

void make_one(TrapFrame &frame) {
    if (frame.vector == vector) end_of_interrupt();
    rstate::Error error = chain(1'000'000);
    CHECK(is_whole(error, 1'000'000), "an interrupt's error is its own");
    rstate::handled(std::move(error));
    __atomic_add_fetch(&served, 1, __ATOMIC_RELAXED);
}

// Errors of handlers and of the code that they interrupt share a pool and nothing else.
rstate::Result<> make_errors_until(u64 interrupts) {
    for (u64 i = 0; __atomic_load_n(&served, __ATOMIC_RELAXED) < interrupts; ++i) {
        rstate::Error one = chain(i), two = chain(i + 7);
        const bool whole = is_whole(one, i) && is_whole(two, i + 7);
        rstate::handled(std::move(one)), rstate::handled(std::move(two));
        EXPECT(whole, i);
    }
    return rstate::done();
}

rstate::Result<> an_interrupts_error_never_touches_the_interrupted_ones(const TestContext &) {
    served = 0;
    hook_vector(vector, make_one);
    for (u64 i = 0; i < 200; ++i) {
        rstate::Error kept = chain(i);
        send_ipi(current_core(), vector);
        auto made = make_errors_until(i + 1);
        const bool whole = is_whole(kept, i);
        rstate::handled(std::move(kept));
        TRY(std::move(made), "making errors under interrupts", i);
        EXPECT(whole, i);
    }
    unhook_vector();
    return rstate::done();
}
RL_TEST(an_interrupts_error_never_touches_the_interrupted_ones);

// An NMI arrives between any two instructions, also while interrupts are off.
struct Nmis {
    static constexpr u64 count = 500;
    u32 cores;
    rstate::Error failed;
};
rstate::Result<> an_nmis_error_never_touches_the_interrupted_ones(const TestContext &context) {
    if (context.args.core_count < 2)
        return rstate::done(); // an NMI that a core sends to itself arrives at once
    served = 0;
    hook_vector(static_cast<u64>(cpu::Vector::nmi), make_one);
    Nmis nmis{context.args.core_count, {}};
    run_on_cores(2, {[](void *given) {
                         auto &its = *static_cast<Nmis *>(given);
                         if (current_core() == 0) {
                             auto made = make_errors_until(Nmis::count);
                             if (!made.ok()) its.failed = made.take_error();
                             __atomic_store_n(&served, Nmis::count, __ATOMIC_RELAXED);
                             return;
                         }
                         for (u64 i = 0; i < Nmis::count; ++i) {
                             const u64 before = __atomic_load_n(&served, __ATOMIC_RELAXED);
                             if (before >= Nmis::count) return;
                             send_nmi(0);
                             while (__atomic_load_n(&served, __ATOMIC_RELAXED) == before) cpu::pause();
                         }
                     },
                     &nmis});
    unhook_vector();
    if (nmis.failed.present()) return WRAP(std::move(nmis.failed), "making errors under NMIs");
    return rstate::done();
}
RL_TEST(an_nmis_error_never_touches_the_interrupted_ones);

rstate::Result<> an_error_moves_between_cores_and_returns_its_frames(const TestContext &context) {
    if (context.args.core_count < 2) return rstate::done();
    const u32 before = rstate::frames_in_use(1);
    rstate::Error moved;
    run_on_cores(2, {[](void *error) {
                         if (current_core() == 1) *static_cast<rstate::Error *>(error) = chain(5);
                     },
                     &moved});
    const u32 during = rstate::frames_in_use(1), maker = moved.core();
    const bool whole = is_whole(moved, 5);
    rstate::handled(std::move(moved));
    EXPECT(whole && maker == 1 && during == before + 3, maker, during, before);
    EXPECT(rstate::frames_in_use(1) == before, rstate::frames_in_use(1), before);
    return rstate::done();
}
RL_TEST(an_error_moves_between_cores_and_returns_its_frames);

struct Kept {
    rstate::Error error;
};
rstate::Result<> errors_are_kept_until_the_pool_is_empty_and_then_shortened(const TestContext &) {
    constexpr u32 ordinary = rstate::frames_per_pool - rstate::panic_reserve, more = ordinary / 3 + 10;
    auto records = TRY(mm::allocate_array<Kept>(world->allocator, more), "allocating records");
    u32 whole = 0, shortened = 0;
    for (u32 i = 0; i < more; ++i) records[i].error = chain(i);
    for (u32 i = 0; i < more; ++i) {
        whole += is_whole(records[i].error, i);
        shortened += records[i].error.is(test_failed) && !is_whole(records[i].error, i);
        records[i].error.release();
    }
    EXPECT(whole + shortened == more && whole >= more - 12 && shortened >= 9, whole, shortened);
    return rstate::done();
}
RL_TEST(errors_are_kept_until_the_pool_is_empty_and_then_shortened);

} // namespace

} // namespace kernel
