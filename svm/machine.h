// svm/machine.h — a virtual machine on AMD-V: the one type that satisfies vm::Vm today.
//
// One run of a steady case:   run -> enter -> svm_enter ... #VMEXIT ... decode -> Exit
// That path allocates nothing, takes no lock, and does not write again what is the same as at the last entry.
// A new page, or a tick of the host's timer, is resolved, and the guest continues.
//
// One core owns a machine, for its whole life. Its ASID tags translations in that core's TLB, the processor
// caches its VMCB by physical address (APM vol 2 §15.15 "VMCB State Caching"), and its pins lie in that
// core's window. To move it would need a new ASID, clean bits of zero and new pins.
#pragma once

#include "cpu/registers.h"
#include "cpu/ticks.h"
#include "svm/core.h"
#include "svm/decode.h"
#include "svm/entry.h"
#include "svm/guest_state.h"
#include "svm/vmcb_audit.h"
#include "vm/guest_memory.h"
#include "vm/guest_walk.h"
#include "vm/machine.h"
#include "vm/prefixes.h"
#include "vm/snapshot_taker.h"

namespace svm {

struct CodeBytes {
    u8 data[vm::max_instruction_bytes] = {};
    u8 count = 0;
    Bytes bytes() const { return {data, count}; }
};

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames, class Audit = DefaultAudit>
class Machine final {
  public:
    // `memory_size` bytes of memory, all zero; no page takes a frame yet. Its records lie on `heap`.
    static rstate::Result<Machine> make(Core &core, Memory &memory, Frames &frames, const mm::Allocator &heap,
                                        u64 memory_size);
    Machine(Machine &&) = default;
    Machine &operator=(Machine &&) = delete;
    ~Machine();

    rstate::Result<vm::Exit> run();
    rstate::Result<void> skip_instruction(const vm::Exit &exit);
    vm::Registers &registers() { return entry_.registers; }
    vm::SystemRegisters system() const { return system_of(save()); }
    void set_system(const vm::SystemRegisters &system);
    bool user_sets_bases() const { return cpu::Cr4::FsGsBase::test(save().cr4); }
    void set_fault_around(u32 pages) { memory_.set_fault_around(pages); }
    void set_page_limit(u64 pages) { memory_.set_page_limit(pages); }
    void set_deadline(u64 ticks) { deadline_ = ticks, began_ = cpu::ticks(); }

    u64 memory_size() const { return memory_.size(); }
    rstate::Result<void> read(GuestPhys from, MutableBytes out) { return memory_.read(from, out); }
    rstate::Result<void> write(GuestPhys to, Bytes data) { return memory_.write(to, data); }
    template <class Visit> rstate::Result<void> view(GuestPhys from, u64 length, Visit &&visit) {
        return memory_.view(from, length, visit);
    }
    rstate::Result<GuestPhys> translate(GuestVirt address) {
        return vm::walk_guest(memory_, root(), address);
    }
    rstate::Result<void> read(GuestVirt from, MutableBytes out);
    rstate::Result<void> write(GuestVirt to, Bytes data);
    template <class Visit> rstate::Result<void> view(GuestVirt from, u64 length, Visit &&visit);

    rstate::Result<void> set_fill(GuestPhys first, u64 pages, u8 byte) {
        return memory_.set_fill(first, pages, byte);
    }
    rstate::Result<void> protect_tables(GuestPhys first, u64 pages) {
        return memory_.protect_tables(first, pages);
    }
    void forget_translations() { flush_.request(); }
    rstate::Result<void> take_snapshot(vm::Snapshot &snapshot);
    rstate::Result<void> attach(const vm::Snapshot &snapshot);
    rstate::Result<void> reset();
    rstate::Result<u64> digest() { return memory_.digest(processor_state()); }
    vm::Statistics &statistics() { return memory_.statistics(); }
    const vm::Statistics &statistics() const { return memory_.statistics(); }

    // Of what the case has changed so far; many times cheaper than digest().
    rstate::Result<u64> digest_of_changes() { return memory_.digest_of_changes(processor_state()); }

    // For tests and reports. evict() is also what a machine short of frames calls itself, so an outside call
    // cannot disturb a case: pages that it has written stay.
    const auto &nested_table() const { return memory_.nested_table(); }
    u64 private_pages() const { return memory_.private_pages(); }
    u64 evict(u64 pages) { return memory_.evict(pages); }

  private:
    template <class> friend class VmcbFaultInjector; // tests/kernel/faults/vmcb_fault_injector.h
    using Page = mm::PinnedFrame<Memory, Frames>;

    Machine(Core &core, Asid asid, Page &&vmcb, Page &&vectors, vm::GuestMemory<Memory, Frames> &&memory)
        : core_(&core), asid_(asid), vmcb_page_(std::move(vmcb)), vector_page_(std::move(vectors)),
          memory_(std::move(memory)), vmcb_(&vmcb_page_.template as<Vmcb>()),
          vectors_(&vector_page_.template as<vm::VectorState>()) {}

    Control &control() { return vmcb_->control; }
    Save &save() { return vmcb_->save; }
    const Save &save() const { return vmcb_->save; }
    GuestPhys root() const { return GuestPhys(save().cr3); }
    // Call it when an area of the VMCB was written: clears the clean bit, so that the processor reads the
    // area again (§15.15.2 "Guidelines for Clearing VMCB Clean Bits"), and runs check_vmcb before the next
    // entry.
    void touched(u64 clean_bit) { next_clean_ &= ~clean_bit, checked_ = false; }

    // One VMRUN. Every way into the guest goes through it, so the checks cannot be passed by.
    rstate::Result<void> enter();
    void load_registers();
    void store_registers();
    rstate::Error refused() const;
    rstate::Result<bool> resolve(Action action, vm::Exit &exit);
    rstate::Result<void> resolve_software_interrupt(vm::Exit &exit);
    rstate::Result<CodeBytes> read_code();
    void count(const vm::Exit &exit);
    vm::ProcessorState processor_state();
    void load_processor(const vm::ProcessorState &state);

    Core *core_;
    Asid asid_;
    Page vmcb_page_, vector_page_;
    vm::GuestMemory<Memory, Frames> memory_;
    Vmcb *vmcb_;               // points into vmcb_page_, which stays pinned
    vm::VectorState *vectors_; // the guest's x87 and SSE registers while another machine's are loaded
    // The guest's registers between two runs. RAX, RSP, RIP and RFLAGS are copied to and from the VMCB.
    EntryFrame entry_;
    // The privilege level of the VMCB's segments. The caller changes entry_.registers only; load_registers
    // compares.
    vm::Privilege loaded_privilege_ = vm::Privilege::user;
    bool checked_ = false; // check_vmcb accepted the VMCB since its last change
    // Clean bits of the areas that software has not written since the last exit. Zero at first: the page may
    // hold an older VMCB in the processor's cache.
    u64 next_clean_ = 0;
    u64 deadline_ = 0, began_ = 0; // in ticks of this core
    TlbFlushTracker flush_;
    Audit audit_;
};

} // namespace svm

#include "svm/machine_run.h"
#include "svm/machine_state.h"
