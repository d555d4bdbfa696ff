// mm/window.h — the 512 slots through which one core touches physical memory.
//
// There is no linear map of physical memory: a page is reachable only while a Pin on it lives. The slots are
// the entries of one page table over 2 MiB of address space at a random base. A slot keeps its mapping after
// the last pin, so a hot frame costs neither a table write nor a TLB flush; `invalidate` takes a freed frame
// out.
//
//   slot = the frame's home or its neighbour (a two-way cache); when both are pinned, the second home or its
//          neighbour; when these are pinned too, any other: the frame is then "displaced", and found by
//          looking at all slots
//
// Slots belong to one core, so pinning takes no lock. An interrupt may pin and invalidate in the middle of a
// pin: a hit claims its slot with one compare-and-swap, and a miss runs with interrupts off.
//
// Invariants, verified by check_window (mm/window_check.h): a slot's word is 0 or names one frame; its table
// entry maps exactly that frame, or nothing; no frame is in two slots; `displaced_` counts the frames that
// are in none of their four ways.
#pragma once

#include "base/atomic.h"
#include <stddef.h>

#include <type_traits>

#include "base/format.h"
#include "cpu/local.h"
#include "mm/bootstrap.h"
#include "mm/codes.h"
#include "mm/physical.h"

namespace mm {

class Window final {
  public:
    static constexpr u32 slot_count = 512;

    Window(u32 core, Virt base, Virt table);
    explicit Window(const CoreSeed &seed) : Window(seed.core, seed.window_base, seed.window_table) {}
    Window(const Window &) = delete;

    class Pin final {
      public:
        Pin(Pin &&other) : bytes_(other.bytes_), slot_(other.slot_) { other.slot_ = nullptr; }
        Pin &operator=(Pin &&other) {
            if (this != &other) {
                release();
                bytes_ = other.bytes_, slot_ = other.slot_;
                other.slot_ = nullptr;
            }
            return *this;
        }
        ~Pin() { release(); }
        u8 *bytes() { return bytes_; }

      private:
        friend class Window;
        Pin(u8 *bytes, u64 *slot) : bytes_(bytes), slot_(slot) {}
        void release() {
            if (slot_ == nullptr) return;
            DCHECK(window().core_ == current_core(), "a pin ends on the core that made it", window().core_);
            cpu::local_decrement(slot_);
        }
        // The address says which slot this is, so the first slot, and with it the window, lies so much
        // before.
        const Window &window() const {
            static_assert(std::is_standard_layout_v<Window> && offsetof(Window, slots_) == 0,
                          "a window begins with its slots");
            return *reinterpret_cast<const Window *>(slot_ -
                                                     virt_of(bytes_).value() / page_size % slot_count);
        }
        u8 *bytes_;
        u64 *slot_;
    };

    // The page, until the pin dies. Fails with no_slot when all 512 slots are pinned by other frames.
    [[gnu::always_inline]] rstate::Result<Pin> pin(Phys page) { // inlined: a miss notes its caller
        DCHECK(core_ == current_core(), "a core pins through its own window", core_);
        const u32 home = home_of(page);
        u64 *slot = &slots_[home];
        if (claim(slot, page)) return Pin(address_of(slot), slot);
        slot = &slots_[home ^ 1]; // the pair's other way: as hot, if it is there
        if (claim(slot, page)) return Pin(address_of(slot), slot);
        slot = pin_slowly(page);
        if (slot == nullptr) return out_of_slots(page);
        return Pin(address_of(slot), slot);
    }

    // Makes a frame that is being freed unreachable through this window. It must not be pinned: the pin would
    // read and write the memory of the frame's next owner.
    void invalidate(Phys frame);

    // Whether some slot still maps the frame.
    bool reaches(Phys frame) const;
    u32 pinned() const;
    // Which frames are pinned: one line for each place in the code that pinned them first (a hit does not
    // note its caller); 16 places at most, then how many more there are.
    void print_pins(const Output &out) const;

    u64 misses() const { return misses_; } // pins that wrote a table entry
    u64 flushes() const { return flushes_; }

  private:
    // A slot's word: frame | valid | pins. An empty slot is 0.
    static constexpr u64 valid = 0x800;
    static constexpr u64 pins_mask = valid - 1;
    static_assert((valid & pins_mask) == 0 && (valid | pins_mask) < page_size, "below the frame's bits");
    static_assert(slot_count * page_size == window_bytes && (slot_count & (slot_count - 1)) == 0);
    friend class WindowChecker;
    static bool holds(u64 word, Phys page) { return (word & ~pins_mask) == (page.value() | valid); }
    static constexpr u32 home_of(Phys page) {
        const u64 number = page.frame_number();
        return static_cast<u32>(number ^ number >> 9) & (slot_count - 1);
    }
    static constexpr u32 second_home_of(Phys page) {
        return static_cast<u32>(page.frame_number() * 0x9E37'79B9'7F4A'7C15 >> 55); // Fibonacci hashing
    }
    struct Ways {
        u32 slots[4];
    };
    static constexpr Ways ways_of(Phys page) {
        const u32 home = home_of(page), second = second_home_of(page);
        return {{home, home ^ 1, second, second ^ 1}};
    }
    u64 index_of(const u64 *slot) const { return static_cast<u64>(slot - slots_); }
    u8 *address_of(const u64 *slot) const { return pointer_to<u8>(base_ + index_of(slot) * page_size); }
    // Adds a pin when the slot holds the page: then the difference is the number of pins. At most 2047, since
    // one more would carry into `valid`.
    static bool claim(u64 *slot, Phys page) {
        const u64 word = *slot;
        return (word ^ (page.value() | valid)) < pins_mask &&
               cpu::local_compare_exchange(slot, word, word + 1);
    }
    u32 pinned_from(const void *place, u32 first_slot) const;
    u64 *pin_slowly(Phys page);
    rstate::Error out_of_slots(Phys page) const;
    u64 *find(Phys page);
    u64 *find_victim(Phys page);
    bool displaced(const u64 *slot) const;
    void note_emptied(const u64 *slot) {
        if (displaced_ != 0) displaced_ -= displaced(slot);
    }
    void clear(u64 *slot);

    u64 slots_[slot_count] = {};
    const void *pinned_from_[slot_count] = {};
    Virt base_;
    Atomic<u64> *table_;
    u32 core_;
    u32 displaced_ = 0; // slots whose frame has all four ways elsewhere
    u32 turn_ = 0;      // which way of a pair was evicted last
    u64 misses_ = 0, flushes_ = 0;
};
static_assert(PhysicalMemory<Window>);

// The window of the calling core: for what all cores share.
class CoreWindows final {
  public:
    using Pin = Window::Pin;
    constexpr CoreWindows() = default;
    void attach(u32 core, Window &window) { windows_[core] = &window; }
    Window *of(u32 core) const { return windows_[core]; }
    [[gnu::always_inline]] rstate::Result<Pin> pin(Phys page) { return here().pin(page); }
    // This core's, for several pins in a row.
    [[gnu::always_inline]] Window &here() {
        Window *window = windows_[current_core()];
        CHECK(window != nullptr, "a core has its window before it touches memory", current_core());
        return *window;
    }

  private:
    Window *windows_[max_cores] = {};
};
static_assert(PhysicalMemory<CoreWindows>);

} // namespace mm
