// mm/page_table.h — the page table walk and its edits: 4-level tables of any format.
//
//   47     39 38     30 29     21 20     12 11        0
//   [level 3] [level 2] [level 1] [level 0] [ offset  ]     nine bits a level, 512 entries a table
//
// It edits tables and invalidates no TLB: a caller that unmaps, protects or detaches tables knows which cores
// may hold the old translation. It takes no lock. An entry is read once and written once, as a whole.
//
// Every operation either happens or leaves the tables as they were: new tables are made complete, bottom
// first, before the entry that makes them visible is written.
#pragma once

#include "base/atomic.h"
#include "base/check.h"
#include "cpu/ops.h"
#include "mm/codes.h"
#include "mm/formats.h"
#include "mm/frame_batch.h"
#include "mm/owned_frame.h"
#include "mm/physical.h"

namespace mm {

constexpr u32 entries_per_table = 512;

// An entry's place, and what it held when it was read. Keep it, and the entry is one pin away.
struct Location {
    Phys table;
    u32 index = 0;
    u32 level = 0; // 0: an entry of the last level, for one page
    Entry entry;
};

template <class Pin> Atomic<u64> &entry_word(Pin &table, u32 index) {
    return reinterpret_cast<Atomic<u64> *>(table.bytes())[index];
}
template <class Pin> Entry load_entry(Pin &table, u32 index) { return {entry_word(table, index).load()}; }
template <class Pin> void store_entry(Pin &table, u32 index, Entry entry) {
    entry_word(table, index).store(entry.raw, Order::release);
}

template <class Format, PhysicalMemory M> class PageTable final {
  public:
    using Address = typename Format::Address;

    PageTable(M &memory, Phys root) : memory_(&memory), root_(root) {}

    // An empty table of its own.
    template <FrameAllocator F> static rstate::Result<PageTable> make(M &memory, F &frames) {
        OwnedFrame root(frames,
                        TRY(frames.allocate(Format::table_owner), "allocating the root of a page table"),
                        Format::table_owner);
        TRY(clear_frame(memory, root.get()), "clearing the root of a page table");
        return PageTable(memory, root.release());
    }

    Phys root() const { return root_; }
    M &memory() const { return *memory_; }

    // Where the walk for `address` ends: at its page's entry (level 0, whatever that holds), at a large
    // page, or at the absent entry of a higher level below which there are no tables.
    rstate::Result<Location> locate(Address address) const {
        if (!Format::valid(address)) return FAIL(bad_address, "the address is outside this space", address);
        auto &memory = memory_of_this_core(*memory_);
        Phys table = root_;
        for (u32 level = Format::levels - 1;; --level) {
            auto pin = TRY(memory.pin(table), "pinning a page table", table, level);
            const u32 index = index_of(address, level);
            const Entry entry = load_entry(pin, index);
            if (level == 0 || !entry.is_table()) return Location{table, index, level, entry};
            table = entry.frame();
        }
    }

    // The level-0 entry of `address`; the tables on the way are made where they are missing.
    template <FrameAllocator F> rstate::Result<Location> prepare(Address address, F &frames) {
        Location at = TRY(locate(address), "finding where tables are missing", address);
        if (at.level == 0) return at;
        if (!at.entry.empty())
            return FAIL(already_mapped, "a larger page or a mark covers this address", address, at.level);
        return TRY(extend(at, address, frames), "making the missing tables", address, at.level);
    }

    template <FrameAllocator F>
    rstate::Result<void> map(Address address, Phys frame, Permissions allowed, F &frames,
                             Cache cache = Cache::write_back) {
        CHECK(Format::allows(allowed), "no page of this space is both writable and executable", address);
        CHECK(address.page_aligned() && frame.page_aligned(), "whole pages are mapped", address, frame);
        Location at = TRY(prepare(address, frames), "finding the entry of a page to map", address);
        if (!at.entry.empty()) return FAIL(already_mapped, "the entry is in use", address, at.entry.raw);
        TRY(write(at, Format::leaf(frame, allowed, cache)), "mapping a page", address, frame);
        return rstate::done();
    }

    // Removes a page's mapping and says what it was. Empty tables stay until
    // `detach_empty_tables`.
    rstate::Result<Entry> unmap(Address address) {
        Location at = TRY(find(address), "finding the page to unmap", address);
        const Entry old = at.entry;
        TRY(write(at, Entry{}), "unmapping a page", address);
        return old;
    }

    // Changes what a mapped page allows; frame, cache type and the rest stay.
    rstate::Result<void> protect(Address address, Permissions allowed) {
        CHECK(Format::allows(allowed), "no page of this space is both writable and executable", address);
        Location at = TRY(find(address), "finding the page to protect", address);
        Entry entry = at.entry;
        entry.raw = Entry::Writable::set(entry.raw, allowed.write);
        entry.raw = Entry::NoExecute::set(entry.raw, !allowed.execute);
        TRY(write(at, entry), "changing a page's permissions", address);
        return rstate::done();
    }

    // The present leaf of `address`, of whichever level; not_mapped when there is none.
    rstate::Result<Location> find(Address address) const {
        Location at = TRY(locate(address), "walking the tables", address);
        if (!at.entry.present())
            return FAIL(not_mapped, "no entry for this address at this level", address, at.level);
        return at;
    }

    rstate::Result<Phys> translate(Address address) const {
        const Location at = TRY(find(address), "translating an address", address);
        const u64 span = page_size << (9 * at.level);
        return Phys(align_down(at.entry.frame().value(), span) + (address.value() & (span - 1)));
    }

    // Reads the entry anew; for places kept from earlier.
    rstate::Result<Entry> read(const Location &at) const {
        auto table = TRY(memory_->pin(at.table), "pinning a kept page table", at.table);
        return load_entry(table, at.index);
    }
    rstate::Result<void> write(Location &at, Entry entry) {
        auto table = TRY(memory_->pin(at.table), "pinning a page table to change it", at.table);
        store_entry(table, at.index, entry);
        at.entry = entry;
        return rstate::done();
    }

    // Detaches the tables on the way to `address` that hold nothing at all, marks included, and calls
    // taken(Phys table) for each; the root stays. The caller frees them once no core can have them cached.
    template <class Taken> rstate::Result<void> detach_empty_tables(Address address, Taken &&taken) {
        Location path[Format::levels];
        u32 level = Format::levels - 1;
        Phys table = root_;
        for (;; --level) {
            auto pin = TRY(memory_->pin(table), "pinning a table on the way to an empty one", table, level);
            const u32 index = index_of(address, level);
            path[level] = {table, index, level, load_entry(pin, index)};
            if (level == 0 || !path[level].entry.present() || path[level].entry.large()) break;
            table = path[level].entry.frame();
        }
        for (; level + 1 < Format::levels; ++level) {
            if (!TRY(table_is_empty(path[level].table), "looking for an empty table", address)) break;
            TRY(write(path[level + 1], Entry{}), "detaching an empty table", address);
            taken(path[level].table);
        }
        return rstate::done();
    }

    // Calls visit(Address, Location) -> Result<void> for every entry that is not empty and not a table, marks
    // included, in order. `visit` may change the entry it is given.
    template <class Visit> rstate::Result<void> visit(Visit &&visit) const {
        return visit_table(root_, Format::levels - 1, 0, visit);
    }

    // Frees every table, the root included; the frames that it maps stay the caller's.
    template <FrameAllocator F> rstate::Result<void> destroy(F &frames) {
        FrameBatch batch(frames, Format::table_owner);
        TRY(destroy_table(root_, Format::levels - 1, batch), "freeing a whole page table", root_);
        return rstate::done();
    }

    static constexpr u32 index_of(Address address, u32 level) {
        return static_cast<u32>(address.value() >> (12 + 9 * level)) & (entries_per_table - 1);
    }

  private:
    static rstate::Result<void> clear_frame(M &memory, Phys frame) {
        auto page = TRY(memory.pin(frame), "pinning a new table to clear it", frame);
        cpu::fill_page(page.bytes(), 0);
        return rstate::done();
    }

    // One new, cleared table for `level` whose entry for `address` is `child`.
    template <FrameAllocator F>
    rstate::Result<Phys> make_table(Address address, u32 level, Entry child, F &frames) {
        OwnedFrame frame(frames, TRY(frames.allocate(Format::table_owner), "allocating a page table", level),
                         Format::table_owner);
        auto table = TRY(memory_->pin(frame.get()), "pinning a new page table", level);
        cpu::fill_page(table.bytes(), 0);
        store_entry(table, index_of(address, level), child);
        return frame.release();
    }

    // Makes the tables below `top`, whose entry is empty, and links them in with one write.
    template <FrameAllocator F>
    rstate::Result<Location> extend(const Location &top, Address address, F &frames) {
        auto parent = TRY(memory_->pin(top.table), "pinning the table to extend", top.table, top.level);
        Phys made[Format::levels];
        Entry child;
        for (u32 level = 0; level < top.level; ++level) {
            auto table = make_table(address, level, child, frames);
            if (!table.ok()) {
                for (u32 undo = 0; undo < level; ++undo) frames.free(made[undo], Format::table_owner);
                return WRAP(table.take_error(), "making one of the missing tables", address, level);
            }
            made[level] = table.take();
            child = Format::table(made[level]);
        }
        store_entry(parent, top.index, child);
        return Location{made[0], index_of(address, 0), 0, {}};
    }

    rstate::Result<bool> table_is_empty(Phys frame) const {
        auto table = TRY(memory_->pin(frame), "pinning a table to see whether it is empty", frame);
        for (u32 i = 0; i < entries_per_table; ++i)
            if (!load_entry(table, i).empty()) return false;
        return true;
    }

    template <class Visit>
    rstate::Result<void> visit_table(Phys frame, u32 level, u64 base, Visit &visit) const {
        auto table = TRY(memory_->pin(frame), "pinning a table to visit it", frame, level);
        for (u32 i = 0; i < entries_per_table; ++i) {
            const Entry entry = load_entry(table, i);
            const u64 bits = base | static_cast<u64>(i) << (12 + 9 * level);
            if (entry.empty()) continue;
            if (level > 0 && entry.present() && !entry.large())
                TRY(visit_table(entry.frame(), level - 1, bits, visit), "visiting a lower table");
            else
                TRY(visit(Format::address(bits), Location{frame, i, level, entry}), "visiting an entry");
        }
        return rstate::done();
    }

    template <FrameAllocator F>
    rstate::Result<void> destroy_table(Phys frame, u32 level, FrameBatch<F> &freed) {
        if (level > 0) {
            auto table = TRY(memory_->pin(frame), "pinning a table to free those below it", frame, level);
            for (u32 i = 0; i < entries_per_table; ++i) {
                const Entry entry = load_entry(table, i);
                if (!entry.present() || entry.large()) continue;
                TRY(destroy_table(entry.frame(), level - 1, freed), "freeing a lower table");
                store_entry(table, i, Entry{});
            }
        }
        freed.add(frame);
        return rstate::done();
    }

    M *memory_;
    Phys root_;
};

} // namespace mm
