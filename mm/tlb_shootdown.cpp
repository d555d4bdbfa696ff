// mm/tlb_shootdown.cpp — see tlb_shootdown.h.
#include "mm/tlb_shootdown.h"

#include "cpu/lock.h"
#include "cpu/ops.h"

namespace mm {

void ShootdownBatch::apply(Window *window) const {
    if (page_count_ > most_pages)
        cpu::write_cr3(cpu::read_cr3()); // no entry is global, so this drops them all
    else
        for (u32 i = 0; i < page_count_; ++i) cpu::invlpg(Virt(pages_[i]));
    if (window == nullptr) return;
    for (u32 i = 0; i < frame_count_; ++i) window->invalidate(Phys(frames_[i]));
}

void TlbShootdown::join(Window *window) {
    const u32 me = current_core();
    windows_[me] = window;
    joined_.fetch_or(1ul << me, Order::seq_cst);
    // A core that did not see the bit changed its tables before the bit was set, so this flush drops what
    // that core dropped.
    cpu::write_cr3(cpu::read_cr3());
}

void TlbShootdown::leave() {
    const u32 me = current_core();
    joined_.fetch_and(~(1ul << me), Order::seq_cst);
    serve();
}

void TlbShootdown::run(ShootdownBatch &batch) {
    const u32 me = current_core();
    CHECK((joined_.load() >> me & 1) != 0, "a core joins before it frees anything", me);
    batch.apply(windows_[me]);
    fence(Order::seq_cst); // the tables were changed before any core's bit is read
    const u64 others = joined_.load(Order::seq_cst) & ~(1ul << me);
    if (others == 0) return;
    CHECK(batches_[me] == nullptr, "a core asks one thing at a time: not from an interrupt", me);
    batches_[me] = &batch;
    batch.waiting_.store(others, Order::release);
    for (u64 left = others; left != 0; left &= left - 1) {
        const u32 other = static_cast<u32>(__builtin_ctzl(left));
        // A core with a pending request has an interrupt on its way, or is serving right now.
        if (pending_[other].fetch_or(1ul << me, Order::seq_cst) != 0) continue;
        interrupts_.fetch_add(1);
        sender_.send(sender_.context, other);
    }
    while (batch.waiting_.load(Order::acquire) != 0) {
        serve();
        cpu::while_waiting();
        cpu::pause();
    }
    batches_[me] = nullptr;
    rounds_.fetch_add(1);
}

void TlbShootdown::invalidate_frames(void *self, Span<const Phys> frames) {
    for (usize first = 0; first < frames.size(); first += ShootdownBatch::most_frames) {
        ShootdownBatch batch;
        for (const Phys frame :
             frames.sub(first, min<usize>(ShootdownBatch::most_frames, frames.size() - first)))
            batch.add_frame(frame);
        static_cast<TlbShootdown *>(self)->run(batch);
    }
}

void TlbShootdown::serve() {
    const u32 me = current_core();
    u64 requests = pending_[me].exchange(0, Order::seq_cst);
    for (; requests != 0; requests &= requests - 1) {
        ShootdownBatch *batch = batches_[__builtin_ctzl(requests)];
        batch->apply(windows_[me]);
        batch->waiting_.fetch_and(~(1ul << me), Order::release); // the batch may be gone after this
    }
}

} // namespace mm
