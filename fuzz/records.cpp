// fuzz/records.cpp — see records.h.
#include "fuzz/records.h"

#include "base/hash.h"
#include "fuzz/json.h"
#include "fuzz/minimizer.h"

namespace fuzz {

namespace {

struct Counter {
    const char *name;
    Atomic<u64> CoreCounts::*value;
};

// In the order in which each core's figures are written.
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
    {"system_calls", &CoreCounts::system_calls},
    {"ticks", &CoreCounts::ticks},
    {"other_exits", &CoreCounts::other_exits},
    {"allocations", &CoreCounts::allocations},
    {"shed_pages", &CoreCounts::shed_pages},
    {"corpus", &CoreCounts::corpus},
    {"edges", &CoreCounts::edges},
    {"imported", &CoreCounts::imported},
    {"overtaken", &CoreCounts::overtaken},
    {"refused", &CoreCounts::refused},
    {"evicted", &CoreCounts::evicted},
    {"deferred", &CoreCounts::deferred},
    {"waiting", &CoreCounts::waiting},
    {"digests", &CoreCounts::digests},
};
constexpr u32 counter_count = sizeof counters / sizeof counters[0];

// Parts of `time_all`; the rest is judging, reporting and taking in others' inputs.
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

Text access_name(vm::Access access) {
    switch (access) {
    case vm::Access::read:
        return "read";
    case vm::Access::write:
        return "write";
    case vm::Access::execute:
        return "execute";
    case vm::Access::none:
        break;
    }
    return "";
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
    line.number("edges", shared.edges()).number("corpus", largest(&CoreCounts::corpus));
    line.number("crashes", shared.crashes().count()).number("timeouts", sum(&CoreCounts::timeouts));
    line.number("out_of_memory", sum(&CoreCounts::out_of_memory));
    line.fraction("exits_per_case", rate(&CoreCounts::exits));
    line.fraction("nested_faults_per_case", rate(&CoreCounts::new_pages));
    line.fraction("dirty_pages_per_case", rate(&CoreCounts::dirty_pages));
    line.fraction("reset_bytes_per_case", rate(&CoreCounts::reset_bytes));
    line.number("frames_free", machine.frames_free).number("heap_live", machine.heap_live);
    line.open("exits_by_reason", '{').number("done", sum(&CoreCounts::done));
    line.number("new_page", sum(&CoreCounts::new_pages))
        .number("system_call", sum(&CoreCounts::system_calls));
    line.number("crash", sum(&CoreCounts::crashes)).number("timeout", sum(&CoreCounts::timeouts));
    line.number("tick", sum(&CoreCounts::ticks)).number("other", sum(&CoreCounts::other_exits)).close('}');
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

void write_overrun(const Output &out, vm::Ending ending, u64 case_number, u32 core, Bytes input) {
    JsonLine line(out, ending == vm::Ending::timeout ? "timeout" : "out_of_memory");
    line.hash("hash", xxh64(input)).number("case", case_number).number("core", core);
    line.number("size", input.size()).base64("input", input).end();
}

void write_edges(const Output &out, const Shared &shared) {
    JsonLine(out, "edges").number("edges", shared.edges()).base64("reached", shared.edge_bits()).end();
}

void write_end(const Output &out, Text status, u64 cases) {
    JsonLine(out, "end").text("status", status).number("cases", cases).end();
}

void write_crash(const Output &out, const Crash &crash, const rstate::Resolver *resolver) {
    struct Lines {
        const Output &out;
        static void add(void *self, Text text) {
            const Output &to = static_cast<Lines *>(self)->out;
            to(text);
            to("\n");
        }
    } lines{out};
    print_crash_chain({&Lines::add, &lines}, crash, resolver);

    const vm::Finding &f = *crash.finding;
    TextBuffer<128> function;
    if (f.frame_count != 0) write_function(function.output(), f.frames[0], resolver);
    JsonLine line(out, "crash");
    line.hash("hash", f.hash).text("kind", f.kind).number("case", crash.case_number);
    line.number("core", crash.core).number("size", crash.input.size());
    line.text("function", function.text()).addresses("frames", {f.frames, f.frame_count});
    line.address("address", f.address)
        .text("access", access_name(f.access))
        .number("access_size", f.access_size);
    line.text("region", f.region).address("region_base", f.region_base).number("region_size", f.region_size);
    line.signed_number("offset", f.offset).addresses("alloc", f.allocated).addresses("free", f.freed);
    line.text("text", Text::from_field({reinterpret_cast<const u8 *>(f.text), sizeof f.text}));
    line.truth("uninitialised", f.uninitialised).base64("input", crash.input).end();
}

namespace {

using Line = TextBuffer<240>;

void add_place(Line &line, u64 pc, const rstate::Resolver *resolver) {
    line.add("  target {x}", pc);
    while (line.size() < 28) line.add(" ");
    if (resolver == nullptr || !resolver->resolve(resolver->context, pc, line.output())) line.add("?");
    do line.add(" ");
    while (line.size() < 54);
}

// "read of 4 bytes at 0x10000fc0, 64 bytes before the heap block 0x10001000 of 128 bytes"
void add_fault(Line &line, const vm::Finding &f) {
    line.add("{}", f.kind);
    if (f.access != vm::Access::none)
        line.add(": {} of {} bytes at {x}", access_name(f.access), f.access_size, f.address);
    if (f.region.empty()) return;
    if (f.region_size == 0) {
        line.add(", {}", f.region);
        return;
    }
    // The offset says that it is beside the block; "behind the red zone" would be another place.
    constexpr Text beside = "red zone of a ";
    const Text region = f.region.starts_with(beside) ? f.region.from(beside.size()) : f.region;
    const u64 size = f.region_size;
    if (f.offset < 0)
        line.add(", {} bytes before the {}", -f.offset, region);
    else if (static_cast<u64>(f.offset) >= size)
        line.add(", {} bytes behind the {}", static_cast<u64>(f.offset) - size, region);
    else
        line.add(", {} bytes into the {}", f.offset, region);
    line.add(" {x} of {} bytes", f.region_base, size);
}

} // namespace

void print_crash_chain(const Output &out, const Crash &crash, const rstate::Resolver *resolver) {
    const vm::Finding &f = *crash.finding;
    Line line;
    const auto flush = [&] {
        out(line.text());
        line.clear();
    };
    line.add("error target.{} on core {}, case {}, hash {h}", f.kind, crash.core, crash.case_number, f.hash);
    flush();
    line.add("  fuzz/worker.h");
    while (line.size() < 28) line.add(" ");
    line.add("Worker::run_case");
    while (line.size() < 54) line.add(" ");
    line.add("running one case    case {}, input of {} bytes", crash.case_number, crash.input.size());
    flush();
    for (u32 i = f.frame_count; i-- > 1;) {
        add_place(line, f.frames[i], resolver);
        line.add("calling what is below");
        flush();
    }
    for (u32 i = 0; i < vm::max_site_frames && f.allocated[i] != 0; ++i) {
        add_place(line, f.allocated[i], resolver);
        line.add(i == 0 ? "allocated the block" : "on behalf of");
        flush();
    }
    for (u32 i = 0; i < vm::max_site_frames && f.freed[i] != 0; ++i) {
        add_place(line, f.freed[i], resolver);
        line.add(i == 0 ? "freed the block" : "on behalf of");
        flush();
    }
    const Text text = Text::from_field({reinterpret_cast<const u8 *>(f.text), sizeof f.text});
    if (!text.empty()) line.add("  said: {}", text), flush();
    if (f.uninitialised)
        line.add("  depends on uninitialised memory: another fill of fresh memory ends otherwise"), flush();
    add_place(line, f.frame_count == 0 ? 0 : f.frames[0], resolver);
    add_fault(line, f);
    line.add("   <- origin");
    flush();
}

} // namespace fuzz
