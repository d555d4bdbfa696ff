// mm/window.cpp — misses, and taking freed frames out. See window.h.
#include "mm/window.h"

#include "base/log.h"
#include "cpu/lock.h"
#include "cpu/ops.h"
#include "mm/absent_entry.h"

namespace mm {

Window::Window(u32 core, Virt base, Virt table)
    : base_(base), table_(pointer_to<Atomic<u64>>(table)), core_(core) {
    CHECK(is_aligned(base.value(), window_bytes), "one page table covers the window", base);
    // So a fault there is recognised, and no range is placed there.
    for (u32 slot = 0; slot < slot_count; ++slot) table_[slot].store(absent_entry(AbsentKind::window).raw);
}

bool Window::displaced(const u64 *slot) const {
    if ((*slot & valid) == 0) return false;
    for (const u32 way : ways_of(Phys(*slot & ~(page_size - 1))).slots)
        if (way == index_of(slot)) return false;
    return true;
}

// The slot that holds the page: one of its ways, or any while some frames are displaced.
u64 *Window::find(Phys page) {
    for (const u32 slot : ways_of(page).slots)
        if (holds(slots_[slot], page)) return &slots_[slot];
    if (displaced_ == 0) return nullptr;
    for (u64 &slot : slots_)
        if (holds(slot, page)) return &slot;
    return nullptr;
}

// A slot without pins: of a home's pair, an empty one first and then by turns; else any.
u64 *Window::find_victim(Phys page) {
    const u32 turn = turn_++ & 1;
    for (const u32 home : {home_of(page), second_home_of(page)}) {
        const u32 first = home ^ turn;
        for (const u32 slot : {first, first ^ 1})
            if (slots_[slot] == 0) return &slots_[slot];
        for (const u32 slot : {first, first ^ 1})
            if ((slots_[slot] & pins_mask) == 0) return &slots_[slot];
    }
    for (u32 distance = 2; distance < slot_count; ++distance) {
        u64 &slot = slots_[(home_of(page) + distance) % slot_count];
        if ((slot & pins_mask) == 0) return &slot;
    }
    return nullptr;
}

u64 *Window::pin_slowly(Phys page) {
    CHECK(page.page_aligned(), "whole pages are pinned", page);
    const cpu::InterruptsOff off; // no interrupt handler pins between claiming the slot and flushing it
    if (u64 *slot = find(page); slot != nullptr) {
        CHECK(claim(slot, page), "a page is pinned at most 2047 times", page);
        return slot;
    }
    u64 *slot = find_victim(page);
    if (slot == nullptr) return nullptr;
    const bool stale = *slot != 0;
    note_emptied(slot);
    *slot = page.value() | valid | 1;
    displaced_ += displaced(slot);
    const u64 index = index_of(slot);
    pinned_from_[index] = __builtin_return_address(0);
    table_[index].store(HostFormat::leaf(page, read_write, Cache::write_back).raw, Order::release);
    // An entry that was absent is in no TLB (APM vol 2 §5.5.2 "TLB Management").
    if (stale) cpu::invlpg(virt_of(address_of(slot))), ++flushes_;
    ++misses_;
    return slot;
}

rstate::Error Window::out_of_slots(Phys page) const {
    LOG(mm, "all slots of core {}'s window are pinned:", core_);
    print_pins({[](void *, Text line) { log_line(line); }, nullptr});
    return FAIL(no_slot, "all 512 slots of this core are pinned", page, core_);
}

void Window::clear(u64 *slot) {
    note_emptied(slot);
    table_[index_of(slot)].store(absent_entry(AbsentKind::window).raw, Order::release);
    cpu::invlpg(virt_of(address_of(slot)));
    *slot = 0; // last: no TLB entry is left of an empty slot
}

void Window::invalidate(Phys frame) {
    const cpu::InterruptsOff off;
    u64 *slot = find(frame);
    if (slot == nullptr) return;
    CHECK((*slot & pins_mask) == 0, "a frame is not freed while it is pinned", frame, *slot & pins_mask,
          core_, pinned_from_[index_of(slot)]);
    clear(slot);
}

bool Window::reaches(Phys frame) const {
    for (const u64 word : slots_)
        if (holds(word, frame)) return true;
    return false;
}

u32 Window::pinned() const {
    u32 count = 0;
    for (const u64 word : slots_) count += (word & pins_mask) != 0;
    return count;
}

u32 Window::pinned_from(const void *place, u32 first_slot) const {
    u32 count = 0;
    for (u32 slot = first_slot; slot < slot_count; ++slot)
        count += (slots_[slot] & pins_mask) != 0 && pinned_from_[slot] == place;
    return count;
}

void Window::print_pins(const Output &out) const {
    constexpr u32 most = 16;
    u32 places = 0;
    for (u32 slot = 0; slot < slot_count; ++slot) {
        const u64 word = slots_[slot];
        const void *place = pinned_from_[slot];
        const u32 here = pinned_from(place, slot);
        if ((word & pins_mask) == 0 || here != pinned_from(place, 0)) continue; // reported at an earlier slot
        if (++places > most) continue;
        TextBuffer<120> line;
        line.add("  {} frames are pinned, first from {}, one is {x}", here, place, word & ~(page_size - 1));
        out(line.text());
    }
    TextBuffer<40> more;
    if (places > most) out(more.add("  and from {} places more", places - most).text());
}

} // namespace mm
