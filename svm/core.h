// svm/core.h — one core with SVM on: features, host state, ASID allocator, permission maps, and the machine
// whose vector registers are loaded.
#pragma once

#include "cpu/features.h"
#include "cpu/ops.h"
#include "mm/owned_frame.h"
#include "svm/asid.h"
#include "svm/enable.h"
#include "svm/vectors.h"
#include "vm/snapshot.h"

namespace svm {

// The I/O and MSR permission maps. Both are all ones and never change, so every port and every MSR is
// intercepted, and one run of three pages serves as both, for every machine on every core.
//
// APM vol 2 §15.10.1 "I/O Permissions Map": 64K + 3 bits in three contiguous pages. The third page is needed,
// because an access of four bytes at port 0xFFFF looks at three bits past the last port; with two pages the
// processor would read whatever lies behind. §15.11 "MSR Intercepts": two contiguous pages, two bits for each
// MSR. VMRUN refuses a map that reaches the end of physical memory. The processor reads the maps by physical
// address and may keep what it read: while clean bit 1 is set a change would take effect late, or never.
struct PermissionMaps {
    static constexpr u64 pages = 3;
    Phys first;

    // `first` is the first of three contiguous pages, which the caller owns and never frees.
    template <mm::PhysicalMemory Memory>
    static rstate::Result<PermissionMaps> fill(Memory &memory, Phys first) {
        for (u64 i = 0; i < pages; ++i) {
            auto page =
                TRY(memory.pin(first + i * page_size), "pinning a page of the permission maps", first, i);
            cpu::fill_page(page.bytes(), ~0ul);
        }
        return PermissionMaps{first};
    }
    Phys io() const { return first; }
    Phys msr() const { return first; }
};

class Core final {
  public:
    Core(const cpu::Features &features, PermissionMaps maps)
        : features_(features), maps_(maps), asids_(features.asid_count) {}
    Core(const Core &) = delete;
    Core &operator=(const Core &) = delete;

    // Call it on the core itself, when its FS, GS, TR, LDTR and system-call MSRs have their final values:
    // VMSAVE stores them once, and svm_enter loads them after each exit. A later change on the host's side is
    // lost at the next #VMEXIT.
    //
    // It allocates two frames that are never freed: the host save area and the host's VMCB. They are
    // different things. Only the processor accesses the first (VM_HSAVE_PA, §15.30.4), in a format of its
    // own; VMSAVE and VMLOAD access the second (§15.5.2 "VMSAVE and VMLOAD Instructions"). One page for both
    // would let VMRUN overwrite what VMLOAD reads.
    static constexpr u64 frames_for_good = 2;
    template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames>
    rstate::Result<void> start(Memory &memory, Frames &frames) {
        TRY(check_support(features_), "looking whether this core can run virtual machines", current_core());
        mm::OwnedFrame save(frames, TRY(frames.allocate(mm::Owner::device), "taking the host save area"),
                            mm::Owner::device);
        mm::OwnedFrame host(frames, TRY(frames.allocate(mm::Owner::device), "taking the host's VMCB"),
                            mm::Owner::device);
        TRY(clear(memory, save.get()), "clearing the host save area");
        TRY(clear(memory, host.get()), "clearing the host's VMCB");
        TRY(enable(features_, save.release()), "switching SVM on", current_core());
        // Most guests begin with a cleared x87, and then need no FXRSTOR (vectors.h).
        cpu::clear_x87();
        host_vmcb_ = host.release();
        cpu::vmsave(host_vmcb_);
        number_ = current_core();
        return rstate::done();
    }

    const cpu::Features &features() const { return features_; }
    const PermissionMaps &maps() const { return maps_; }
    AsidAllocator &asids() { return asids_; }
    Phys host_vmcb() const { return host_vmcb_; }
    u32 number() const { return number_; }

    // VMRUN and #VMEXIT do not touch the x87 and SSE registers. The kernel is compiled without them, so the
    // guest's stay loaded across exits. They go to memory only when another machine runs on this core: a
    // steady case executes no FXSAVE for an exit.
    void load_vectors(vm::VectorState &mine) {
        if (loaded_ == &mine) return;
        if (loaded_ != nullptr) cpu::fxsave(loaded_->bytes);
        put_back(mine);
        loaded_ = &mine;
    }
    bool has_loaded(const vm::VectorState &mine) const { return loaded_ == &mine; }
    void forget_vectors(const vm::VectorState &mine) {
        if (loaded_ == &mine) loaded_ = nullptr;
    }

  private:
    template <mm::PhysicalMemory Memory> static rstate::Result<void> clear(Memory &memory, Phys frame) {
        auto page = TRY(memory.pin(frame), "pinning a frame for the processor", frame);
        cpu::fill_page(page.bytes(), 0);
        return rstate::done();
    }

    cpu::Features features_;
    PermissionMaps maps_;
    AsidAllocator asids_;
    Phys host_vmcb_;
    u32 number_ = 0;
    vm::VectorState *loaded_ = nullptr;
};

} // namespace svm
