// mm/tlb_shootdown.cpp — see shoot_down.h.
#include "mm/tlb_shootdown.h"

#include "cpu/lock.h"
#include "cpu/ops.h"

namespace mm {

void Batch::apply(Window *window) const {
    if (page_count_ > most_pages)
        cpu::write_cr3(cpu::read_cr3()); // no entry is global, so this drops them all
    else
        for (u32 i = 0; i < page_count_; ++i) cpu::invlpg(Virt(pages_[i]));
    if (window == nullptr) return;
    for (u32 i = 0; i < frame_count_; ++i) window->forget(Phys(frames_[i]));
}

void ShootDown::join(Window *window) {
    const u32 me = current_core();
    windows_[me] = window;
    __atomic_fetch_or(&joined_, 1ul << me, __ATOMIC_SEQ_CST);
    // Whoever did not see the bit changed its tables before it was set, so this flush drops what they
    // dropped.
    cpu::write_cr3(cpu::read_cr3());
}

void ShootDown::leave() {
    const u32 me = current_core();
    __atomic_fetch_and(&joined_, ~(1ul << me), __ATOMIC_SEQ_CST);
    serve();
}

void ShootDown::run(Batch &batch) {
    const u32 me = current_core();
    CHECK((__atomic_load_n(&joined_, __ATOMIC_RELAXED) >> me & 1) != 0,
          "a core joins before it frees anything", me);
    batch.apply(windows_[me]);
    __atomic_thread_fence(__ATOMIC_SEQ_CST); // the tables were changed before anybody's bit is read
    const u64 others = __atomic_load_n(&joined_, __ATOMIC_SEQ_CST) & ~(1ul << me);
    if (others == 0) return;
    CHECK(batches_[me] == nullptr, "a core asks one thing at a time: not from an interrupt", me);
    batches_[me] = &batch;
    __atomic_store_n(&batch.waiting_, others, __ATOMIC_RELEASE);
    for (u64 left = others; left != 0; left &= left - 1) {
        const u32 other = static_cast<u32>(__builtin_ctzl(left));
        // A core that somebody asked already has an interrupt on its way, or is serving right now.
        if (__atomic_fetch_or(&asked_[other], 1ul << me, __ATOMIC_SEQ_CST) != 0) continue;
        __atomic_fetch_add(&interrupts_, 1, __ATOMIC_RELAXED);
        sender_.send(sender_.context, other);
    }
    while (__atomic_load_n(&batch.waiting_, __ATOMIC_ACQUIRE) != 0) {
        serve();
        cpu::while_waiting();
        cpu::pause();
    }
    batches_[me] = nullptr;
    __atomic_fetch_add(&rounds_, 1, __ATOMIC_RELAXED);
}

void ShootDown::forget_frames(void *self, Span<const Phys> frames) {
    for (usize first = 0; first < frames.size(); first += Batch::most_frames) {
        Batch batch;
        for (const Phys frame : frames.sub(first, min<usize>(Batch::most_frames, frames.size() - first)))
            batch.add_frame(frame);
        static_cast<ShootDown *>(self)->run(batch);
    }
}

void ShootDown::serve() {
    const u32 me = current_core();
    u64 asking = __atomic_exchange_n(&asked_[me], 0, __ATOMIC_SEQ_CST);
    for (; asking != 0; asking &= asking - 1) {
        Batch *batch = batches_[__builtin_ctzl(asking)];
        batch->apply(windows_[me]);
        __atomic_fetch_and(&batch->waiting_, ~(1ul << me),
                           __ATOMIC_RELEASE); // the batch may be gone after this
    }
}

} // namespace mm
