// fuzz/records.h — the records that tools read: one JSON object on one line each. docs/fuzz.md lists their
// fields.
#pragma once

#include "base/format.h"
#include "fuzz/corpus.h"
#include "fuzz/input_line.h"
#include "fuzz/shared.h"
#include "rstate/error.h"
#include "vm/outcome.h"

namespace fuzz {

// A crash, timeout or out_of_memory to report: the finding and the input that causes it.
struct Crash {
    u64 case_number = 0;
    u32 core = 0;
    Bytes input;
    const vm::Finding *finding = nullptr;
    vm::Ending ending = vm::Ending::crash; // the type of its record
    u64 edges = 0;                         // that the case had spent
    vm::Printed printed = {};
    Bytes original = {}; // the input before it was minimized; empty where it is too long to be kept
};

// Statistics over all cores. It keeps the sums of the last record, since the figures per case cover the time
// between two records.
class StatsWriter {
  public:
    // `time_us` since the run began.
    void write(const Output &out, const Shared &shared, const MachineFigures &machine, u64 time_us);
    // The case of the last record.
    u64 last_case() const;

  private:
    static constexpr u32 max_counters = 32;
    u64 sum(Atomic<u64> CoreCounts::*counter) const;
    u64 largest(Atomic<u64> CoreCounts::*counter) const;
    // Thousandths per case since the last record.
    u64 rate(Atomic<u64> CoreCounts::*counter) const;

    u64 time_since(const Shared &shared, u32 which, Atomic<u64> CoreCounts::*counter);
    void write_shares(class JsonLine &line, const Shared &shared);

    // One reading of all counters. Both the sums and the list of cores are written from it, so that they
    // agree although the cores continue counting.
    u64 now_[max_cores][max_counters] = {};
    u64 before_[max_counters] = {}; // sums at the last record
    static constexpr u32 max_shares = 8;
    u64 times_before_[max_shares] = {};
    u64 last_time_us_ = 0;
    u32 cores_ = 0;
};

// How often each crash came, a part of them in each record where there are many: a serial line is slow.
class CountsWriter {
  public:
    // Whether any crash came since the last record.
    bool due(const CrashDedup &crashes) const { return crashes.times() != written_; }
    void write(const Output &out, const CrashDedup &crashes);

  private:
    static constexpr u32 most_in_record = 40;
    u64 written_ = 0; // of all crashes
    u32 turn_ = 0;    // the first crash of the next record
};

void write_corpus(const Output &out, const Entry &entry, Bytes data, u32 core);
// The chain for people (crash_chain.cpp), then the record (crash_record.cpp).
void write_crash(const Output &out, const Crash &crash, const rstate::Resolver *resolver);
// The edges that any core has reached: the lowest edge is bit 0 of the first byte; and a byte each of their
// hits.
void write_edges(const Output &out, Shared &shared);
// How often each crash came.
void write_counts(const Output &out, const CrashDedup &crashes);
// The answer to an input that the console gave: whether it will run.
void write_given(const Output &out, u64 hash, InputLineStatus status);
// `status`: "ok", "crash", "timeout", "failed".
void write_end(const Output &out, Text status, u64 cases);

// As records name it: "ok", "crash", "timeout", "out_of_memory", "stopped".
Text ending_name(vm::Ending ending);
// "read", "write", "execute", or nothing.
Text access_name(vm::Access access);

// The chain alone; each line is written without its line end.
void print_crash_chain(const Output &line_out, const Crash &crash, const rstate::Resolver *resolver);

// The same in three lines, for a screen: its kind, what was done to which address, its innermost frame.
LastCrash::Lines short_chain(const Crash &crash, const rstate::Resolver *resolver);

// The name of the function that holds `pc`, without the offset that the resolver adds; `pc` itself when the
// resolver knows none.
void write_function(const Output &out, u64 pc, const rstate::Resolver *resolver);

} // namespace fuzz
