// fuzz/worker_report.cpp — the worker's statistics and corpus records, queued between two cases.
#include "fuzz/worker.h"

namespace fuzz {

// Cases between two publications of this core's counts.
constexpr u64 published_one_in = 64;
constexpr u64 stats_period_us = 1'000'000;

void Worker::after_case() {
    report_corpus();
    platform_.between_cases();
    if (cases_ % published_one_in != 0 && options_.pace == Pace::free) return;
    publish_counts();
    if (options_.core != 0) return;
    const bool due = options_.pace == Pace::repeatable
                         ? cases_ % options_.stats_every == 0
                         : platform_.now_us() - last_stats_us_ >= stats_period_us;
    if (due) report_stats();
}

// Publishes all counts together, so that the counts of a case's exits never appear without the case.
void Worker::publish_counts() {
    counts_.cases.store(cases_);
    counts_.done.store(endings_[static_cast<u32>(vm::Ending::done)]);
    counts_.crashes.store(endings_[static_cast<u32>(vm::Ending::crash)]);
    counts_.timeouts.store(endings_[static_cast<u32>(vm::Ending::timeout)]);
    counts_.out_of_memory.store(endings_[static_cast<u32>(vm::Ending::out_of_memory)]);
    const vm::Statistics &spent = executor_.statistics();
    counts_.set_machine_counts(spent);
    if (spent.refused_calls != 0)
        static_cast<void>(report_refused(RefusedReporter::Due::doubled)); // or later
    publish_times(spent);
    counts_.edges.store(coverage_.edges_seen());
    counts_.features.store(coverage_.features_seen());
    counts_.corpus.store(corpus_.live_count());
    counts_.evicted.store(corpus_.evicted());
    counts_.refused.store(corpus_.refused());
    counts_.waiting.store(corpus_.end() - next_report_);
}

void Worker::publish_times(const vm::Statistics &spent) {
    const u64 in_target = spent.guest_time - statistics_before_.guest_time;
    counts_.time_all.store(platform_.time() - started_);
    counts_.time_target.store(in_target);
    // A case that failed midway spent time in the target but none in time_running_.
    counts_.time_exits.store(time_running_ - min(time_running_, in_target));
    counts_.time_reset.store(spent.reset_time - statistics_before_.reset_time);
    counts_.time_mutation.store(time_mutating_);
}

void Worker::report_stats() {
    const u64 now = platform_.now_us();
    last_stats_us_ = now;
    // Without room the console is a second behind; the next record contains everything that this one would.
    if (!outbox_.statistics.empty()) return;
    stats_.write(outbox_.statistics.begin(), shared_, platform_.figures(), now - started_us_);
    if (outbox_.statistics.commit() && options_.pace == Pace::repeatable) platform_.send_records();
    report_counts();
}

// A record that finds no room is written with the next statistics.
void Worker::report_counts() {
    if (!counts_writer_.due(shared_.crashes())) return;
    CountsWriter next = counts_writer_;
    next.write(outbox_.statistics.begin(), shared_.crashes());
    if (!outbox_.statistics.commit()) return;
    counts_writer_ = next;
    if (options_.pace == Pace::repeatable) platform_.send_records();
}

void Worker::report_corpus() {
    for (; next_report_ < corpus_.end(); ++next_report_) {
        Entry &entry = corpus_.entry(next_report_);
        if (!entry.live || entry.reported) continue;
        write_corpus(outbox_.ordinary.begin(), entry, corpus_.data(next_report_), options_.core);
        if (!outbox_.ordinary.commit()) return;
        entry.reported = true;
        if (options_.pace == Pace::repeatable) platform_.send_records();
    }
}

bool Worker::report_refused(RefusedReporter::Due due) {
    const bool whole =
        refused_.report(executor_.refused_calls(), due, outbox_.ordinary, options_.core, options_.resolver);
    if (options_.pace == Pace::repeatable && !outbox_.ordinary.empty()) platform_.send_records();
    return whole;
}

bool Worker::flush() {
    report_corpus();
    return report_refused(RefusedReporter::Due::all) && next_report_ == corpus_.end();
}

bool Worker::report_last() {
    if (stats_.last_case() == shared_.cases()) return true;
    if (!outbox_.statistics.empty()) return false;
    report_stats();
    return true;
}

} // namespace fuzz
