// mm/tlb_shootdown.h — the TLB shootdown: all cores drop translations that were removed, by IPI.
//
// A core that removes mappings collects pages and frames in a ShootdownBatch and calls `run`, which returns
// when every core that joined has dropped them from its TLB and its window. Each core has one word of pending
// requests, one bit for each requesting core; the batch stays on the requester's stack, and one interrupt
// serves all requests pending at that moment. A core that waits serves, so two cores that call `run` at once
// both return.
#pragma once

#include "base/atomic.h"
#include "base/core.h"
#include "mm/window.h"

namespace mm {

// What to drop. Pages are named up to a number; beyond it the whole TLB is flushed, which is cheaper by then.
// Frames are always named, since one that is still pinned must be caught.
class ShootdownBatch final {
  public:
    static constexpr u32 most_pages = 32;
    static constexpr u32 most_frames = 128;

    void add_page(Virt page) {
        if (page_count_ < most_pages) pages_[page_count_] = page.value();
        ++page_count_;
    }
    void add_frame(Phys frame) {
        CHECK(frame_count_ < most_frames, "a batch names all its frames", frame);
        frames_[frame_count_++] = frame.value();
    }
    void clear() { page_count_ = 0, frame_count_ = 0; }
    bool empty() const { return page_count_ == 0 && frame_count_ == 0; }
    // On this core.
    void apply(Window *window) const;

  private:
    friend class TlbShootdown;
    u64 pages_[most_pages], frames_[most_frames]; // bare words: nothing to construct
    u32 page_count_ = 0, frame_count_ = 0;
    Atomic<u64> waiting_; // cores that have not answered yet
};

class TlbShootdown final {
  public:
    // Makes `core` run `serve` soon: an inter-processor interrupt.
    struct Sender {
        void (*send)(void *context, u32 core) = nullptr;
        void *context = nullptr;
    };

    constexpr explicit TlbShootdown(Sender sender) : sender_(sender) {}
    TlbShootdown(const TlbShootdown &) = delete;

    // Called on the core itself, once it serves; it may hold old translations until then and none after.
    void join(Window *window);
    // The core stops serving: it will never use shared memory again.
    void leave();

    // Returns when this core and every joined one have dropped what the batch names. The caller may hold
    // locks: cores that wait for them serve meanwhile. Not from an interrupt handler.
    void run(ShootdownBatch &batch);
    // Serves the requests pending for this core: from the interrupt, and in every wait.
    void serve();
    // For mm::Frames::Invalidate, with a TlbShootdown as context.
    static void invalidate_frames(void *self, Span<const Phys> frames);

    u64 rounds() const { return rounds_.load(); }
    u64 interrupts() const { return interrupts_.load(); }

  private:
    Sender sender_;
    Atomic<u64> joined_;
    Atomic<u64> pending_[max_cores]; // by core: one bit for each core that requests something of it
    ShootdownBatch *batches_[max_cores] = {};
    Window *windows_[max_cores] = {};
    Atomic<u64> rounds_, interrupts_;
};
static_assert(max_cores <= 64, "one bit a core");

} // namespace mm
