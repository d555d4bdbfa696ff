// kernel/panic/tracing.cpp — prints the cores' trace records; see tracing.h.
#include "kernel/panic/tracing.h"

#include "base/log.h"
#include "cpu/trace.h"
#include "kernel/smp/core.h"

namespace kernel {

namespace {

void add_value(TextBuffer<160> &line, Text name, u64 value) {
    if (!name.empty()) line.add(" {} {x}", name, value);
}

void print_record(u32 core, const cpu::TraceRecord &record) {
    if (record.site == nullptr) return; // reserved, not yet written
    TextBuffer<160> line;
    line.add("trace {} {} {c} {}", core, record.time, record.site->phase, record.site->name);
    add_value(line, record.site->first, record.first);
    add_value(line, record.site->second, record.second);
    log_line(line.text());
}

} // namespace

void dump_traces(u64 most_of_each) {
    const u64 hz = first_core.args != nullptr ? first_core.args->tsc_hz : 0;
    for (u32 core = 0; core < max_cores; ++core) {
        const cpu::TraceRing *const ring = cpu::trace_of(core);
        if (ring == nullptr) continue;
        const u64 written = ring->written.load();
        log_formatted("trace: core {} has {} of {} records, {} ticks a second", core,
                      min(min<u64>(written, cpu::TraceRing::capacity), most_of_each), written, hz);
        cpu::visit_trace(*ring, most_of_each,
                         [&](const cpu::TraceRecord &record) { print_record(core, record); });
    }
}

} // namespace kernel
