// kernel/campaign/status_block.cpp — see status_block.h. Words and places are those of
// tools/rl/results/live_block.py.
#include "kernel/campaign/status_block.h"

#include "kernel/console.h"
#include "kernel/entry/machine_check.h"

namespace kernel {

namespace {

constexpr usize second_column = 40, name_width = 12;

// 1234567 as "1,234,567".
template <usize capacity> void add_grouped(TextBuffer<capacity> &line, u64 number) {
    u64 unit = 1;
    while (number / unit >= 1000) unit *= 1000;
    line.add("{}", number / unit);
    for (; unit > 1; unit /= 1000) {
        const u64 group = number % unit / (unit / 1000);
        line.add(",{}{}{}", group / 100, group / 10 % 10, group % 10);
    }
}

template <usize capacity> void pad(TextBuffer<capacity> &line, usize width) {
    while (line.size() < width && !line.cut()) line.add(" ");
}

template <usize capacity> void add_clock(TextBuffer<capacity> &line, u64 seconds) {
    const u64 minutes = seconds / 60 % 60, rest = seconds % 60;
    line.add("{}:{}{}:{}{}", seconds / 3600, minutes / 10, minutes % 10, rest / 10, rest % 10);
}

template <usize capacity> void add_name(TextBuffer<capacity> &line, Text name) {
    const usize column = line.size();
    line.add("{}", name);
    pad(line, column + name_width);
}

u64 sum(const fuzz::Shared &shared, Atomic<u64> fuzz::CoreCounts::*counter) {
    u64 all = 0;
    for (u32 core = 0; core < shared.cores(); ++core) all += (shared.counts(core).*counter).load();
    return all;
}

u64 largest(const fuzz::Shared &shared, Atomic<u64> fuzz::CoreCounts::*counter) {
    u64 most = 0;
    for (u32 core = 0; core < shared.cores(); ++core) most = max(most, (shared.counts(core).*counter).load());
    return most;
}

} // namespace

void StatusBlock::update(fuzz::Shared &shared, u64 now, u64 second) {
    if (began_at_ == 0) began_at_ = now;
    if (shown_at_ != 0 && now - shown_at_ < second) return;
    const u64 cases = shared.cases();
    if (shown_at_ != 0)
        rate_ = (cases - cases_) * 1000 / max(1ul, (now - shown_at_) / max(1ul, second / 1000));
    cases_ = cases;
    shown_at_ = now;
    note_news(shared, now);
    for (Line &line : lines_) line.clear();
    write_figures(shared, now, second);
    write_last_crash(shared);
    Text texts[rows];
    for (u32 row = 0; row < rows; ++row) texts[row] = lines_[row].text();
    show_status(texts);
}

void StatusBlock::note_news(const fuzz::Shared &shared, u64 now) {
    if (shared.edges() != edges_) edge_at_ = now;
    if (shared.crashes().times() != crashes_) crash_at_ = now;
    edges_ = shared.edges(), crashes_ = shared.crashes().times();
}

void StatusBlock::write_figures(const fuzz::Shared &shared, u64 now, u64 second) {
    const u64 seconds = (now - began_at_) / second;
    u32 number = 0;
    const auto left = [&](Text name) -> Line & {
        add_name(lines_[number], name);
        return lines_[number];
    };
    const auto right = [&](Text name) -> Line & {
        pad(lines_[number], second_column);
        add_name(lines_[number], name);
        return lines_[number++];
    };
    const auto since = [&](Line &line, u64 then) {
        if (then == 0) return static_cast<void>(line.add("none yet"));
        add_clock(line, (now - then) / second);
        line.add(" ago");
    };
    Line &head = lines_[number++];
    head.add("-- {} cores, ", shared.cores());
    add_clock(head, seconds);
    const u64 seeds = largest(shared, &fuzz::CoreCounts::seeds_left);
    const u64 refused = sum(shared, &fuzz::CoreCounts::refused_calls);
    if (seeds != 0) head.add(", {} seeds left", seeds);
    if (refused != 0) head.add(", {} calls refused", refused);
    if (hardware_errors() != 0) head.add(", {} hardware errors", hardware_errors());
    head.add(" ");
    while (head.size() < 79) head.add("-");
    add_grouped(left("exec/s"), rate_);
    add_grouped(right("execs"), cases_);
    Line &edges = left("edges");
    add_grouped(edges, edges_);
    edges.add(" of "), add_grouped(edges, shared.counters());
    since(right("new edge"), edge_at_);
    Line &crashes = left("crashes");
    const u64 bugs = shared.crashes().count();
    add_grouped(crashes, bugs), crashes.add(bugs == 1 ? " bug, " : " bugs, ");
    add_grouped(crashes, crashes_), crashes.add(" crashes");
    since(right("last crash"), crash_at_);
    add_grouped(left("corpus"), largest(shared, &fuzz::CoreCounts::corpus));
    Line &timeouts = right("timeouts");
    add_grouped(timeouts, shared.timeouts().count());
    timeouts.add(", out of memory "), add_grouped(timeouts, shared.starved().count());
}

void StatusBlock::write_last_crash(fuzz::Shared &shared) {
    fuzz::LastCrash::Lines last;
    if (!shared.last_crash().read(last)) return;
    for (u32 line = 0; line < fuzz::LastCrash::count; ++line)
        lines_[rows - fuzz::LastCrash::count + line].add("{}", last.line(line));
}

} // namespace kernel
