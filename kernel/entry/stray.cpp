// kernel/entry/stray.cpp — see stray.h.
#include "kernel/entry/stray.h"

#include "base/atomic.h"
#include "base/core.h"
#include "base/log.h"
#include "boot/contract/core_args.h"
#include "dev/io_apic.h"
#include "kernel/entry/apic.h"

namespace kernel {

namespace {

constinit dev::IoApic io_apics[boot::max_io_apics];
constinit u32 io_apic_count = 0;
constinit Atomic<bool> searching; // an I/O APIC's two registers serve one core at a time
constinit Atomic<bool> reported[256];
constinit Atomic<u64> counts[max_cores];

// Masks the entry that has the vector and appends where it is. A core that comes while another one searches
// leaves it to the next interrupt.
template <usize capacity> void mask_source(u8 vector, TextBuffer<capacity> &line) {
    bool idle = false;
    if (!searching.compare_exchange(idle, true, Order::acquire, Order::relaxed)) return;
    for (u32 i = 0; i < io_apic_count; ++i) {
        const u32 entry = io_apics[i].find(vector);
        if (entry == io_apics[i].entries()) continue;
        io_apics[i].mask(entry);
        line.add(", from entry {} of I/O APIC {}, which is masked now", entry, i);
    }
    searching.store(false, Order::release);
}

} // namespace

void attach_io_apic(volatile u32 *registers) { io_apics[io_apic_count++] = dev::IoApic(registers); }

// An interrupt that the local APIC delivered has its bit in the in-service register until its end is
// announced; an INT instruction or the PIC sets none, and to announce an end then would end another one.
void handle_stray(u8 vector) {
    if (in_service(vector)) end_of_interrupt();
    counts[current_core()].bump();
    TextBuffer<160> line;
    line.add("stray interrupt: vector {x} on core {}", vector, current_core());
    mask_source(vector, line);
    if (!reported[vector].exchange(true, Order::relaxed)) log_line(line.text());
}

u64 stray_interrupts() {
    u64 all = 0;
    for (const Atomic<u64> &count : counts) all += count.load();
    return all;
}

} // namespace kernel
