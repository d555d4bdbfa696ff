// kernel/introspect/mapping_report.cpp — prints what the page tables map; see mapping_report.h.
#include "kernel/introspect/mapping_report.h"

#include "base/log.h"
#include "kernel/introspect/sorted_ranges.h"
#include "kernel/smp/core.h"

namespace kernel {

namespace {

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
    constexpr Text names[] = {"wb", "wc", "uc-", "uc"};
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
    MappingPrinter(Text space, const SortedRanges *ranges) : space_(space), ranges_(ranges) {}

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
    const SortedRanges *ranges_;
    PageRun run_;
    u64 pages_ = 0, slots_[max_cores] = {};
};

template <class Table>
rstate::Result<> print_mappings(Text space, const Table &table, const SortedRanges *ranges) {
    MappingPrinter printer(space, ranges);
    TRY(table.visit([&](typename Table::Address address, const mm::Location &at) -> rstate::Result<> {
        if (at.entry.present()) printer.add(address.value(), at);
        return rstate::done();
    }),
        "walking page tables", table.root());
    printer.finish(table.root());
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
    const SortedRanges ranges = TRY(SortedRanges::collect(), "reading the ranges of the address space");
    TRY(print_mappings("host", world->space.table(), &ranges), "printing the kernel's mappings");
    TRY(print_mappings("nested", machine.nested_table(), nullptr), "printing the nested tables' mappings");
    return rstate::done();
}

} // namespace kernel
