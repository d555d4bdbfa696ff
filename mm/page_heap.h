// mm/page_heap.h — every allocation on pages of its own, so that a wrong pointer faults at the instruction.
//
//   at the end:    | guard | slack ... block | guard |        an overflow faults, an underflow within the
//   page at the start:  | guard | block ... slack | guard |        is found at free; and the other way round
//
// Random for each allocation, or fixed by an option. Fresh memory holds non-canonical words, so
// an uninitialised pointer faults; the slack holds a pattern that is checked at free. `free` returns when no
// core can reach the block. The range then stays in quarantine, so a late access is recognised as a use after
// free.
//
// A small allocation costs about three frames (its page and two tables): many small things live in a few
// arrays.
#pragma once

#include "base/atomic.h"
#include "mm/address_space.h"

namespace mm {

template <PhysicalMemory M> class PageHeap final {
  public:
    enum class Placement : u8 { random, at_end, at_start };
    static constexpr u64 max_block = 4_GiB;

    explicit PageHeap(AddressSpace<M> &space, Placement placement = Placement::random)
        : space_(space), placement_(placement) {}
    PageHeap(const PageHeap &) = delete;

    // For typed allocation: mm::allocate<T>(heap.allocator(), ...) and mm::allocate_array<T>.
    Allocator allocator() { return {this, allocate_for, free_for}; }

    rstate::Result<Virt> allocate(u64 size, u64 alignment, AllocationSite site) {
        CHECK(alignment != 0 && alignment <= page_size && (alignment & (alignment - 1)) == 0,
              "an alignment is a power of two up to a page", alignment);
        if (size == 0 || size > max_block)
            return FAIL(too_large, "a block has 1 byte to 4 GiB", size, site.type);
        const u64 pages = align_up(size, page_size) / page_size;
        const u64 slack = pages * page_size - size;
        const bool at_end = placement_ == Placement::random ? (space_.random_word() & 1) != 0
                                                            : placement_ == Placement::at_end;
        RangeRequest request{pages, site, RangeKind::heap_block, Owner::heap, read_write, nullptr, 0, size};
        // A size that is no multiple of its alignment leaves slack behind the block as well.
        if (at_end) request.block_offset = align_down(slack, alignment);
        const Range range = TRY(space_.reserve(request), "finding addresses for a block", size, site.type);
        TRY(fill_block(range, request), "giving a block its memory", size, site.type);
        live_blocks_.fetch_add(1);
        live_bytes_.fetch_add(size);
        return range.first + request.block_offset;
    }

    // Fails with a chain about the pointer, the size, or the bytes beside the block; in the last case the
    // block is freed all the same.
    rstate::Result<void> try_free(Virt block, u64 size, const void *freed_from) {
        const Range range = TRY(space_.begin_free(block, size, freed_from), "freeing a block", block, size);
        auto checked = check_slack(range, block, size);
        space_.finish_free(range);
        live_blocks_.fetch_sub(1);
        live_bytes_.fetch_sub(size);
        return checked;
    }

    // A wrong free is a bug of the kernel: prints the chain and panics.
    void free(Virt block, u64 size, const void *freed_from) {
        auto freed = try_free(block, size, freed_from);
        if (freed.ok()) return;
        rstate::report(freed.take_error(), "freeing memory");
        CHECK(false, "memory is freed once, whole, and was not written beside", block, size);
    }

    u64 live_blocks() const { return live_blocks_.load(); }
    u64 live_bytes() const { return live_bytes_.load(); }

  private:
    static rstate::Result<u8 *> allocate_for(void *self, u64 size, u64 alignment, AllocationSite site) {
        auto &heap = *static_cast<PageHeap *>(self);
        return pointer_to<u8>(
            TRY(heap.allocate(size, alignment, site), "allocating from the page heap", size));
    }
    static void free_for(void *self, u8 *block, u64 size) {
        static_cast<PageHeap *>(self)->free(virt_of(block), size, __builtin_return_address(0));
    }

    rstate::Result<void> fill_block(const Range &range, const RangeRequest &request) {
        auto filled = populate_and_fill_slack(range, request);
        if (!filled.ok()) space_.release_unused(range);
        return filled;
    }
    rstate::Result<void> populate_and_fill_slack(const Range &range, const RangeRequest &request) {
        TRY(space_.populate(range, fresh_word), "giving a block its pages", range.pages);
        return each_slack_byte(range, request.block_offset, request.size,
                               [](u8 &byte) { byte = slack_byte; });
    }

    // Slack lies in the first and the last page of a block alone.
    template <class Visit>
    rstate::Result<void> each_slack_byte(const Range &range, u64 offset, u64 size, Visit &&visit) {
        const u64 bytes = range.pages * page_size;
        TRY(slack_part(range, 0, offset, visit), "the slack before a block", range.first);
        TRY(slack_part(range, offset + size, bytes, visit), "the slack behind a block", range.first);
        return rstate::done();
    }
    template <class Visit>
    rstate::Result<void> slack_part(const Range &range, u64 from, u64 to, Visit &visit) {
        if (from == to) return rstate::done();
        const u64 page = align_down(from, page_size);
        const Phys frame =
            TRY(space_.table().translate(range.first + page), "finding the page of slack", page);
        auto pin = TRY(space_.frames().memory().pin(frame), "pinning the page of slack", frame);
        for (u64 i = from; i < to; ++i) visit(pin.bytes()[i - page]);
        return rstate::done();
    }

    rstate::Result<void> check_slack(const Range &range, Virt block, u64 size) {
        u64 bad = 0, first_bad = 0, position = 0;
        const u64 offset = block - range.first;
        auto looked = each_slack_byte(range, offset, size, [&](const u8 &byte) {
            if (byte != slack_byte && bad++ == 0) first_bad = position;
            ++position;
        });
        TRY(std::move(looked), "checking the slack of a block", block);
        if (bad == 0) return rstate::done();
        const u64 at = first_bad < offset ? first_bad : first_bad + size; // within the range
        Explanation what = space_.explain(range.first + at, 0);
        what.code = &slack_overwritten;
        what.text = at < offset ? "bytes before a block were written" : "bytes behind a block were written";
        return WRAP(to_error(what), "checking a block that is freed", block, size, bad);
    }

    AddressSpace<M> &space_;
    Placement placement_;
    Atomic<u64> live_blocks_, live_bytes_;
};

} // namespace mm
