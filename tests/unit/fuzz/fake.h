// tests/unit/fuzz/fake.h — a target that is a C++ function, the machine that runs it, and the program around
// a worker.
#pragma once

#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/hash.h"
#include "fuzz/codes.h"
#include "fuzz/worker.h"

namespace fake {

inline Bytes bytes(const std::string &text) {
    return {reinterpret_cast<const u8 *>(text.data()), text.size()};
}
inline std::string string(Bytes b) { return {reinterpret_cast<const char *>(b.data()), b.size()}; }

// Memory for an arena, with the alignment it needs, filled with a pattern that no table may depend on.
struct Memory {
    explicit Memory(usize size) : words(size / 64 + 1) {
        std::memset(words.data(), 0xa5, words.size() * 64);
        arena = std::make_unique<fuzz::Arena>(MutableBytes(words.data()->bytes, size));
    }
    struct alignas(64) Line {
        u8 bytes[64];
    };
    std::vector<Line> words;
    std::unique_ptr<fuzz::Arena> arena;
    operator fuzz::Arena &() { return *arena; }
};

// The results of one run of the target.
struct Trace {
    std::vector<u8> counters;
    std::vector<vm::Comparison> comparisons;
    std::string output;
    vm::Outcome outcome;
    u8 fill = 0;

    void edge(u32 number, u32 times = 1) {
        outcome.edges_spent += times;
        counters[number] = static_cast<u8>(std::min<u32>(255, counters[number] + times));
    }
    // `if (a == b)` with a constant b, as the instrumentation reports it.
    bool equal(u64 a, u64 b, u32 size) {
        comparisons.push_back({a, b, size, fuzz::comparison_constant});
        return a == b;
    }
    void crash(Text kind, std::initializer_list<u64> frames) {
        outcome.ending = vm::Ending::crash;
        outcome.finding.kind = kind;
        outcome.finding.frame_count = 0;
        for (const u64 pc : frames) outcome.finding.frames[outcome.finding.frame_count++] = pc;
        Xxh64 hash;
        hash.add(kind.bytes());
        for (const u64 pc : frames) hash.add_u64(pc);
        outcome.finding.hash = hash.digest();
    }
    void starve() { over(vm::Ending::out_of_memory, 7); }
    void time_out() { over(vm::Ending::timeout, 8); }
    void over(vm::Ending ending, u64 hash) {
        outcome.ending = ending;
        outcome.finding.kind = ending == vm::Ending::timeout ? "timeout" : "out-of-memory";
        outcome.finding.hash = hash;
    }
};

using Target = std::function<void(Bytes, Trace &)>;

// The clock of vm::Statistics and of the platform: a run takes in_target and around_it, a reset in_reset.
inline u64 now = 0;
constexpr u64 in_target = 100, around_it = 10, in_reset = 50;

class Executor {
  public:
    Executor(u32 edges, Target target, vm::MutatorAbilities own = {})
        : abilities(own), edges_(edges), target_(std::move(target)) {
        clear();
    }

    rstate::Result<const vm::Outcome *> run_case(Bytes input, const vm::CaseOptions &options) {
        inputs.push_back(string(input));
        budgets.push_back(options.edge_budget);
        if (!at_snapshot_) return FAIL(fuzz::reset_incomplete, "a case must begin at the snapshot");
        at_snapshot_ = false;
        trace_.fill = options.fill;
        last_options = options;
        target_(input, trace_);
        for (vm::RefusedCall &call : refused) ++call.count, ++statistics_.refused_calls;
        if (trace_.outcome.edges_spent > options.edge_budget) trace_.time_out();
        ++statistics_.exits;
        now += in_target + around_it, statistics_.guest_time += in_target;
        outcome_ = trace_.outcome; // it outlives the reset
        return &outcome_;
    }
    rstate::Result<void> reset() {
        clear();
        ++statistics_.resets;
        now += in_reset, statistics_.reset_time += in_reset;
        return rstate::done();
    }
    u32 counter_count() const { return edges_; }
    // In pieces of an odd size, as page boundaries split the target's counters.
    template <class F> rstate::Result<void> visit_counters(F &&visit) {
        constexpr u32 piece = 29;
        for (u32 at = 0; at < edges_; at += piece)
            visit(at, Bytes(trace_.counters.data() + at, std::min(piece, edges_ - at)));
        return rstate::done();
    }
    rstate::Result<u32> read_comparisons(Span<vm::Comparison> out) {
        u32 count = 0;
        for (const vm::Comparison &c : trace_.comparisons)
            if (count < out.size()) out[count++] = c;
        return count;
    }
    rstate::Result<vm::Printed> read_output(MutableBytes room) {
        const std::string &text = trace_.output;
        std::memcpy(room.data(), text.data(), text.size());
        return vm::Printed{text.size(), {room.data(), text.size()}};
    }
    Span<const vm::RefusedCall> refused_calls() const { return {refused.data(), refused.size()}; }
    const vm::Statistics &statistics() const { return statistics_; }
    rstate::Result<u64> digest() { return digest_now; }
    vm::MutatorAbilities mutator_abilities() { return abilities; }
    rstate::Result<u64> make_mutants(const vm::MutationRequest &request, MutableBytes out) {
        if (!at_snapshot_) return FAIL(fuzz::reset_incomplete, "a mutator must begin at the snapshot");
        at_snapshot_ = false;
        ++mutator_runs;
        u64 used = 0;
        if (forged != 0) {
            std::memcpy(out.data(), &forged, sizeof forged);
            return u64{sizeof forged + 4};
        }
        for (u32 i = 0; i < request.count && mutator; ++i) {
            const std::string made = mutator(string(request.input), string(request.other));
            const u32 size = static_cast<u32>(made.size());
            if (used + vm::mutant_header + size > out.size()) break;
            std::memcpy(out.data() + used, &size, sizeof size);
            std::memcpy(out.data() + used + vm::mutant_header, made.data(), size);
            used += vm::mutant_header + size;
        }
        return used;
    }

    vm::MutatorAbilities abilities;
    std::function<std::string(const std::string &, const std::string &)> mutator;
    u64 mutator_runs = 0;
    u32 forged = 0;                  // when not 0: the size that each mutant pretends to have
    std::vector<std::string> inputs; // of every case, in order
    std::vector<u64> budgets;
    vm::CaseOptions last_options;
    std::vector<vm::RefusedCall> refused;
    u64 digest_now = 1234;

  private:
    void clear() {
        trace_ = Trace();
        trace_.counters.assign(edges_, 0);
        at_snapshot_ = true;
    }
    u32 edges_;
    Target target_;
    Trace trace_;
    vm::Outcome outcome_;
    vm::Statistics statistics_;
    bool at_snapshot_ = true;
};

// A clock that advances with each case, and a console that accepts everything at once or nothing.
struct Platform {
    explicit Platform(fuzz::Outbox &outbox) : outbox_(outbox) {}

    u64 now_us() { return time_us; }
    u64 time() { return ++now; }
    void between_cases() {
        time_us += us_per_case;
        if (console_open) send_records();
        if (each_case) each_case();
    }
    fuzz::MachineFigures figures() { return {.frames_free = 100, .heap_live = 7, .schedule = 0}; }
    void send_records() {
        fuzz::Outbox *const outboxes[] = {&outbox_};
        for (Bytes b; !(b = merger_.next(outboxes, 100)).empty(); merger_.sent(b.size()))
            console += string(b);
    }
    // The lines of the console that are records of this type.
    std::vector<std::string> records(const std::string &type) const {
        std::vector<std::string> found;
        usize at = 0;
        while (at < console.size()) {
            const usize end = console.find('\n', at);
            const std::string line = console.substr(at, end - at);
            if (line.rfind("{\"type\":\"" + type + "\"", 0) == 0) found.push_back(line);
            at = end + 1;
        }
        return found;
    }

    u64 time_us = 0, us_per_case = 100;
    bool console_open = true;
    std::function<void()> each_case;
    std::string console;

  private:
    fuzz::Outbox &outbox_;
    fuzz::Merger merger_;
};

// A worker with everything that it needs, for one core.
template <class E> struct RigOf {
    RigOf(u32 edges, Target target, u64 case_limit, fuzz::WorkerOptions options = {}, u32 max_len = 64,
          vm::MutatorAbilities abilities = {})
        : size{.edges = edges,
               .max_len = max_len,
               .entries = 64,
               .corpus_bytes = 8192,
               .mutants = abilities.any() ? 1024u : 0},
          shared_memory(fuzz::Shared::memory({.cores = 1, .edges = edges, .ring_words = 256})),
          memory(fuzz::Worker::memory(size) + fuzz::Outbox::memory(fuzz::outbox_capacity(max_len))),
          shared(shared_memory, {.cores = 1, .edges = edges, .ring_words = 256}, case_limit),
          executor(edges, std::move(target), abilities), outbox(memory, fuzz::outbox_capacity(max_len)),
          platform(outbox), worker(fuzz::Executor::of(executor), fuzz::Platform::of(platform), shared, outbox,
                                   memory, size, options) {}

    rstate::Result<void> run(std::vector<std::string> seeds = {""}) {
        std::vector<fuzz::Seed> list;
        for (const std::string &seed : seeds) list.push_back({bytes(seed)});
        auto result = worker.run({list.data(), list.size()});
        platform.send_records();
        static_cast<void>(worker.report_last());
        platform.send_records();
        return result;
    }

    fuzz::WorkerSize size;
    Memory shared_memory, memory;
    fuzz::Shared shared;
    E executor;
    fuzz::Outbox outbox;
    Platform platform;
    fuzz::Worker worker;
};
using Rig = RigOf<Executor>;

} // namespace fake
