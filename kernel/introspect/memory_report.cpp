// kernel/introspect/memory_report.cpp — see inventory.h.
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
        constexpr u64 spare = 16; // this list is a range itself
        Ranges ranges;
        ranges.records_ =
            TRY(mm::allocate_array<mm::Record>(world->allocator, world->space.live_ranges() + spare),
                "allocating the list of ranges");
        TRY(world->space.visit_ranges([&](u32, const mm::Record &record) { ranges.insert(record); }),
            "reading the ranges' records");
        return ranges;
    }
    Span<const mm::Record> all() const { return {records_.data(), count_}; }
    // The one that holds `address`, or nullptr.
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

// Neighbouring pages in neighbouring frames (upwards, or downwards as a fresh pool gives them), alike in
// everything that a line tells.
struct Run {
    u64 address = 0;
    Phys frame;
    u64 pages = 0;
    bool down = false; // the frames; settled by the second page
    mm::Entry like;
    mm::Owner owner = mm::Owner::none;
    const mm::Record *record = nullptr;

    // Grows by `next` if that goes on where this ends.
    bool take(const Run &next) {
        const bool up_fits = next.frame == frame + pages * page_size;
        const bool down_fits = next.frame + pages * page_size == frame && next.pages == 1;
        if (pages == 0 || next.address != address + pages * page_size || next.owner != owner ||
            next.record != record || kind_of(next.like) != kind_of(like) ||
            !(down ? down_fits : up_fits || (pages == 1 && down_fits)))
            return false;
        if (pages == 1) down = !up_fits;
        pages += next.pages;
        return true;
    }
    static constexpr u64 kind_of(mm::Entry entry) {
        return entry.raw &
               (mm::Entry::Writable::mask | mm::Entry::NoExecute::mask | mm::Entry::CacheType::mask);
    }
};

Text cache_of(mm::Entry entry) {
    constexpr Text names[] = {"wb", "wt", "uc-", "uc"};
    return names[mm::Entry::CacheType::get(entry.raw)];
}

void print_run(Text space, const Run &run) {
    if (run.pages == 0) return;
    TextBuffer<220> line;
    line.add("map {} {h} {h} {} {} r{}{} {} {}", space, run.address, run.frame.value(), run.pages,
             run.down ? "down" : "up", run.like.writable() ? "w" : "-", run.like.executable() ? "x" : "-",
             cache_of(run.like), mm::name_of(run.owner));
    if (run.record != nullptr) {
        const mm::AllocationSite &site = run.record->site;
        line.add(" {}", site.type);
        if (site.line != 0) line.add(" {}:{}", site.file, site.line);
    }
    log_line(line.text());
}

// `ranges` is nullptr for a space that has no records.
template <class Table> rstate::Result<> list_table(Text space, const Table &table, const Ranges *ranges) {
    Run run;
    u64 pages = 0, slots[max_cores] = {};
    TRY(table.visit([&](typename Table::Address address, const mm::Location &at) -> rstate::Result<> {
        if (!at.entry.present()) return rstate::done();
        const u64 size = 1ul << (9 * at.level);
        pages += size;
        // A window's slots change with every look, and are no place of anything.
        const u32 window = ranges != nullptr ? window_at(address.value()) : max_cores;
        if (window != max_cores) {
            ++slots[window];
            return rstate::done();
        }
        const Run next{address.value(),
                       at.entry.frame(),
                       size,
                       false,
                       at.entry,
                       world->frames.owner_of(at.entry.frame()),
                       ranges != nullptr ? ranges->of(address.value()) : nullptr};
        if (!run.take(next)) {
            print_run(space, run);
            run = next;
        }
        return rstate::done();
    }),
        "walking page tables", table.root());
    print_run(space, run);
    for (u32 core = 0; core < max_cores; ++core)
        if (slots[core] != 0)
            LOG(maps, "window of core {}: {} of {} slots mapped at {}", core, slots[core],
                mm::Window::slot_count, core_table[core]->args->seed.window_base);
    LOG(maps, "{}: {} pages through the tables at {}", space, pages, table.root());
    return rstate::done();
}

// The blocks that one line of the program made.
struct Maker {
    mm::AllocationSite site;
    u64 blocks = 0, bytes = 0;
};

void count_in(Span<Maker> makers, usize &used, const mm::Record &record) {
    Maker *maker = makers.begin();
    while (maker != makers.begin() + used &&
           (maker->site.file != record.site.file || maker->site.line != record.site.line ||
            maker->site.type != record.site.type))
        ++maker;
    if (maker == makers.end()) return;
    if (maker == makers.begin() + used) maker->site = record.site, ++used;
    ++maker->blocks, maker->bytes += record.size;
}

// The blocks that count(record) takes, by who made them.
template <class Count> rstate::Result<> list_blocks(const Ranges &ranges, Count &&count) {
    auto makers =
        TRY(mm::allocate_array<Maker>(world->allocator, ranges.all().size() + 1), "counting blocks");
    usize used = 0;
    for (const mm::Record &record : ranges.all())
        if (record.kind == mm::RangeKind::heap_block && count(record)) count_in(makers.span(), used, record);
    for (usize i = 0; i < used; ++i) {
        for (usize j = i + 1; j < used; ++j)
            if (makers[j].bytes > makers[i].bytes) std::swap(makers[i], makers[j]);
        const Maker &maker = makers[i];
        LOG(heap, "{} bytes in {} blocks of {}, {}:{}", maker.bytes, maker.blocks, maker.site.type,
            maker.site.file, maker.site.line);
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

rstate::Result<> list_mappings(const Machine &machine) {
    const Ranges ranges = TRY(Ranges::collect(), "finding who has which addresses");
    TRY(list_table("host", world->space.table(), &ranges), "the kernel's own tables");
    TRY(list_table("nested", machine.nested_table(), nullptr), "a machine's nested tables");
    return rstate::done();
}

rstate::Result<> list_memory() {
    LOG(heap, "{} bytes live in {} blocks; {} live and {} freed ranges", world->heap.live_bytes(),
        world->heap.live_blocks(), world->space.live_ranges(), world->space.freed_ranges());
    LOG(heap, "{} frames free, {} used, {} at the most", world->frames.free_frames(), world->frames.used(),
        world->frames.peak());
    for (u32 owner = 0; owner < static_cast<u32>(mm::Owner::count_); ++owner)
        if (const u64 frames = world->frames.used(static_cast<mm::Owner>(owner)); frames != 0)
            LOG(heap, "frames of {}: {}", mm::name_of(static_cast<mm::Owner>(owner)), frames);
    if (boot_memory().kept) LOG(heap, "{} bytes kept for a reboot", boot_memory().bytes());
    const Ranges ranges = TRY(Ranges::collect(), "finding the live blocks");
    return list_blocks(ranges, [](const mm::Record &) { return true; });
}

rstate::Result<> list_blocks_since(u32 ranges_made) {
    const u32 until = world->space.ranges_made(); // the lists below are blocks too
    const Ranges ranges = TRY(Ranges::collect(), "finding the live blocks");
    return list_blocks(ranges, [&](const mm::Record &record) {
        return mm::made_since(record, ranges_made) && !mm::made_since(record, until);
    });
}

} // namespace kernel
