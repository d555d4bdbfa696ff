// vm/outcome.h — how one case ended, independent of the processor's vendor and of the target's system.
//
// guest/ runs a target and produces these; fuzz/ reads them to decide what to run next.
#pragma once

#include "base/span.h"
#include "base/text.h"
#include "base/types.h"

namespace vm {

enum class Ending : u8 {
    done,          // the harness returned
    crash,         // Outcome::finding says what was found
    timeout,       // the edge budget was used up, or the backstop timer ended a case without edges
    out_of_memory, // it wrote more pages than its machine may have, or used its heap up
    stopped,       // the run was asked to stop while the case ran
};
constexpr u32 ending_count = 5;
static_assert(ending_count == static_cast<u32>(Ending::stopped) + 1, "arrays have one place for each");

enum class Access : u8 { none, read, write, execute };

constexpr u32 max_target_frames = 64; // holds two rounds of a parser's recursion through 30 functions
constexpr u32 max_site_frames = 4;
constexpr u32 max_recursions = 8;

constexpr u32 max_threads = 16;
constexpr u32 max_thread_frames = 8;

// Where one thread of the target waits.
struct ThreadStack {
    u64 id = 0; // the target's own number for it
    u64 frames[max_thread_frames] = {};
    u32 frame_count = 0;
};

// Frames of a stack that were there several times in a row, and are listed once.
struct Recursion {
    u32 first = 0, length = 0; // which frames
    u32 repeats = 0;           // rounds that are not listed
};

// What went wrong in the target. The Texts point at constants.
struct Finding {
    u64 hash = 0; // groups equal findings: guest/crash_hash.h
    Text kind;    // "heap-buffer-overflow", ...: AddressSanitizer's names where it has one; "timeout"
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
    u32 recursion_count = 0;
    Recursion recursions[max_recursions]; // in `frames`, innermost first
    bool frames_cut = false;              // the stack goes on behind `frames`
    u32 thread_count = 0;
    ThreadStack threads[max_threads]; // of a deadlock: the threads that wait, the last one to do so first
    char text[256] = {};              // an assertion's text, a variable's name, what is undefined
    bool uninitialised = false;       // the outcome changes with the fill of fresh memory
};

// What the target printed in a case: how many bytes, and the last of them.
struct Printed {
    u64 total = 0;
    Bytes last; // at most most_printed
};
constexpr u32 most_printed = 4096;

struct Outcome {
    Ending ending = Ending::done;
    i64 value = 0;       // what the harness returned: -1 keeps the input out of the corpus
    u64 edges_spent = 0; // of the edge budget
    Finding finding;     // of every ending but `done`: what it was, or where
};

// One observed comparison of the target (flags bit 0: b is a constant).
struct Comparison {
    u64 a, b;
    u32 size;
    u32 flags;
};

// Of one case; targets/runtime/abi.h defines what the target does with them.
struct CaseOptions {
    u64 edge_budget = 0;
    bool record_comparisons = false;
    bool show_output = false; // log what the target prints
    u8 fill = 0xbe;           // byte that fresh heap memory is filled with
    u8 leak = 0; // not 0: a case that returns ends with its leak of this number, from 1, as a finding
};

// A system call that nothing answers, from one place in the target.
struct RefusedCall {
    static constexpr u32 max_frames = 4, longest_path = 64;
    u64 number = 0;
    Text name;     // a constant of the program
    u64 error = 0; // that the target got, as a positive number of Linux
    u64 count = 0; // since the machine's start
    u64 rip = 0, sp = 0;
    u64 arguments[6] = {};        // of the first such call
    u64 frames[max_frames] = {};  // its stack, innermost first, 0 ends
    char path[longest_path] = {}; // what it was about, when the call takes a path: cut, ended by a zero
};

// A machine's counters since its start. Tests read from them what a reset costs, and that a steady case takes
// one exit, no new page and no allocation.
struct Statistics {
    u64 exits = 0;         // every #VMEXIT
    u64 new_pages = 0;     // nested faults resolved by mapping or copying a page
    u64 requests = 0;      // hypercalls after which the target goes on
    u64 refused_calls = 0; // of them: system calls that nothing answers
    u64 ticks = 0;         // host interrupts
    u64 cpuid_exits = 0;
    u64 other_exits = 0; // RDTSC, MSRs, ports, HLT and other intercepts
    u64 dirty_pages = 0; // restored by resets
    u64 reset_bytes = 0;
    u64 evicted_pages = 0; // clean private pages whose frames were taken because frames ran short
    u64 allocations = 0;   // frames taken while running or resetting
    u64 resets = 0;
    u64 guest_time = 0, reset_time = 0; // by the time stamp: between entry and #VMEXIT, and in resets
};

} // namespace vm
