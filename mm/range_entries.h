// mm/range_entries.h — the page-table entries of whole ranges: visited, filled, mapped, cleared.
//
// Only entries of the last level. Not locked: the address space's lock covers it. Invalidating TLBs is the
// caller's part, except for tables that become empty (mm/detached_tables.h).
#pragma once

#include "mm/detached_tables.h"
#include "mm/must.h"
#include "mm/page_table.h"
#include "mm/record.h"

namespace mm {

template <PhysicalMemory M> class EntryRollback;

template <PhysicalMemory M> class RangeEntries final {
  public:
    using Table = PageTable<HostFormat, M>;

    RangeEntries(Frames<M> &frames, Phys root) : frames_(frames), table_(frames.memory(), root) {}

    Table &table() { return table_; }

    // Calls visit(pin, index, page) for the entry of each page; the tables exist.
    template <class Visit> rstate::Result<void> visit(Virt first, u64 pages, Visit &&visit) {
        for (u64 page = 0; page < pages;) {
            const Location at = TRY(table_.locate(first + page * page_size), "walking a range", first, page);
            CHECK(at.level == 0, "a range has its tables", first, page, at.level);
            auto pin = TRY(frames_.memory().pin(at.table), "pinning a table of a range", at.table);
            for (u32 index = at.index; index < entries_per_table && page < pages; ++index, ++page)
                visit(pin, index, page);
        }
        return rstate::done();
    }
    template <class Visit> void must_visit(Virt first, u64 pages, Visit &&each) {
        must(visit(first, pages, each), "ending a range");
    }

    rstate::Result<bool> are_empty(Virt first, u64 pages);
    // Writes one entry for every page, making the tables that are missing. What it did is noted in
    // `rollback`, also when it fails.
    rstate::Result<void> fill(Virt first, u64 pages, Entry entry, EntryRollback<M> &rollback);
    // Empties entries and detaches the tables that are empty then.
    void clear(Virt first, u64 pages, DetachedTables<M> &detached);
    void detach_empty_tables(Virt address, DetachedTables<M> &detached);

    // The entry of a page where a range with this key may map.
    rstate::Result<Location> reserved(const Range &range, u64 page);
    // Maps a frame, which counts as mapped from now on.
    rstate::Result<void> write_leaf(Location &at, Entry leaf);
    // Pages that are mapped already count as mapped from now on; all or none.
    rstate::Result<void> count_mappings(const Range &range);

  private:
    rstate::Result<void> count_mappings(const Range &range, u64 &counted);

    Frames<M> &frames_;
    Table table_;
};

template <PhysicalMemory M> rstate::Result<bool> RangeEntries<M>::are_empty(Virt first, u64 pages) {
    for (u64 page = 0; page < pages;) {
        const Virt address = first + page * page_size;
        const Location at = TRY(table_.locate(address), "walking to a place", address);
        if (!at.entry.empty()) return false;
        if (at.level != 0) { // no table: all of its span is empty
            const u64 span = page_size << (9 * at.level);
            page += (span - (address.value() & (span - 1))) / page_size;
            continue;
        }
        auto table = TRY(frames_.memory().pin(at.table), "pinning a table to look for a place", address);
        for (u32 index = at.index; index < entries_per_table && page < pages; ++index, ++page)
            if (!load_entry(table, index).empty()) return false;
    }
    return true;
}

template <PhysicalMemory M>
rstate::Result<void> RangeEntries<M>::fill(Virt first, u64 pages, Entry entry, EntryRollback<M> &rollback) {
    rollback.begin_span(first);
    for (u64 page = 0; page < pages;) {
        const Virt address = first + page * page_size;
        const Location at = TRY(table_.prepare(address, frames_), "making the tables of a range", address);
        auto pin = TRY(frames_.memory().pin(at.table), "filling the entries of a range", address);
        const u64 before = page;
        for (u32 index = at.index; index < entries_per_table && page < pages; ++index, ++page)
            store_entry(pin, index, entry);
        rollback.extend_span(page - before);
    }
    return rstate::done();
}

template <PhysicalMemory M> void RangeEntries<M>::clear(Virt first, u64 pages, DetachedTables<M> &detached) {
    for (u64 page = 0; page < pages;) {
        const Virt from = first + page * page_size;
        const u64 count = min(pages - page, u64{entries_per_table} - Table::index_of(from, 0));
        must_visit(from, count, [](auto &pin, u32 index, u64) { store_entry(pin, index, Entry{}); });
        detach_empty_tables(from, detached);
        page += count;
    }
}

template <PhysicalMemory M>
void RangeEntries<M>::detach_empty_tables(Virt address, DetachedTables<M> &detached) {
    detached.make_room();
    const u32 before = detached.count();
    auto done = table_.detach_empty_tables(address, [&](Phys table) { detached.add(table); });
    if (!done.ok()) rstate::ignore(std::move(done), "empty tables stay, which costs frames and nothing else");
    if (detached.count() != before) detached.add_path(address);
}

template <PhysicalMemory M> rstate::Result<Location> RangeEntries<M>::reserved(const Range &range, u64 page) {
    const Location at = TRY(table_.locate(range.page(page)), "walking to a reserved page", range.first, page);
    if (at.entry.present()) return FAIL(already_mapped, "the page is mapped", range.first, page);
    if (at.level != 0 || at.entry != absent_entry(AbsentKind::reserved, range.id, range.key))
        return FAIL(wrong_key, "the page is not reserved with this key", range.first, page, at.entry.raw);
    return at;
}

template <PhysicalMemory M> rstate::Result<void> RangeEntries<M>::write_leaf(Location &at, Entry leaf) {
    TRY(frames_.count_mapping(leaf.frame()), "counting that a frame is mapped", leaf.frame());
    auto written = table_.write(at, leaf);
    if (!written.ok()) must(frames_.uncount_mapping(leaf.frame()), "undoing a mapping");
    return written;
}

template <PhysicalMemory M> rstate::Result<void> RangeEntries<M>::count_mappings(const Range &range) {
    u64 counted = 0;
    auto done = count_mappings(range, counted);
    if (done.ok()) return done;
    must_visit(range.first, counted, [&](auto &pin, u32 index, u64) {
        const Entry entry = load_entry(pin, index);
        if (entry.present()) must(frames_.uncount_mapping(entry.frame()), "undoing a mapping");
    });
    return done;
}

// `counted` says how far it came.
template <PhysicalMemory M>
rstate::Result<void> RangeEntries<M>::count_mappings(const Range &range, u64 &counted) {
    while (counted < range.pages) {
        const Location at =
            TRY(table_.locate(range.page(counted)), "walking to a page of the boot's", range.first, counted);
        auto table = TRY(frames_.memory().pin(at.table), "pinning a table of the boot's pages", at.table);
        for (u32 index = at.index; index < entries_per_table && counted < range.pages; ++index, ++counted) {
            const Entry entry = load_entry(table, index);
            if (entry.present())
                TRY(frames_.count_mapping(entry.frame()), "counting that a frame is mapped", counted);
        }
    }
    return rstate::done();
}

} // namespace mm
