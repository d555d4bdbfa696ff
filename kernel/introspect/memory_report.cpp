// kernel/introspect/memory_report.cpp — the memory report; see memory_report.h.
#include "kernel/introspect/memory_report.h"

#include <utility>

#include "base/log.h"
#include "kernel/boot_memory.h"
#include "kernel/smp/core.h"

namespace kernel {

namespace {

// The live ranges' records, sorted by address.
class Ranges final {
  public:
    static rstate::Result<Ranges> collect() {
        constexpr u64 spare = 16; // the list that is allocated here is a range itself
        Ranges ranges;
        ranges.records_ =
            TRY(mm::allocate_array<mm::Record>(world->allocator, world->space.live_ranges() + spare),
                "allocating the list of ranges");
        TRY(world->space.visit_ranges([&](u32, const mm::Record &record) { ranges.insert(record); }),
            "reading the ranges' records");
        return ranges;
    }
    Span<const mm::Record> all() const { return {records_.data(), count_}; }
    // The record of the range that contains `address`, or nullptr.
    const mm::Record *of(u64 address) const {
        usize low = 0, high = count_;
        while (low < high) {
            const usize middle = (low + high) / 2;
            if (records_[middle].first.value() <= address)
                low = middle + 1;
            else
                high = middle;
        }
        if (low == 0) return nullptr;
        const mm::Record &record = records_[low - 1];
        return address - record.first.value() < record.pages * page_size ? &record : nullptr;
    }

  private:
    Ranges() = default;
    void insert(const mm::Record &record) {
        if (count_ == records_.size()) return;
        usize at = count_++;
        for (; at > 0 && records_[at - 1].first > record.first; --at) records_[at] = records_[at - 1];
        records_[at] = record;
    }

    mm::OwnedArray<mm::Record> records_;
    usize count_ = 0;
};

// Adjacent pages in adjacent frames, with the same rights, owner and record: one line of the report. The
// frames lie upwards of the first one, or downwards, as a fresh frame pool hands them out.
struct PageRun {
    u64 address = 0;
    Phys frame; // the first page's
    u64 pages = 0;
    bool down = false; // frames lie downwards; the second page decides it
    mm::Entry entry;
    mm::Owner owner = mm::Owner::none;
    const mm::Record *record = nullptr;

    // Appends `next` if it continues this run; otherwise returns false and leaves the run as it is.
    bool append(const PageRun &next) {
        if (pages == 0 || next.address != address + pages * page_size || !is_like(next)) return false;
        const bool above = next.frame == frame + pages * page_size;
        const bool below = next.frame + pages * page_size == frame && next.pages == 1;
        if (pages == 1) down = below;
        if (down ? !below : !above) return false;
        pages += next.pages;
        return true;
    }

  private:
    bool is_like(const PageRun &other) const {
        return other.owner == owner && other.record == record && rights(other.entry) == rights(entry);
    }
    static constexpr u64 rights(mm::Entry entry) {
        return entry.raw &
               (mm::Entry::Writable::mask | mm::Entry::NoExecute::mask | mm::Entry::CacheType::mask);
    }
};

Text cache_of(mm::Entry entry) {
    constexpr Text names[] = {"wb", "wt", "uc-", "uc"};
    return names[mm::Entry::CacheType::get(entry.raw)];
}

void print_run(Text space, const PageRun &run) {
    if (run.pages == 0) return;
    TextBuffer<220> line;
    line.add("map {} {h} {h} {} {} r{}{} {} {}", space, run.address, run.frame.value(), run.pages,
             run.down ? "down" : "up", run.entry.writable() ? "w" : "-", run.entry.executable() ? "x" : "-",
             cache_of(run.entry), mm::name_of(run.owner));
    if (run.record != nullptr) {
        const mm::AllocationSite &site = run.record->site;
        line.add(" {}", site.type);
        if (site.line != 0) line.add(" {}:{}", site.file, site.line);
    }
    log_line(line.text());
}

// Collects the pages of one address space into runs and prints each run when it ends.
class MappingPrinter final {
  public:
    // `ranges` is nullptr for a space that has no records.
    MappingPrinter(Text space, const Ranges *ranges) : space_(space), ranges_(ranges) {}

    void add(u64 address, const mm::Location &at) {
        const u64 size = 1ul << (9 * at.level);
        pages_ += size;
        // A window's slots change with every pin, so they are counted and not printed.
        const u32 window = ranges_ != nullptr ? window_at(address) : max_cores;
        if (window != max_cores) {
            ++slots_[window];
            return;
        }
        PageRun next;
        next.address = address, next.frame = at.entry.frame(), next.pages = size;
        next.entry = at.entry, next.owner = world->frames.owner_of(next.frame);
        next.record = ranges_ != nullptr ? ranges_->of(address) : nullptr;
        if (run_.append(next)) return;
        print_run(space_, run_);
        run_ = next;
    }
    void finish(Phys root) const {
        print_run(space_, run_);
        for (u32 core = 0; core < max_cores; ++core)
            if (slots_[core] != 0)
                LOG(maps, "window of core {}: {} of {} slots mapped at {}", core, slots_[core],
                    mm::Window::slot_count, core_table[core]->args->seed.window_base);
        LOG(maps, "{}: {} pages through the tables at {}", space_, pages_, root);
    }

  private:
    Text space_;
    const Ranges *ranges_;
    PageRun run_;
    u64 pages_ = 0, slots_[max_cores] = {};
};

template <class Table> rstate::Result<> print_mappings(Text space, const Table &table, const Ranges *ranges) {
    MappingPrinter printer(space, ranges);
    TRY(table.visit([&](typename Table::Address address, const mm::Location &at) -> rstate::Result<> {
        if (at.entry.present()) printer.add(address.value(), at);
        return rstate::done();
    }),
        "walking page tables", table.root());
    printer.finish(table.root());
    return rstate::done();
}

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
template <class Select> rstate::Result<> print_blocks(const Ranges &ranges, Select &&select) {
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

u32 window_at(u64 address) {
    for (u32 core = 0; core < max_cores; ++core)
        if (core_table[core] != nullptr &&
            address - core_table[core]->args->seed.window_base.value() < mm::window_bytes)
            return core;
    return max_cores;
}

rstate::Result<> report_mappings(const Machine &machine) {
    const Ranges ranges = TRY(Ranges::collect(), "reading the ranges of the address space");
    TRY(print_mappings("host", world->space.table(), &ranges), "printing the kernel's mappings");
    TRY(print_mappings("nested", machine.nested_table(), nullptr), "printing the nested tables' mappings");
    return rstate::done();
}

rstate::Result<> report_memory() {
    LOG(heap, "{} bytes live in {} blocks; {} live and {} freed ranges", world->heap.live_bytes(),
        world->heap.live_blocks(), world->space.live_ranges(), world->space.freed_ranges());
    LOG(heap, "{} frames free, {} used, at most {}", world->frames.free_frames(), world->frames.used(),
        world->frames.peak());
    for (u32 owner = 0; owner < static_cast<u32>(mm::Owner::count_); ++owner)
        if (const u64 frames = world->frames.used(static_cast<mm::Owner>(owner)); frames != 0)
            LOG(heap, "frames of {}: {}", mm::name_of(static_cast<mm::Owner>(owner)), frames);
    if (boot_memory().kept) LOG(heap, "{} bytes kept for a reboot", boot_memory().bytes());
    const Ranges ranges = TRY(Ranges::collect(), "finding the live blocks");
    return print_blocks(ranges, [](const mm::Record &) { return true; });
}

rstate::Result<> report_blocks_since(u32 ranges_made) {
    const u32 until = world->space.ranges_made(); // the lists that are allocated below are blocks, too
    const Ranges ranges = TRY(Ranges::collect(), "finding the live blocks");
    return print_blocks(ranges, [&](const mm::Record &record) {
        return mm::made_since(record, ranges_made) && !mm::made_since(record, until);
    });
}

} // namespace kernel
