// tests/kernel/unit/jobs_test.cpp — each core runs each of its jobs once, and a job that is not its own
// never.
#include "base/atomic.h"
#include "kernel/smp/jobs.h"
#include "tests/kernel/unit/test.h"

namespace kernel {

namespace {

struct Runs {
    Atomic<u32> of[max_cores];
};
void count(void *runs) { static_cast<Runs *>(runs)->of[current_core()].fetch_add(1); }

// A job for fewer cores and one for all take turns: the cores between look for a job while both begin and
// end.
rstate::Result<> each_core_runs_each_of_its_jobs_once(const TestContext &context) {
    constexpr u32 rounds = 2000;
    const u32 all = context.args.core_count, some = min(2u, all);
    for (u32 round = 0; round < rounds; ++round) {
        Runs by_some, by_all;
        run_on_cores(some, {count, &by_some});
        run_on_cores(all, {count, &by_all});
        for (u32 core = 0; core < max_cores; ++core) {
            EXPECT(by_some.of[core].load() == (core < some), round, core, by_some.of[core].load());
            EXPECT(by_all.of[core].load() == (core < all), round, core, by_all.of[core].load());
        }
    }
    return rstate::done();
}
RL_TEST(each_core_runs_each_of_its_jobs_once);

} // namespace

} // namespace kernel
