// tests/kernel/unit/address_space_scenario.h — a fault-injection scenario: an address space with page tables
// of its own, in frames of its own, through the kernel's window.
#pragma once

#include <optional>

#include "mm/address_space.h"
#include "mm/page_heap.h"
#include "tests/kernel/unit/fault_injection_runner.h"

namespace kernel {

// A pager that fills pages, and one that maps a shared page.
struct ScenarioPages {
    Phys shared;
    static rstate::Result<void> fill(void *, u64 page, u8 *bytes) {
        bytes[0] = static_cast<u8>(page);
        return rstate::done();
    }
    static rstate::Result<Phys> share(void *self, u64) { return static_cast<ScenarioPages *>(self)->shared; }
};

// The frames that each run of the scenario uses.
struct AddressSpaceFixture {
    static constexpr u64 frames = 1200;
    Phys first;
};

class AddressSpaceScenario final {
  public:
    using Fixture = AddressSpaceFixture;

    explicit AddressSpaceScenario(const AddressSpaceFixture &fixture) : fixture_(fixture) {
        tlb_shootdown_.join(world->windows.of(current_core()));
    }
    AddressSpaceScenario(const AddressSpaceScenario &) = delete;
    ~AddressSpaceScenario() {
        if (block_) heap_->free(*block_, block_bytes, nullptr);
        for (u32 i = 0; i < range_count_; ++i)
            rstate::ignore(space_->unmap_and_free(ranges_[i], nullptr), "the check below finds what is left");
        if (!space_) return;
        space_->drain_quarantine();
        if (pages_.shared.value() != 0) frames_.free(pages_.shared, mm::Owner::snapshot);
        const u64 top_table = 1;
        CHECK(frames_.used() == top_table, "all frames of a scenario are freed", frames_.used());
    }

    rstate::Result<> add_memory() {
        return pool_.add({fixture_.first, AddressSpaceFixture::frames * page_size, 0, 0, 0});
    }
    rstate::Result<> make_space() {
        frames_.attach(current_core(), pool_);
        auto table = TRY(Space::Table::make(memory_, frames_), "making the top table");
        space_.emplace(frames_, tlb_shootdown_, table.root(), 4u);
        heap_.emplace(*space_);
        return rstate::done();
    }
    rstate::Result<> map_device() { return keep(space_->map_device(Phys(0xFEE0'0000), 2, site)); }
    rstate::Result<> map_stack() { return keep(space_->map_memory(4, mm::Owner::stack, site)); }
    rstate::Result<> protect() { return space_->protect(ranges_[range_count_ - 1], 2, mm::read_only); }
    rstate::Result<> reserve_lazy() { return reserve(filling_pager_); }
    rstate::Result<> page_in() { return resolve(0); }
    rstate::Result<> allocate_shared_page() {
        pages_.shared = TRY(frames_.allocate(mm::Owner::snapshot), "allocating a page to share");
        return rstate::done();
    }
    rstate::Result<> reserve_shared() { return reserve(sharing_pager_); }
    rstate::Result<> map_shared() { return resolve(0); }
    rstate::Result<> copy_shared() { return resolve(cpu::PageFaultCode::Write::mask); }
    rstate::Result<> allocate() {
        block_ = TRY(heap_->allocate(block_bytes, 16, site), "allocating a block", block_bytes);
        return rstate::done();
    }

    using S = AddressSpaceScenario;
    static constexpr Step<S> steps[] = {
        {&S::add_memory, {}},
        {&S::make_space, {"allocating the root of a page table", "clearing the root of a page table"}},
        {&S::map_device, {"finding addresses for a device", "mapping a device"}},
        {&S::map_stack, {"finding addresses for memory", "mapping memory"}},
        {&S::protect, {"protecting a page"}},
        {&S::reserve_lazy, {"choosing an address", "recording a range", "reserving addresses"}},
        {&S::page_in,
         {"finding what a fault is about", "reading the record of a faulting range",
          "making a page for a pager to fill", "paging in"}},
        {&S::allocate_shared_page, {"allocating a page to share"}},
        {&S::reserve_shared, {"choosing an address", "recording a range", "reserving addresses"}},
        {&S::map_shared,
         {"finding what a fault is about", "reading the record of a faulting range",
          "mapping a shared page"}},
        {&S::copy_shared,
         {"finding what a fault is about", "reading the record of a faulting range",
          "making a page to copy to", "copying a shared page"}},
        {&S::allocate, {"finding addresses for a block", "giving a block its memory"}}};

  private:
    using Space = mm::AddressSpace<FaultyMemory>;
    static constexpr u64 block_bytes = 5 * page_size + 1;
    static constexpr mm::AllocationSite site{"thing", "some/file.cpp", "some_function", 1};

    rstate::Result<> keep(rstate::Result<mm::Range> made) {
        ranges_[range_count_] = TRY(std::move(made), "making a range of the scenario", range_count_);
        ++range_count_;
        return rstate::done();
    }
    rstate::Result<> reserve(const mm::Pager &pager) {
        return keep(
            space_->reserve({3, site, mm::RangeKind::lazy, mm::Owner::heap, mm::read_write, &pager, 0, 0}));
    }
    rstate::Result<> resolve(u64 fault_code) {
        const Virt page = ranges_[range_count_ - 1].page(1);
        const bool resolved =
            TRY(space_->handle_page_fault(page, fault_code), "asking for a page of a lazy range", page);
        EXPECT(resolved, page);
        return rstate::done();
    }

    AddressSpaceFixture fixture_;
    FaultyMemory memory_;
    mm::FramePool<FaultyMemory> pool_{memory_};
    mm::TlbShootdown tlb_shootdown_{{[](void *, u32) {}, nullptr}};
    mm::Frames<FaultyMemory> frames_{memory_, {mm::TlbShootdown::invalidate_frames, &tlb_shootdown_}};
    ScenarioPages pages_;
    mm::Pager filling_pager_{nullptr, ScenarioPages::fill, nullptr};
    mm::Pager sharing_pager_{&pages_, nullptr, ScenarioPages::share};
    std::optional<Space> space_;
    std::optional<mm::PageHeap<FaultyMemory>> heap_;
    mm::Range ranges_[4];
    u32 range_count_ = 0;
    std::optional<Virt> block_;
};

} // namespace kernel
