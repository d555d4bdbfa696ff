// kernel/introspect/memory_report.cpp — prints the frames and heap blocks in use; see memory_report.h.
#include "kernel/introspect/memory_report.h"

#include <utility>

#include "base/log.h"
#include "kernel/boot_memory.h"
#include "kernel/introspect/sorted_ranges.h"

namespace kernel {

namespace {

// The heap blocks that one line of the program allocated.
struct AllocationCount {
    mm::AllocationSite site;
    u64 blocks = 0, bytes = 0;
};

void count_in(Span<AllocationCount> counts, usize &used, const mm::Record &record) {
    AllocationCount *count = counts.begin();
    while (count != counts.begin() + used &&
           (count->site.file != record.site.file || count->site.line != record.site.line ||
            count->site.type != record.site.type))
        ++count;
    if (count == counts.end()) return;
    if (count == counts.begin() + used) count->site = record.site, ++used;
    ++count->blocks, count->bytes += record.size;
}

// Prints the blocks for which select(record) is true, by the line that allocated them, largest first.
template <class Select> rstate::Result<> print_blocks(const SortedRanges &ranges, Select &&select) {
    auto counts = TRY(mm::allocate_array<AllocationCount>(world->allocator, ranges.all().size() + 1),
                      "counting blocks");
    usize used = 0;
    for (const mm::Record &record : ranges.all())
        if (record.kind == mm::RangeKind::heap_block && select(record)) count_in(counts.span(), used, record);
    for (usize i = 0; i < used; ++i) {
        for (usize j = i + 1; j < used; ++j)
            if (counts[j].bytes > counts[i].bytes) std::swap(counts[i], counts[j]);
        const AllocationCount &count = counts[i];
        LOG(heap, "{} bytes in {} blocks of {}, {}:{}", count.bytes, count.blocks, count.site.type,
            count.site.file, count.site.line);
    }
    return rstate::done();
}

} // namespace

rstate::Result<> report_memory() {
    LOG(heap, "{} bytes live in {} blocks; {} live and {} freed ranges", world->heap.live_bytes(),
        world->heap.live_blocks(), world->space.live_ranges(), world->space.freed_ranges());
    LOG(heap, "{} frames free, {} used, at most {}", world->frames.free_frames(), world->frames.used(),
        world->frames.peak());
    for (u32 owner = 0; owner < static_cast<u32>(mm::Owner::count_); ++owner)
        if (const u64 frames = world->frames.used(static_cast<mm::Owner>(owner)); frames != 0)
            LOG(heap, "frames of {}: {}", mm::name_of(static_cast<mm::Owner>(owner)), frames);
    if (boot_memory().kept) LOG(heap, "{} bytes kept for a reboot", boot_memory().bytes());
    const SortedRanges ranges = TRY(SortedRanges::collect(), "finding the live blocks");
    return print_blocks(ranges, [](const mm::Record &) { return true; });
}

rstate::Result<> report_blocks_since(u32 ranges_made) {
    const u32 until = world->space.ranges_made(); // the lists that are allocated below are blocks, too
    const SortedRanges ranges = TRY(SortedRanges::collect(), "finding the live blocks");
    return print_blocks(ranges, [&](const mm::Record &record) {
        return mm::made_since(record, ranges_made) && !mm::made_since(record, until);
    });
}

} // namespace kernel
