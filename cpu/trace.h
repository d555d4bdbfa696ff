// cpu/trace.h — a trace ring for each core: fixed-size records, always on, written by that core alone.
//
//   cpu::trace(guest_ends, exit_code, rip);     one record: time stamp, site, two values
//
// Nothing is formatted until the trace is printed. Interrupt handlers trace too: a handler that comes while a
// slot is being claimed loses its record, but no record mixes two.
#pragma once

#include "base/atomic.h"
#include "base/core.h"
#include "base/types.h"

namespace cpu {

// As in Chrome's trace format: spans begin and end, a moment stands alone.
enum class Phase : char { begin = 'B', end = 'E', moment = 'i' };

// A constant at each place that traces. Names hold no blanks; a value without one is not printed.
struct TraceSite {
    Phase phase;
    const char *name;
    const char *first = "";
    const char *second = "";
};

struct TraceRecord {
    u64 time = 0; // time-stamp counter
    const TraceSite *site = nullptr;
    u64 first = 0, second = 0;
};

struct TraceRing {
    static constexpr u32 capacity = 512; // 16 KiB, some hundred cases: chosen
    Atomic<u64> written;                 // since the start
    TraceRecord records[capacity];
};

// A core without a ring traces nothing. The ring lives as long as the core runs.
void attach_trace(u32 core, TraceRing &ring);
// nullptr when it has none.
const TraceRing *trace_of(u32 core);

// The time stamp of the record, whether or not there is a ring for it.
u64 trace(const TraceSite &site, u64 first = 0, u64 second = 0);

// Calls visit(const TraceRecord &) for the last `most` records, oldest first. The core may go on meanwhile: a
// record that it overwrites is seen as the new one.
template <class Visit> void visit_trace(const TraceRing &ring, u64 most, Visit &&visit) {
    const u64 end = ring.written.load(Order::acquire);
    const u64 kept = min(min<u64>(end, TraceRing::capacity), most);
    for (u64 i = end - kept; i < end; ++i) visit(ring.records[i % TraceRing::capacity]);
}

} // namespace cpu
