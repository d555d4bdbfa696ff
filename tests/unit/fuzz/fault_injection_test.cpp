// tests/unit/fuzz/fault_injection_test.cpp — fault injection: each operation of the machine under a worker
// fails once. The chain names the case and the step, and the worker continues when the machine works again.
#include "tests/sim/test.h"
#include "tests/unit/fuzz/fake.h"
#include "vm/codes.h"

namespace {

using fake::Trace;

// A target with edges, comparisons, crashes, timeouts and out_of_memory, so that every path runs.
void all_kinds(Bytes input, Trace &trace) {
    trace.edge(0);
    if (input.empty()) return;
    trace.edge(1 + input[0] % 8);
    static_cast<void>(trace.equal(input[0], 'q', 1));
    if (input[0] == 'x') trace.crash("bad-x", {0x1000, 0x2000});
    if (input[0] == 't') trace.time_out();
    if (input[0] == 'm') trace.starve();
}

// A fake::Executor whose n-th operation fails, once.
class Failing {
  public:
    Failing(u32 edges, fake::Target target, vm::MutatorAbilities abilities)
        : inner_(edges, std::move(target), abilities) {
        inner_.mutator = [](const std::string &a, const std::string &b) { return a + b; };
    }
    void fail_after(u64 n) { left_ = n; }
    u64 operations() const { return operations_; }

    rstate::Result<const vm::Outcome *> run_case(Bytes input, const vm::CaseOptions &options) {
        TRY(meet(), "running a case in a machine that fails");
        return inner_.run_case(input, options);
    }
    rstate::Result<void> reset() {
        TRY(meet(), "resetting a machine that fails");
        return inner_.reset();
    }
    u32 counter_count() const { return inner_.counter_count(); }
    template <class F> rstate::Result<void> visit_counters(F &&visit) {
        TRY(meet(), "looking at the counters of a machine that fails");
        return inner_.visit_counters(visit);
    }
    rstate::Result<u32> read_comparisons(Span<vm::Comparison> out) {
        TRY(meet(), "reading the comparisons of a machine that fails");
        return inner_.read_comparisons(out);
    }
    rstate::Result<vm::Printed> read_output(MutableBytes room) {
        TRY(meet(), "reading the output of a machine that fails");
        return inner_.read_output(room);
    }
    Span<const vm::RefusedCall> refused_calls() const { return inner_.refused_calls(); }
    const vm::Statistics &statistics() const { return inner_.statistics(); }
    rstate::Result<u64> digest() {
        TRY(meet(), "digesting a machine that fails");
        return inner_.digest();
    }
    vm::MutatorAbilities mutator_abilities() const { return inner_.abilities; }
    rstate::Result<u64> make_mutants(const vm::MutationRequest &request, MutableBytes out) {
        TRY(meet(), "running the mutator of a machine that fails");
        return inner_.make_mutants(request, out);
    }

  private:
    rstate::Result<void> meet() {
        ++operations_;
        if (left_-- == 0) return FAIL(vm::bad_options, "injected failure", operations_);
        return rstate::done();
    }

    fake::Executor inner_;
    u64 left_ = ~0ul, operations_ = 0;
};

using Rig = fake::RigOf<Failing>;
constexpr u64 cases = 600;
const std::vector<std::string> seeds = {"a", "x", "tt", "m"};

// Options with which verified resets, statistics and the minimizer all run within so few cases.
Rig rig() {
    return Rig(16, all_kinds, cases,
               {.timeout_edges = 1000,
                .pace = fuzz::Pace::repeatable,
                .digest_every = 50,
                .stats_every = 100,
                .minimize_cases = 8},
               64, {.crosses_over = true});
}

// Outermost first: the run, then the step, then the machine's own text.
void expect_chain(rstate::Error error, u64 n) {
    EXPECT_TRUE(error.is(vm::bad_options)) << n;
    std::vector<std::string> texts;
    for (const rstate::Frame *frame = error.frame(); frame != nullptr; frame = frame->inner)
        texts.emplace_back(frame->site->text);
    rstate::handled(std::move(error));
    ASSERT_GE(texts.size(), 3u) << n;
    EXPECT_EQ(texts.back(), "injected failure");
    EXPECT_NE(texts[texts.size() - 2].find("a machine that fails"), std::string::npos);
}

TEST(EveryFailureUnderAWorker, IsReportedAndLosesNoCrashAndTheNextRunIsComplete) {
    Rig plain = rig();
    plain.run(seeds).take();
    const u64 points = plain.executor.operations();
    const usize crashes = plain.platform.records("crash").size();
    ASSERT_GT(crashes, 0u);
    for (u64 n = 0; n < points && !testing::Test::HasFailure(); ++n) {
        Rig failing = rig();
        failing.executor.fail_after(n);
        auto run = failing.run(seeds);
        ASSERT_FALSE(run.ok()) << n;
        expect_chain(run.take_error(), n);
        EXPECT_EQ(failing.platform.records("crash").size(), failing.shared.crashes().count())
            << "every known crash was reported, " << n;
        // The machine works again: the rest of the cases are run by the same worker.
        failing.executor.reset().take();
        failing.run(seeds).take();
        EXPECT_EQ(failing.worker.cases(), cases) << n;
        EXPECT_EQ(failing.platform.records("crash").size(), crashes) << n;
        EXPECT_EQ(rstate::frames_in_use(0), 0u) << n;
    }
    sim::record_figure(std::to_string(points) + " points that failed once");
}

} // namespace
