// mm/address_lookup.h — which range an address belongs to: a page table walk, then the range's record.
//
// An absent entry names its record; for a mapped page the guard page before it does.
//
// Not locked: the address space's lock covers it.
#pragma once

#include "mm/explain.h"
#include "mm/range_entries.h"
#include "mm/records.h"

namespace mm {

template <PhysicalMemory M> class AddressLookup final {
  public:
    AddressLookup(RangeEntries<M> &entries, Records<M> &records) : entries_(entries), records_(records) {}
    AddressLookup(const AddressLookup &) = delete;

    // The id of the record that an address's entry leads to, 0 for none. `at` becomes the entry.
    rstate::Result<u32> id_at(Virt address, Location &at);
    // Code, text and record for `what.address`.
    rstate::Result<void> explain(Explanation &what, u64 fault_code);

  private:
    rstate::Result<u32> id_before(Virt address);
    rstate::Result<u32> id_near(Virt address);

    RangeEntries<M> &entries_;
    Records<M> &records_;
};

template <PhysicalMemory M> rstate::Result<u32> AddressLookup<M>::id_at(Virt address, Location &at) {
    at = TRY(entries_.table().locate(address), "looking an address up", address);
    if (at.entry.present()) return id_before(address.page());
    return at.level == 0 ? id_of(at.entry) : 0;
}

// A mapped page's entry has no room for an id: the nearest absent entry before it has the id, at the latest
// the range's guard page.
template <PhysicalMemory M> rstate::Result<u32> AddressLookup<M>::id_before(Virt address) {
    for (u64 page = 1; page <= most_range_pages; ++page) {
        const Location before =
            TRY(entries_.table().locate(address - page * page_size), "looking for a range's guard", address);
        if (before.level != 0) return 0u; // mapped by the boot, and no range was made of it
        if (!before.entry.present()) return id_of(before.entry);
    }
    return 0u;
}

// Of an address that belongs to nothing: the nearest range within a few pages.
template <PhysicalMemory M> rstate::Result<u32> AddressLookup<M>::id_near(Virt address) {
    constexpr u64 reach = 64; // chosen: pages
    for (u64 page = 1; page <= reach; ++page) {
        for (const Virt beside : {address - page * page_size, address + page * page_size}) {
            if (!is_canonical(beside.value())) continue;
            const Location at = TRY(entries_.table().locate(beside), "looking beside an address", beside);
            if (at.level == 0 && id_of(at.entry) != 0 && !at.entry.present()) return id_of(at.entry);
        }
    }
    return 0u;
}

template <PhysicalMemory M>
rstate::Result<void> AddressLookup<M>::explain(Explanation &what, u64 fault_code) {
    Location at;
    u32 id = TRY(id_at(what.address, at), "explaining an address", what.address);
    if (at.level == 0 && absent_kind(at.entry) == AbsentKind::window) {
        what.set(stale_pin, "a window slot that maps nothing: a pin that has ended");
        return rstate::done();
    }
    const bool near = id == 0;
    if (near) id = TRY(id_near(what.address), "looking around an address", what.address);
    if (id == 0) {
        what.set(wild_access, at.entry.present() ? "mapped by the boot" : "nothing is or was near");
        return rstate::done();
    }
    what.range = TRY(records_.read(id), "reading what an address belongs to", id);
    what.has_range = true;
    if (near)
        what.set(wild_access, "unmapped, some pages from a range");
    else
        explain_by_entry(what, at.entry, fault_code);
    return rstate::done();
}

} // namespace mm
