// vm/snapshot_taker.h — turns a machine's memory into the snapshot; the machine becomes the first one
// attached.
//
// A failure leaves the machine as it was. Three steps:
//   1. list_pages makes the snapshot's tables. It may fail, and changes no page.
//   2. freeze makes the machine's pages read-only. It may fail; the next write makes a page writable again.
//   3. hand_over changes the owner of the pages. It cannot fail.
// Then merge gives pages that repeat one word a common frame: an ASan shadow full of red zones costs one
// page, not megabytes. A failure there only costs frames.
#pragma once

#include "vm/guest_memory.h"

namespace vm {

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames> class SnapshotTaker final {
  public:
    using Machine = GuestMemory<Memory, Frames>;

    SnapshotTaker(Machine &machine, Snapshot &snapshot) : machine_(machine), snapshot_(snapshot) {}

    rstate::Result<void> take(const ProcessorState &processor) {
        if (snapshot_.taken()) return FAIL(snapshot_state, "this snapshot was taken already");
        if (machine_.snapshot_ != nullptr) return FAIL(snapshot_state, "this machine has a snapshot already");
        const u64 digest = TRY(machine_.digest(processor), "computing the snapshot's digest");
        auto prepared = prepare();
        if (!prepared.ok()) discard();
        TRY(std::move(prepared), "preparing the snapshot", machine_.size_);
        hand_over();
        snapshot_.processor_ = processor;
        snapshot_.digest_ = digest;
        for (u64 number = 0; number < snapshot_.regions(); ++number)
            if (snapshot_.table(number) != Phys())
                rstate::ignore(merge(number), "pages that are not merged only cost their frames");
        return rstate::done();
    }

  private:
    rstate::Result<void> prepare() {
        snapshot_.tables_ = TRY(mm::allocate_array<u64>(machine_.heap_, machine_.regions_.size()),
                                "allocating the snapshot's directory", machine_.regions_.size());
        TRY(machine_.for_active([&](u64 number) { return list_pages(number); }),
            "listing the machine's pages");
        TRY(machine_.for_active([&](u64 number) { return freeze(number); }), "making the pages read-only");
        return rstate::done();
    }

    // Fills the snapshot's table of one region with the machine's private pages there.
    rstate::Result<void> list_pages(u64 number) {
        const Region &region = machine_.regions_[number];
        const Phys frame =
            TRY(machine_.allocate_frame(mm::Owner::snapshot), "taking a frame for a snapshot's table");
        snapshot_.tables_[number] = frame.value();
        auto table = TRY(machine_.memory_->pin(frame), "pinning a snapshot's new table", number);
        auto leaf = TRY(machine_.memory_->pin(region.leaf), "pinning the nested table of its pages", number);
        u64 *listed = reinterpret_cast<u64 *>(table.bytes());
        for (u64 i = 0; i < pages_per_region; ++i) {
            const u64 flags = region.is_table(i) ? SnapshotEntry::Table::mask : 0;
            const Phys page = Machine::entries(leaf)[i].frame();
            listed[i] = region.is_private(i) ? SnapshotEntry::of(page, flags).raw : 0;
        }
        return rstate::done();
    }

    rstate::Result<void> freeze(u64 number) {
        const Region &region = machine_.regions_[number];
        auto leaf =
            TRY(machine_.memory_->pin(region.leaf), "pinning a nested table to freeze its pages", number);
        for (u64 i = 0; i < pages_per_region; ++i)
            if (region.is_private(i) && !region.is_table(i))
                Machine::entries(leaf)[i].raw &= ~(mm::Entry::Writable::mask | mm::Entry::Dirty::mask);
        ++machine_.epoch_;
        return rstate::done();
    }

    void discard() {
        for (u64 &table : snapshot_.tables_)
            if (table != 0) machine_.frames_->free(Phys(table), mm::Owner::snapshot);
        snapshot_.tables_.reset();
    }

    void hand_over() {
        snapshot_.pages_ = machine_.private_pages();
        snapshot_.memory_size_ = machine_.size_;
        machine_.snapshot_ = &snapshot_;
        snapshot_.fill_ = {GuestPhys(machine_.fill_first_ * page_size), machine_.fill_pages_,
                           machine_.fill_byte_};
        for (u64 number = 0; number < machine_.regions_.size(); ++number) {
            Region *region = machine_.regions_.find(number);
            if (region == nullptr) continue;
            for (u64 &word : region->private_bits) word = 0;
            region->cold = 0;
        }
        for (u64 &word : machine_.active_) word = 0;
        machine_.active_words_ = 0;
        machine_.private_count_ = 0;
    }

    rstate::Result<void> merge(u64 number) {
        auto table =
            TRY(machine_.memory_->pin(snapshot_.table(number)), "pinning a snapshot's table to merge pages");
        auto leaf =
            TRY(machine_.memory_->pin(machine_.regions_[number].leaf), "pinning the table that maps them");
        SnapshotEntry *listed = reinterpret_cast<SnapshotEntry *>(table.bytes());
        for (u64 i = 0; i < pages_per_region; ++i)
            if (listed[i].present() && !listed[i].table())
                TRY(merge_page(listed[i], Machine::entries(leaf)[i], machine_.is_filled({number, i})),
                    "merging a page", number, i);
        return rstate::done();
    }

    rstate::Result<void> merge_page(SnapshotEntry &listed, mm::Entry &mapped, bool filled) {
        u64 word = 0;
        const Phys frame = listed.frame();
        if (!TRY(holds_one_word(frame, word), "looking whether a page repeats one word", frame))
            return rstate::done();
        const bool as_untouched = word == (filled ? repeated(machine_.fill_byte_) : 0);
        const Phys shared = as_untouched ? Phys() : pattern_frame(word, frame);
        if (!as_untouched && shared == Phys()) return rstate::done(); // more patterns than are kept
        listed = as_untouched ? SnapshotEntry{} : SnapshotEntry::of(shared, SnapshotEntry::Pattern::mask);
        --snapshot_.pages_, ++snapshot_.pattern_pages_;
        if (shared == frame) return rstate::done(); // the first page of a pattern provides the frame
        mapped = mm::Entry{}; // freeze() raised the epoch, and the machine has not run since
        machine_.frames_->free(frame, mm::Owner::snapshot);
        return rstate::done();
    }

    rstate::Result<bool> holds_one_word(Phys frame, u64 &word) {
        auto page = TRY(machine_.memory_->pin(frame), "pinning a page of the snapshot", frame);
        const u64 *words = reinterpret_cast<const u64 *>(page.bytes());
        word = words[0];
        for (u64 i = 1; i < page_size / sizeof(u64); ++i)
            if (words[i] != word) return false;
        return true;
    }

    // The frame of all pages that repeat `word`: `candidate` for the first page, none when max_patterns other
    // words have one.
    Phys pattern_frame(u64 word, Phys candidate) {
        for (u32 i = 0; i < snapshot_.pattern_count_; ++i)
            if (snapshot_.patterns_[i].word == word) return snapshot_.patterns_[i].frame;
        if (snapshot_.pattern_count_ == Snapshot::max_patterns) return Phys();
        snapshot_.patterns_[snapshot_.pattern_count_++] = {word, candidate};
        return candidate;
    }

    Machine &machine_;
    Snapshot &snapshot_;
};

} // namespace vm
