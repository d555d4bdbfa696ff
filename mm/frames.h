// mm/frames.h — all cores' frames: each core's own pool first, then its NUMA node's, then any other.
//
// The frame allocator of the whole kernel. Counters: frames in use by owner, their sum, its peak, free
// frames.
#pragma once

#include "base/atomic.h"
#include "base/core.h"
#include "mm/frame_batch.h"
#include "mm/frame_pool.h"

namespace mm {

template <PhysicalMemory M> class Frames final {
  public:
    // Makes frames unreachable on every core (a TLB shootdown drops them from all windows), before they can
    // serve again.
    struct Invalidate {
        void (*invalidate)(void *context, Span<const Phys> frames) = nullptr;
        void *context = nullptr;
    };

    // Called when every pool is empty, without a pool's lock: true means that frames were freed and the
    // allocation can be tried again.
    struct Reclaim {
        bool (*reclaim)(void *context) = nullptr;
        void *context = nullptr;
    };

    explicit Frames(M &memory, Invalidate invalidate = {}) : memory_(memory), invalidate_(invalidate) {}
    Frames(const Frames &) = delete;

    // A core's pool with the ranges it starts with; what the boot uses of them counts as used from now on.
    // The pool must live as long as this.
    void attach(u32 core, FramePool<M> &pool) {
        pools_[core] = &pool;
        add(Owner::boot, pool.boot_frames());
    }

    void set_reclaim(Reclaim reclaim) { reclaim_ = reclaim; }

    rstate::Result<Phys> allocate(Owner owner) { return allocate_run(1, 1, owner); }

    // Contiguous frames; `alignment` in frames, a power of two.
    rstate::Result<Phys> allocate_run(u64 count, u64 alignment, Owner owner) {
        auto first = take_run(count, alignment, owner);
        if (first.ok() || !(first.error().is(out_of_frames) || first.error().is(no_contiguous))) return first;
        if (reclaim_.reclaim == nullptr || !reclaim_.reclaim(reclaim_.context)) return first;
        rstate::handled(std::move(first));
        return take_run(count, alignment, owner);
    }

    // Drops the frame from every core's window and frees it.
    void free(Phys frame, Owner owner) { free_all({&frame, 1}, owner); }
    // The same for many, in one TLB shootdown.
    __attribute__((noinline)) void free_all(Span<const Phys> frames, Owner owner) {
        if (invalidate_.invalidate != nullptr) invalidate_.invalidate(invalidate_.context, frames);
        for (const Phys frame : frames) free_unreachable(frame, owner);
    }
    void free_run(Phys first, u64 count, Owner owner);

    // For a frame that the caller has already made unreachable, in its own shootdown.
    void free_unreachable(Phys frame, Owner owner) {
        FramePool<M> *pool = pool_of(frame);
        CHECK(pool != nullptr, "a freed frame is one that was allocated", frame, owner);
        pool->free(frame, owner);
        used_by_[static_cast<u32>(owner)].fetch_sub(1);
        used_.fetch_sub(1);
    }

    // One page more of the kernel's address space maps the frame, or one less: freeing it while a page maps
    // it is a bug and panics. A frame of no pool, like a device's memory, is not counted.
    rstate::Result<void> count_mapping(Phys frame, i32 change = 1) {
        FramePool<M> *pool = pool_of(frame);
        return pool != nullptr ? pool->count_mapping(frame, change) : rstate::done();
    }
    rstate::Result<void> uncount_mapping(Phys frame) { return count_mapping(frame, -1); }

    // Owner::none for a frame of no pool, like a device's memory.
    Owner owner_of(Phys frame) {
        FramePool<M> *pool = pool_of(frame);
        return pool != nullptr ? pool->owner_of(frame) : Owner::none;
    }

    u64 free_frames() const {
        u64 sum = 0;
        for (const FramePool<M> *pool : pools_)
            if (pool != nullptr) sum += pool->free_frames();
        return sum;
    }
    u64 used() const { return used_.load(); }
    u64 used(Owner owner) const { return used_by_[static_cast<u32>(owner)].load(); }
    u64 peak() const { return peak_.load(); }
    u64 from_other_pools() const { return from_other_pools_.load(); } // frames from another core's pool
    M &memory() const { return memory_; }

  private:
    enum class Distance { own, same_node, anywhere };
    static Distance distance_of(u32 core, u32 me, bool same_node) {
        if (core == me) return Distance::own;
        return same_node ? Distance::same_node : Distance::anywhere;
    }

    rstate::Result<Phys> take_run(u64 count, u64 alignment, Owner owner) {
        if (count == 0 || count > FramePool<M>::longest_run)
            return FAIL(too_large, "contiguous frames fit between two frame tables", count);
        const u32 me = current_core();
        const u32 node = pools_[me] != nullptr ? pools_[me]->node() : 0;
        for (const Distance distance : {Distance::own, Distance::same_node, Distance::anywhere}) {
            for (u32 core = 0; core < max_cores; ++core) {
                FramePool<M> *pool = pools_[core];
                if (pool == nullptr || distance_of(core, me, pool->node() == node) != distance) continue;
                if (pool->free_frames() < count) continue;
                auto frame = count == 1 ? pool->allocate(owner) : pool->allocate_run(count, alignment, owner);
                if (frame.ok()) {
                    add(owner, count);
                    if (distance != Distance::own) from_other_pools_.fetch_add(count);
                    return frame;
                }
                const bool empty = frame.error().is(out_of_frames) || frame.error().is(no_contiguous);
                if (!empty) return TRY(std::move(frame), "allocating frames", count, owner, core);
                rstate::handled(std::move(frame)); // another pool may have them
            }
        }
        if (count == 1) return FAIL(out_of_frames, "no core has a frame left", owner, used());
        return FAIL(no_contiguous, "no core has that many contiguous free frames", count, alignment, owner);
    }

    FramePool<M> *pool_of(Phys frame) const {
        FramePool<M> *mine = pools_[current_core()];
        if (mine != nullptr && mine->holds(frame)) return mine;
        for (FramePool<M> *pool : pools_)
            if (pool != nullptr && pool->holds(frame)) return pool;
        return nullptr;
    }

    void add(Owner owner, u64 count) {
        used_by_[static_cast<u32>(owner)].fetch_add(count);
        const u64 now = used_.fetch_add(count) + count;
        u64 peak = peak_.load();
        while (now > peak && !peak_.compare_exchange(peak, now, Order::relaxed, Order::relaxed))
            ;
    }

    M &memory_;
    Invalidate invalidate_;
    Reclaim reclaim_;
    FramePool<M> *pools_[max_cores] = {};
    Atomic<u64> used_by_[static_cast<u32>(Owner::count_)];
    Atomic<u64> used_, peak_, from_other_pools_;
};

template <PhysicalMemory M> void Frames<M>::free_run(Phys first, u64 count, Owner owner) {
    FrameBatch batch(*this, owner);
    for (u64 i = 0; i < count; ++i) batch.add(first + i * page_size);
}

} // namespace mm
