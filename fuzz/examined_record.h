// fuzz/examined_record.h — the records of inputs that are examined or minimized: run, and not fuzzed.
// docs/fuzz.md lists their fields.
#pragma once

#include "fuzz/coverage.h"
#include "fuzz/records.h"

namespace fuzz {

// What one input did.
struct Examined {
    u64 index = 0; // among the inputs that were given
    vm::Ending ending = vm::Ending::done;
    i64 value = 0;           // what the harness returned
    u64 edges = 0;           // that the case spent
    u64 hash = 0;            // of its finding; 0: it has none
    u64 other_fill_hash = 0; // of the crash with another fill of fresh memory; 0: none, or not tried
    u64 leak_hash = 0;       // of what it leaks; 0: nothing, or not tried
    Bytes features;          // packed
};

// The smallest input so far that ends as the first one did.
struct Minimized {
    u64 runs = 0; // of the target, so far
    vm::Ending ending = vm::Ending::done;
    u64 hash = 0;
    bool done = false; // no smaller one was found, or no runs are left
    Bytes input;
};

// Writes ascending features as the differences of one to the next, each as LEB128: seven bits a byte, the
// lowest first. Returns how many bytes they take; what does not fit is left out.
usize pack_features(Span<const Feature> features, MutableBytes room);
constexpr usize longest_packed_feature = 5;

void write_examined(const Output &out, const Examined &examined);
void write_minimized(const Output &out, const Minimized &minimized);

} // namespace fuzz
