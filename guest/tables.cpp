// guest/tables.cpp — see tables.h.
#include "guest/tables.h"

#include "base/bits.h"
#include "guest/codes.h"

namespace guest {

namespace {

// APM vol 2 §5.4 "Page-Translation-Table Entry Format".
struct Entry {
    using Present = Bits<0>;
    using Writable = Bits<1>;
    using User = Bits<2>;
    using Accessed = Bits<5>;
    using Dirty = Bits<6>;
    using Large = Bits<7>;
    using Frame = Bits<51, 12>;
    using NoExecute = Bits<63>;
};
// An access needs the right at every level, so the upper levels grant all rights.
constexpr u64 link = Entry::Present::mask | Entry::Writable::mask | Entry::User::mask | Entry::Accessed::mask;
constexpr u64 supervisor_page = Entry::Present::mask | Entry::Accessed::mask | Entry::Dirty::mask;
constexpr u64 read_page = supervisor_page | Entry::User::mask | Entry::NoExecute::mask;

constexpr u64 entries_per_table = 512;
constexpr u64 covered_by(u32 level) { return page_size << (9 * (level - 1)); }
constexpr u64 index_of(u64 address, u32 level) { return address / covered_by(level) % entries_per_table; }

u64 leaf(const Region &region) {
    u64 entry = Entry::Present::mask | Entry::Accessed::mask | Entry::Dirty::mask | Entry::User::mask;
    if (region.writable) entry |= Entry::Writable::mask;
    if (!region.executable) entry |= Entry::NoExecute::mask;
    if (region.large) entry |= Entry::Large::mask;
    return entry;
}

} // namespace

rstate::Result<void> Tables::build() {
    TRY(new_table(), "taking the root table");
    for (const Region &region : layout_.regions())
        TRY(map(region), "mapping a region of the target", region.name, region.address, region.size);
    const GuestPhys stub = TRY(entry_for(stub_address, 1), "finding the stub's entry");
    TRY(memory_.store(stub, layout_.stub_page().value() | supervisor_page), "mapping the system call stub");
    TRY(map_shared_zeros(), "mapping the shadow of what is not mapped");
    return rstate::done();
}

rstate::Result<GuestPhys> Tables::new_table() {
    const u64 used = (next_ - layout_.tables()) / page_size;
    CHECK(used < layout_.table_pages(), "the layout counted every table", used, layout_.table_pages());
    const GuestPhys table = next_;
    next_ += page_size;
    return table;
}

rstate::Result<GuestPhys> Tables::entry_for(u64 address, u32 level) {
    GuestPhys table = root();
    for (u32 at = 4;; --at) {
        const GuestPhys place = table + index_of(address, at) * sizeof(u64);
        if (at == level) return place;
        u64 entry = 0;
        TRY(memory_.load(place, entry), "reading a page-table entry", place);
        if (!Entry::Present::test(entry)) {
            const GuestPhys lower = TRY(new_table(), "adding a page table", address);
            entry = lower.value() | link;
            TRY(memory_.store(place, entry), "linking a page table", place);
        }
        CHECK(!Entry::Large::test(entry), "regions of large and small pages share no table", address);
        table = GuestPhys(entry & Entry::Frame::mask);
    }
}

// Writes entries [first, first + count) of a table, each pointing `step` further than the one before.
rstate::Result<void> Tables::fill(GuestPhys table, u64 first, u64 count, u64 entry, u64 step) {
    constexpr u64 at_once = 64;
    u64 entries[at_once];
    while (count > 0) {
        const u64 now = min(count, at_once);
        for (u64 i = 0; i < now; ++i, entry += step) entries[i] = entry;
        TRY(memory_.write(table + first * sizeof(u64),
                          Bytes(reinterpret_cast<const u8 *>(entries), now * sizeof(u64))),
            "writing page-table entries", table, first, now);
        first += now, count -= now;
    }
    return rstate::done();
}

rstate::Result<void> Tables::map(const Region &region) {
    const u32 level = region.large ? 2 : 1;
    const u64 step = covered_by(level);
    GuestPhys physical = region.physical;
    for (u64 address = region.address; address < region.end();) {
        const u64 index = index_of(address, level);
        const u64 count = min(entries_per_table - index, (region.end() - address) / step);
        const GuestPhys place = TRY(entry_for(address, level), "finding a page-table entry", address);
        TRY(fill(place.page(), index, count, physical.value() | leaf(region), step), "mapping pages", address,
            count);
        address += count * step;
        physical += count * step;
    }
    return rstate::done();
}

rstate::Result<void> Tables::map_shared_zeros() {
    GuestPhys zeros[4]; // by level
    u64 entry = layout_.zero_page().value() | read_page;
    for (u32 level = 1; level <= 3; ++level) {
        zeros[level] = TRY(new_table(), "taking a table of zeros");
        TRY(fill(zeros[level], 0, entries_per_table, entry, 0), "filling a table of zeros", level);
        entry = zeros[level].value() | link;
    }
    TRY(link_zeros(shadow_start, shadow_gap, zeros), "mapping the shadow of low addresses");
    TRY(link_zeros(high_shadow, shadow_end, zeros), "mapping the shadow of high addresses");
    return rstate::done();
}

// Maps everything in [start, end) that is not mapped yet to the page of zeros, with the largest entries that
// fit. Where a table is, it fills the entries of that table which are empty.
rstate::Result<void> Tables::link_zeros(u64 start, u64 end, const GuestPhys (&zeros)[4]) {
    for (u64 address = start; address < end;) {
        u32 level = 4;
        while (level > 1 && (!is_aligned(address, covered_by(level)) || covered_by(level) > end - address))
            --level;
        GuestPhys place;
        u64 entry = 0;
        for (;; --level) {
            place = TRY(entry_for(address, level), "finding an entry", address);
            TRY(memory_.load(place, entry), "reading an entry", place);
            if (level == 1 || !Entry::Present::test(entry) || Entry::Large::test(entry)) break;
        }
        const u64 shared =
            level == 1 ? layout_.zero_page().value() | read_page : zeros[level - 1].value() | link;
        if (!Entry::Present::test(entry))
            TRY(memory_.store(place, shared), "mapping the page of zeros", place);
        address += covered_by(level);
    }
    return rstate::done();
}

// Replaces the entry of a large page by a table of small ones with the same rights.
rstate::Result<bool> Tables::split(GuestPhys place) {
    if (spare_used_ == GuestLayout::spare_table_pages) return false;
    u64 entry = 0;
    TRY(memory_.load(place, entry), "reading a large page's entry", place);
    const GuestPhys table = layout_.spare_tables() + spare_used_++ * page_size;
    TRY(fill(table, 0, entries_per_table, entry & ~Entry::Large::mask, page_size), "splitting a large page",
        table);
    TRY(memory_.store(place, table.value() | link), "linking the table that splits a large page", place);
    return true;
}

// The region's own leaf entry, with other rights.
u64 Tables::entry_with(const Region &region, u64 address, u64 rights, bool large) const {
    Region changed = region;
    changed.large = large;
    changed.writable = (rights & RL_RIGHT_WRITE) != 0;
    changed.executable = (rights & RL_RIGHT_EXECUTE) != 0;
    const u64 entry = leaf(changed) | (region.physical.value() + (address - region.address));
    return rights == 0 ? entry & ~Entry::Present::mask : entry;
}

rstate::Result<bool> Tables::protect(u64 address, u64 size, u64 rights) {
    for (u64 at = address, end = address + size; at < end;) {
        const Region *region = layout_.find(at, page_size);
        if (region == nullptr) return false;
        u64 step = page_size;
        if (region->large) {
            const GuestPhys place = TRY(entry_for(at, 2), "finding a large page's entry", at);
            u64 entry = 0;
            TRY(memory_.load(place, entry), "reading a large page's entry", place);
            const bool whole = is_aligned(at, large_page_size) && end - at >= large_page_size;
            if (whole && Entry::Large::test(entry)) {
                TRY(memory_.store(place, entry_with(*region, at, rights, true)),
                    "changing a large page's rights", at);
                step = large_page_size;
            } else if (Entry::Large::test(entry) && !TRY(split(place), "splitting a large page", at)) {
                return false;
            }
        }
        if (step == page_size) {
            const GuestPhys place = TRY(entry_for(at, 1), "finding a page's entry", at);
            TRY(memory_.store(place, entry_with(*region, at, rights, false)), "changing a page's rights", at);
        }
        at += step;
    }
    return true;
}

} // namespace guest
