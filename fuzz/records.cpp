// fuzz/records.cpp — see records.h.
#include "fuzz/records.h"

#include "base/hash.h"
#include "fuzz/json.h"

namespace fuzz {

namespace {

struct Counter {
    const char *name;
    Atomic<u64> CoreCounts::*value;
};

// Each core's figures are written in this order.
constexpr Counter counters[] = {
    {"case", &CoreCounts::cases},
    {"exits", &CoreCounts::exits},
    {"nested_faults", &CoreCounts::new_pages},
    {"dirty_pages", &CoreCounts::dirty_pages},
    {"reset_bytes", &CoreCounts::reset_bytes},
    {"done", &CoreCounts::done},
    {"crash_cases", &CoreCounts::crashes},
    {"timeouts", &CoreCounts::timeouts},
    {"out_of_memory", &CoreCounts::out_of_memory},
    {"requests", &CoreCounts::requests},
    {"refused_calls", &CoreCounts::refused_calls},
    {"ticks", &CoreCounts::ticks},
    {"cpuid_exits", &CoreCounts::cpuid_exits},
    {"other_exits", &CoreCounts::other_exits},
    {"allocations", &CoreCounts::allocations},
    {"evicted_pages", &CoreCounts::evicted_pages},
    {"corpus", &CoreCounts::corpus},
    {"edges", &CoreCounts::edges},
    {"imported", &CoreCounts::imported},
    {"overtaken", &CoreCounts::overtaken},
    {"refused", &CoreCounts::refused},
    {"evicted", &CoreCounts::evicted},
    {"deferred", &CoreCounts::deferred},
    {"waiting", &CoreCounts::waiting},
    {"seeds_left", &CoreCounts::seeds_left},
    {"digests", &CoreCounts::digests},
};
constexpr u32 counter_count = sizeof counters / sizeof counters[0];

// Parts of `time_all`; the rest is evaluation, reporting and corpus sync.
constexpr Counter shares[] = {
    {"target", &CoreCounts::time_target},
    {"exits", &CoreCounts::time_exits},
    {"reset", &CoreCounts::time_reset},
    {"mutation", &CoreCounts::time_mutation},
};

u32 index_of(Atomic<u64> CoreCounts::*counter) {
    u32 i = 0;
    while (counters[i].value != counter) ++i;
    return i;
}

} // namespace

u64 StatsWriter::sum(Atomic<u64> CoreCounts::*counter) const {
    u64 all = 0;
    for (u32 core = 0; core < cores_; ++core) all += now_[core][index_of(counter)];
    return all;
}

u64 StatsWriter::largest(Atomic<u64> CoreCounts::*counter) const {
    u64 most = 0;
    for (u32 core = 0; core < cores_; ++core) most = max(most, now_[core][index_of(counter)]);
    return most;
}

u64 StatsWriter::rate(Atomic<u64> CoreCounts::*counter) const {
    const u64 cases = sum(&CoreCounts::cases) - before_[index_of(&CoreCounts::cases)];
    return cases == 0 ? 0 : (sum(counter) - before_[index_of(counter)]) * 1000 / cases;
}

u64 StatsWriter::last_case() const { return before_[index_of(&CoreCounts::cases)]; }

u64 StatsWriter::time_since(const Shared &shared, u32 which, Atomic<u64> CoreCounts::*counter) {
    u64 now = 0;
    for (u32 core = 0; core < cores_; ++core) now += (shared.counts(core).*counter).load();
    return now - std::exchange(times_before_[which], now);
}

// Thousandths of all cores' time since the last record.
void StatsWriter::write_shares(JsonLine &line, const Shared &shared) {
    constexpr u32 count = sizeof shares / sizeof shares[0];
    static_assert(count < max_shares);
    const u64 all = max(1ul, time_since(shared, count, &CoreCounts::time_all));
    line.open("time_share", '{');
    for (u32 i = 0; i < count; ++i)
        line.fraction(shares[i].name, time_since(shared, i, shares[i].value) * 1000 / all);
    line.close('}');
}

void StatsWriter::write(const Output &out, const Shared &shared, const MachineFigures &machine, u64 time_us) {
    static_assert(counter_count <= max_counters);
    cores_ = shared.cores();
    for (u32 core = 0; core < cores_; ++core)
        for (u32 i = 0; i < counter_count; ++i)
            now_[core][i] = (shared.counts(core).*counters[i].value).load();

    const u64 cases = sum(&CoreCounts::cases), elapsed = max(time_us - last_time_us_, 1ul);
    JsonLine line(out, "stats");
    line.number("case", cases).number("time_us", time_us);
    line.number("cases_per_s", (cases - before_[index_of(&CoreCounts::cases)]) * 1'000'000 / elapsed);
    line.number("edges", shared.edges())
        .number("counters", shared.counters())
        .number("corpus", largest(&CoreCounts::corpus));
    line.number("crashes", shared.crashes().count()).number("timeouts", shared.timeouts().count());
    line.number("out_of_memory", shared.starved().count());
    line.number("seeds_left", largest(&CoreCounts::seeds_left));
    line.fraction("exits_per_case", rate(&CoreCounts::exits));
    line.fraction("nested_faults_per_case", rate(&CoreCounts::new_pages));
    line.fraction("dirty_pages_per_case", rate(&CoreCounts::dirty_pages));
    line.fraction("reset_bytes_per_case", rate(&CoreCounts::reset_bytes));
    line.number("frames_free", machine.frames_free).number("heap_live", machine.heap_live);
    line.number("threads", machine.schedule);
    line.number("hardware_errors", machine.hardware_errors);
    line.number("stray_interrupts", machine.stray_interrupts);
    line.open("exits_by_reason", '{').number("done", sum(&CoreCounts::done));
    line.number("new_page", sum(&CoreCounts::new_pages)).number("request", sum(&CoreCounts::requests));
    line.number("crash", sum(&CoreCounts::crashes)).number("timeout", sum(&CoreCounts::timeouts));
    line.number("tick", sum(&CoreCounts::ticks)).number("cpuid", sum(&CoreCounts::cpuid_exits));
    line.number("other", sum(&CoreCounts::other_exits)).close('}');
    line.number("refused_calls", sum(&CoreCounts::refused_calls));
    write_shares(line, shared);
    line.open("cores", '[');
    for (u32 core = 0; core < cores_; ++core) {
        line.open("", '{').number("core", core);
        for (u32 i = 0; i < counter_count; ++i) line.number(counters[i].name, now_[core][i]);
        line.close('}');
    }
    line.close(']').end();

    for (const Counter &counter : counters) before_[index_of(counter.value)] = sum(counter.value);
    last_time_us_ = time_us;
}

void write_corpus(const Output &out, const Entry &entry, Bytes data, u32 core) {
    JsonLine line(out, "corpus");
    line.hash("hash", entry.hash).number("size", data.size()).number("edges", entry.fresh_edges);
    line.number("case", entry.found_case).number("core", core).base64("data", data).end();
}

void CountsWriter::write(const Output &out, const CrashDedup &crashes) {
    written_ = crashes.times();
    const u32 count = crashes.count(), first = count > most_in_record ? turn_ % count : 0;
    u32 number = 0;
    JsonLine line(out, "counts");
    line.open("crashes", '{');
    crashes.for_each([&](u64 hash, u64 times) {
        if (number - first < most_in_record) line.number(TextBuffer<16>().add("{h}", hash).text(), times);
        ++number;
    });
    turn_ = first + most_in_record < count ? first + most_in_record : 0;
    line.close('}').end();
}

void write_counts(const Output &out, const CrashDedup &crashes) {
    JsonLine line(out, "counts");
    line.open("crashes", '{');
    crashes.for_each(
        [&](u64 hash, u64 times) { line.number(TextBuffer<16>().add("{h}", hash).text(), times); });
    line.close('}').end();
}

void write_edges(const Output &out, Shared &shared) {
    JsonLine(out, "edges")
        .number("edges", shared.edges())
        .base64("reached", shared.edge_bits())
        .base64("hits", shared.hit_levels())
        .end();
}

void write_given(const Output &out, u64 hash, InputLineStatus status) {
    constexpr Text names[] = {"taken", "damaged", "too_long"};
    JsonLine(out, "given").hash("hash", hash).text("status", names[static_cast<u32>(status)]).end();
}

void write_end(const Output &out, Text status, u64 cases) {
    JsonLine(out, "end").text("status", status).number("cases", cases).end();
}

} // namespace fuzz
