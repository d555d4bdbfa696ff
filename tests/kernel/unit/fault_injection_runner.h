// tests/kernel/unit/fault_injection_runner.h — the fault-injection runner: runs a scenario step by step and
// makes each step fail once at each of its failure points.
//
// It expects an error that names what was being done, that the same step succeeds when it is repeated, and
// that nothing leaks.
#pragma once

#include <optional>
#include <type_traits>

#include "kernel/introspect/leak_check.h"
#include "tests/kernel/unit/fault_injection.h"
#include "tests/kernel/unit/test.h"

namespace kernel {

// One step of a scenario. When it fails, a frame of the error's chain other than the origin begins with one
// of these texts.
template <class Scenario> struct Step {
    rstate::Result<> (Scenario::*run)();
    const char *doing[8];
};

struct FailureCount {
    u64 points = 0;
    u64 injected = 0; // failures, at so many of the points
    u64 reported = 0; // of those injected: the step returned an error; the other steps succeeded without
    u64 wrong = 0;    // of those reported: the wrong error, or one that does not name what was being done
};

// Passes when `error` is the injected failure below one of the texts of `doing`; otherwise returns the error.
rstate::Result<> expect_injected(rstate::Error error, FailurePoint kind, Span<const char *const> doing);

// Logs the error of a wrong report, unless enough have been logged.
void log_wrong(rstate::Error error, u64 number);

template <class Scenario> class FaultInjectionRunner final {
  public:
    using Fixture = typename Scenario::Fixture;
    explicit FaultInjectionRunner(const Fixture &fixture) : fixture_(fixture) {}

    // Injects failures at no more than `most` points of each kind in each step, spread evenly.
    rstate::Result<FailureCount> fail_everywhere(u64 most) {
        TRY(count_points(), "running a scenario in which nothing fails");
        for (u32 step = 0; step < step_count; ++step)
            for (u32 kind = 0; kind < failure_point_kinds; ++kind)
                TRY(fail_at_points(step, static_cast<FailurePoint>(kind), most), "failing in a step", step,
                    kind);
        TRY(run_to(step_count), "running the scenario to its end");
        TRY(end(), "ending the scenario");
        EXPECT(count_.wrong == 0, count_.wrong, count_.reported);
        return count_;
    }

  private:
    static constexpr u32 step_count = std::extent_v<decltype(Scenario::steps)>;

    rstate::Result<> run_step(u32 step) {
        injector.enable();
        auto done = ((*scenario_).*Scenario::steps[step].run)();
        injector.disable();
        FaultyEntries::restore();
        return done;
    }
    rstate::Result<> count_points() {
        for (u32 step = 0; step < step_count; ++step) {
            TRY(run_to(step), "running to the next step", step);
            injector = FaultInjector();
            TRY(run_step(step), "counting the failure points of a step", step);
            done_ = step + 1;
            for (u32 kind = 0; kind < failure_point_kinds; ++kind)
                points_[step][kind] = injector.count(static_cast<FailurePoint>(kind));
        }
        return end();
    }
    rstate::Result<> fail_at_points(u32 step, FailurePoint kind, u64 most) {
        const u64 points = points_[step][static_cast<u32>(kind)], chosen = min(points, most);
        count_.points += points;
        for (u64 i = 0; i < chosen; ++i)
            TRY(fail(step, kind, i * points / chosen), "failing at a point", i * points / chosen);
        return rstate::done();
    }
    // A step that ran before may find part of its work done and not reach the point. It then runs once more
    // in a new scenario.
    rstate::Result<> fail(u32 step, FailurePoint kind, u64 number) {
        const bool injected = TRY(try_to_fail(step, kind, number), "failing in a step");
        if (!injected) TRY(try_to_fail(step, kind, number), "failing in a step of a new scenario");
        return rstate::done();
    }
    // True when the point was reached and failed.
    rstate::Result<bool> try_to_fail(u32 step, FailurePoint kind, u64 number) {
        TRY(run_to(step), "running to the step that has to fail");
        injector = FaultInjector::at(kind, number);
        auto done = run_step(step);
        const bool injected = injector.injected();
        count_.injected += injected;
        if (done.ok()) {
            TRY(end(), "ending a scenario after a step that succeeded all the same");
            return injected;
        }
        ++count_.reported;
        check_error(done.take_error(), step, kind, number);
        return injected;
    }
    // After a wrong error the scenario continues, so that one run shows all wrong errors.
    void check_error(rstate::Error error, u32 step, FailurePoint kind, u64 number) {
        auto right = expect_injected(std::move(error), kind, Scenario::steps[step].doing);
        if (right.ok()) return;
        log_wrong(WRAP(right.take_error(), "checking an injected failure", step, kind, number),
                  ++count_.wrong);
    }
    // Afterwards all steps before this one are done, and in a new scenario if the last one has ended.
    rstate::Result<> run_to(u32 step) {
        if (!scenario_) {
            world->space.drain_quarantine();
            before_ = LeakCheck::count_now(), free_ = world->frames.free_frames();
            scenario_.emplace(fixture_), done_ = 0;
        }
        injector = FaultInjector();
        for (; done_ < step; ++done_) TRY(run_step(done_), "running a step in which nothing fails", done_);
        return rstate::done();
    }
    rstate::Result<> end() {
        scenario_.reset();
        TRY(before_.check_all(), "checking for leaks after a scenario");
        world->space.drain_quarantine();
        EXPECT(world->frames.free_frames() == free_, world->frames.free_frames(), free_);
        return rstate::done();
    }

    const Fixture &fixture_;
    std::optional<Scenario> scenario_;
    u32 done_ = 0; // steps of the scenario
    u64 points_[step_count][failure_point_kinds] = {};
    LeakCheck before_ = LeakCheck::count_now();
    u64 free_ = 0;
    FailureCount count_;
};

} // namespace kernel
