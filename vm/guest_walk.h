// vm/guest_walk.h — translates a guest's virtual address to its physical one, through the guest's page
// tables.
//
// The tables are untrusted. The walk ends after four steps and reads only guest memory, for any contents.
#pragma once

#include "base/addr.h"
#include "mm/formats.h"
#include "rstate/result.h"
#include "vm/codes.h"

namespace vm {

constexpr u64 entries_per_table = page_size / sizeof(mm::Entry);
static_assert(entries_per_table == 1ul << 9, "each level translates nine bits of the address");

// APM vol 2 §5.3 "Long-Mode Page Translation". `memory` reads guest-physical memory: read(GuestPhys,
// MutableBytes) -> Result<void>. Permissions are not checked: the host may read and write what ring 3 may
// not.
template <class Memory>
rstate::Result<GuestPhys> walk_guest(Memory &memory, GuestPhys root, GuestVirt address) {
    if (!is_canonical(address.value()))
        return FAIL(guest_not_mapped, "the guest's address is not canonical", address);
    GuestPhys table = root.page();
    for (u32 level = 4; level-- > 0;) {
        const u64 span = page_size << (9 * level);
        const u64 index = address.value() / span % entries_per_table;
        mm::Entry entry;
        TRY(memory.read(table + index * sizeof(entry),
                        {reinterpret_cast<u8 *>(&entry.raw), sizeof(entry.raw)}),
            "reading an entry of the guest's page tables", address, level);
        if (!entry.present())
            return FAIL(guest_not_mapped, "the guest does not map this address", address, level, entry.raw);
        const u64 frame = entry.raw & mm::Entry::Frame::mask;
        if (level == 0 || (entry.large() && level < 3))
            return GuestPhys(align_down(frame, span) + address.value() % span);
        table = GuestPhys(frame);
    }
    __builtin_unreachable(); // level 0 returned
}

// Calls step(GuestPhys, offset, bytes) -> Result<void> for each piece of [from, from + length) within one
// page.
template <class Memory, class Step>
rstate::Result<void> for_guest_pieces(Memory &memory, GuestPhys root, GuestVirt from, u64 length,
                                      Step &&step) {
    for (u64 done = 0; done < length;) {
        const GuestVirt at = from + done;
        const u64 piece = min(page_size - at.offset(), length - done);
        const GuestPhys physical = TRY(walk_guest(memory, root, at), "translating a guest's address", at);
        TRY(step(physical, done, piece), "going through a guest's memory", at);
        done += piece;
    }
    return rstate::done();
}

} // namespace vm
