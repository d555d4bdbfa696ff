// svm/core.h — what the machines of one core share: the processor's features, its host state, the ASIDs, the
// permission maps, and whose vector registers are loaded.
#pragma once

#include "cpu/features.h"
#include "cpu/ops.h"
#include "mm/owned_frame.h"
#include "svm/asid.h"
#include "svm/enable.h"
#include "svm/vectors.h"
#include "vm/snapshot.h"

namespace svm {

// Both maps are all ones and never change, so that every port and every MSR is intercepted; one run of three
// pages serves as both, for every machine on every core. The I/O map needs the third page: an access of four
// bytes at port 0xFFFF looks at the bits past it (APM vol 2 §15.10.1 "I/O Permissions Map").
struct PermissionMaps {
    static constexpr u64 pages = 3;
    Phys first;

    // `first` begins three pages in a row, whoever owns them; they are filled here, once.
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

    // On the core itself, with its FS, GS, TR, LDTR and system-call MSRs as they will stay: they are kept
    // here once and loaded at every exit. Takes frames for good: the host save area and the host's VMCB.
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
        cpu::clear_x87(); // most guests begin so, and then need no FXRSTOR (vectors.h)
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

    // The kernel has no use for vector registers, so the guest's stay in them across exits. Only when another
    // machine runs on this core do they go to memory.
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
