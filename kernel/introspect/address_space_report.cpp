// kernel/introspect/address_space_report.cpp — the address-space report; see address_space_report.h.
#include "kernel/introspect/address_space_report.h"

#include "base/log.h"
#include "kernel/introspect/mapping_report.h"

namespace kernel {

namespace {

constexpr u64 addresses = 1ul << 36; // pages in both canonical halves

struct Live {
    u64 pages = 0;           // that are mapped
    u64 through_windows = 0; // of them, in the cores' windows, where mappings come and go
};

rstate::Result<Live> live_pages() {
    Live live;
    TRY(world->space.table().visit([&](Virt page, const mm::Location &at) -> rstate::Result<> {
        if (!at.entry.present()) return rstate::done();
        ++live.pages;
        live.through_windows += window_at(page.value()) != max_cores;
        return rstate::done();
    }),
        "counting the mapped pages");
    return live;
}

Text name_of(mm::RangeKind kind) {
    switch (kind) {
    case mm::RangeKind::memory:
        return "memory";
    case mm::RangeKind::heap_block:
        return "heap block";
    case mm::RangeKind::device:
        return "device";
    case mm::RangeKind::lazy:
        return "lazy";
    }
    return "unknown";
}

Text name_of(mm::Permissions allowed) { return allowed.write ? "rw" : allowed.execute ? "rx" : "r"; }

void report_range(const mm::Record &range) {
    TextBuffer<500> line;
    line.add("{\"type\":\"range\",\"first\":\"{x}\",\"pages\":{},\"kind\":\"{}\",\"what\":\"{}\",",
             range.first, range.pages, name_of(range.kind), range.site.type);
    line.add("\"owner\":\"{}\",\"allowed\":\"{}\",\"file\":\"{}\",\"line\":{},\"core\":{}}",
             mm::name_of(range.owner), name_of(range.allowed), range.site.file, range.site.line,
             u32{range.made_by});
    log_line(line.text());
}

} // namespace

rstate::Result<> report_live_pages() {
    const u64 pages = TRY(live_pages(), "counting the live pages").pages;
    LOG(kernel, "{} pages are live: a random canonical address hits one once in {} tries", pages,
        addresses / max(1ul, pages));
    return rstate::done();
}

rstate::Result<> report_layout() {
    TRY(world->space.visit_ranges([](u32, const mm::Record &range) { report_range(range); }),
        "reporting the ranges");
    const Live live = TRY(live_pages(), "counting the live pages");
    TextBuffer<200> line;
    line.add("{\"type\":\"layout\",\"ranges\":{},\"live_pages\":{},\"through_windows\":{},\"one_in\":{}}",
             world->space.live_ranges(), live.pages, live.through_windows, addresses / max(1ul, live.pages));
    log_line(line.text());
    return rstate::done();
}

} // namespace kernel
