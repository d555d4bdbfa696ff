// vm/outcome.h — how one case ended, in terms that know neither the CPU's vendor nor the target's system.
//
// Whoever runs a target (guest/) produces these; whoever decides what to do next (fuzz/) reads them.
#pragma once

#include "base/span.h"
#include "base/text.h"
#include "base/types.h"

namespace vm {

enum class Ending : u8 {
    done,          // the harness returned
    crash,         // Outcome::finding says what was found
    timeout,       // the edge budget was used up, or the backstop timer ended a case without edges
    out_of_memory, // it wrote more pages than its machine may have
};
constexpr u32 ending_count = 4;

enum class Access : u8 { none, read, write, execute };

constexpr u32 max_target_frames = 16;
constexpr u32 max_site_frames = 4;

// What was wrong in the target. Texts live as long as the program, or as long as the run for `text`.
struct Finding {
    u64 hash = 0; // groups equal findings: kind and the names of the innermost three functions
    Text kind;    // "heap-buffer-overflow", ...: AddressSanitizer's names where it has one
    Text region;  // what the address belongs to: "heap block", "stack variable", ... or empty
    Access access = Access::none;
    u64 access_size = 0;
    u64 address = 0; // guest virtual
    u64 region_base = 0, region_size = 0;
    i64 offset = 0;                      // address - region_base
    u64 frames[max_target_frames] = {};  // the target's call stack, innermost first, runtime frames skipped
    u64 allocated[max_site_frames] = {}; // where the block was allocated, 0 ends
    u64 freed[max_site_frames] = {};     // where it was freed
    u32 frame_count = 0;
    char text[128] = {};        // an assertion's text, a variable's name
    bool uninitialised = false; // the outcome changes with the fill of fresh memory
};

struct Outcome {
    Ending ending = Ending::done;
    i64 value = 0;       // what the harness returned: -1 keeps the input out of the corpus
    u64 edges_spent = 0; // of the edge budget
    Finding finding;     // valid for Ending::crash
};

// One observed comparison of the target (flags bit 0: b is a constant).
struct Comparison {
    u64 a, b;
    u32 size;
    u32 flags;
};

// For one case; see targets/runtime/abi.h for what the target makes of them.
struct CaseOptions {
    u64 edge_budget = 0;
    bool record_comparisons = false;
    u8 fill = 0xbe; // byte that fresh heap memory is filled with
};

// What the machinery spent, counted since start; reset cost and hot-path purity are read from these.
struct Spent {
    u64 exits = 0;     // every #VMEXIT
    u64 new_pages = 0; // nested faults resolved by mapping or copying a page
    u64 system_calls = 0;
    u64 ticks = 0;       // host interrupts
    u64 other_exits = 0; // CPUID and their like
    u64 dirty_pages = 0; // restored by resets
    u64 reset_bytes = 0;
    u64 shed_pages = 0;  // private pages given back for want of frames
    u64 allocations = 0; // frames taken while running or resetting
    u64 resets = 0;
    u64 guest_time = 0, reset_time = 0; // by the time stamp: between entry and #VMEXIT, and in resets
};

} // namespace vm
