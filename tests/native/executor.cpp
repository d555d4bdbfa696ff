// tests/native/executor.cpp — see executor.h. Counts edges and records comparisons as
// targets/runtime does.
#include "tests/native/executor.h"

#include <algorithm>
#include <cstdio>
#include <string>
#include <unistd.h>

#include "base/hash.h"
#include "fuzz/records.h"
#include "tests/native/run.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

namespace {

constexpr u32 most_edges = 1u << 16, places = 4096;
constexpr usize most_comparisons = 4096;
constexpr u8 most_at_a_place = 8;

u8 edge_counters[most_edges];
u32 edge_count = 0;
i64 budget = 0;
bool recording = false;
u8 noted[places];
std::vector<vm::Comparison> comparisons;

void note(u64 pc, u64 a, u64 b, u32 size, u32 flags) {
    if (!recording || a == b || comparisons.size() == most_comparisons) return;
    u8 &count = noted[(pc ^ pc >> 12) % places];
    if (count == most_at_a_place) return;
    ++count;
    comparisons.push_back({a, b, size, flags});
}

struct Symbol {
    u64 address;
    std::string name;
};

std::vector<Symbol> read_symbols() {
    std::vector<Symbol> symbols;
    char own[4096] = {};
    if (readlink("/proc/self/exe", own, sizeof own - 1) <= 0) return symbols;
    FILE *const nm = popen(("nm -n " + std::string(own)).c_str(), "r");
    char kind = 0, name[400];
    u64 address = 0;
    while (nm != nullptr && std::fscanf(nm, "%lx %c %399s", &address, &kind, name) > 0)
        if (kind == 't' || kind == 'T') symbols.push_back({address, name});
    if (nm != nullptr) pclose(nm);
    return symbols;
}

bool resolve(void *, u64 pc, const Output &out) {
    static const std::vector<Symbol> symbols = read_symbols();
    const auto behind =
        std::upper_bound(symbols.begin(), symbols.end(), pc,
                         [](u64 place, const Symbol &symbol) { return place < symbol.address; });
    if (behind == symbols.begin()) return false;
    const Symbol &symbol = behind[-1];
    print(out, "{}+{x}", Text(symbol.name.data(), symbol.name.size()), pc - symbol.address);
    return true;
}

} // namespace

#define HERE reinterpret_cast<u64>(__builtin_return_address(0))
extern "C" {
void __sanitizer_cov_trace_pc_guard_init(u32 *begin, u32 *end) {
    if (begin == end || *begin != 0) return;
    for (u32 *guard = begin; guard < end && edge_count < most_edges; ++guard) *guard = ++edge_count;
}
void __sanitizer_cov_trace_pc_guard(const u32 *guard) {
    if (*guard != 0) ++edge_counters[*guard - 1];
    if (--budget < 0) native_time_out();
}
#define COMPARISONS(bytes, type)                                                                             \
    void __sanitizer_cov_trace_cmp##bytes(type a, type b) { note(HERE, a, b, bytes, 0); }                    \
    void __sanitizer_cov_trace_const_cmp##bytes(type constant, type b) { note(HERE, b, constant, bytes, 1); }
COMPARISONS(1, u8)
COMPARISONS(2, u16)
COMPARISONS(4, u32)
COMPARISONS(8, u64)
void __sanitizer_cov_trace_switch(u64 value, const u64 *cases) {
    if (recording)
        for (u64 i = 0; i < std::min(cases[0], 64ul); ++i)
            note(HERE + i, value, cases[2 + i], static_cast<u32>(cases[1]) / 8, 1);
}
}

namespace native {

namespace {

// From the functions' names, as guest/crash_hash.cpp computes it.
u64 hash_of(const vm::Finding &finding) {
    Xxh64 hash;
    hash.add(finding.kind.bytes());
    for (u32 i = 0; i < std::min(finding.frame_count, 3u); ++i) {
        TextBuffer<160> name;
        fuzz::write_function(name.output(), finding.frames[i], &resolver());
        hash.add(name.text().bytes());
    }
    return hash.digest();
}

} // namespace

Executor::Executor() { CHECK(edge_count != 0, "the harness is compiled with trace-pc-guard"); }

u32 Executor::counter_count() const { return edge_count; }
Bytes Executor::counters() { return {edge_counters, edge_count}; }

rstate::Result<const vm::Outcome *> Executor::run_case(Bytes input, const vm::CaseOptions &options) {
    budget = static_cast<i64>(options.edge_budget);
    recording = options.record_comparisons;
    comparisons.clear();
    if (recording) std::memset(noted, 0, sizeof noted);
    native_result result;
    native_run(LLVMFuzzerTestOneInput, input.data(), input.size(), options.fill, &result);
    ++statistics_.exits;
    outcome_ = {};
    vm::Outcome &outcome = outcome_;
    outcome.value = result.value;
    outcome.edges_spent = options.edge_budget - static_cast<u64>(std::max(budget, i64{0}));
    if (result.ending == native_timeout) outcome.ending = vm::Ending::timeout;
    if (result.ending != native_crash) return &outcome_;
    outcome.ending = vm::Ending::crash;
    vm::Finding &finding = outcome.finding;
    finding.kind = result.kind;
    finding.access = result.is_write ? vm::Access::write : vm::Access::read;
    finding.address = result.address, finding.access_size = static_cast<u64>(result.size);
    for (const uintptr_t pc : result.frames)
        if (pc != 0) finding.frames[finding.frame_count++] = pc;
    finding.hash = hash_of(finding);
    return &outcome_;
}

rstate::Result<void> Executor::reset() {
    std::memset(edge_counters, 0, edge_count);
    ++statistics_.resets;
    return rstate::done();
}

rstate::Result<u32> Executor::read_comparisons(Span<vm::Comparison> out) {
    const u32 count = static_cast<u32>(std::min(out.size(), comparisons.size()));
    std::copy_n(comparisons.begin(), count, out.begin());
    return count;
}

const rstate::Resolver &resolver() {
    static const rstate::Resolver by_symbols{resolve, nullptr};
    return by_symbols;
}

} // namespace native
