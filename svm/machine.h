// svm/machine.h — a virtual machine on AMD-V: the one type that satisfies vm::Vm today.
//
// One run of a steady case:   run -> enter -> svm_enter ... #VMEXIT ... decode -> Exit
// On the way nothing is allocated and nothing locked; what does not change between entries is not written
// again. A new page, or a tick of the host's timer, is resolved and the guest goes on.
//
// Owned by one core, and it stays there: its ASID, its VMCB's cached parts and its pins are that core's.
#pragma once

#include "cpu/ticks.h"
#include "svm/core.h"
#include "svm/decode.h"
#include "svm/entry.h"
#include "svm/guest_state.h"
#include "svm/vmcb_audit.h"
#include "vm/guest_memory.h"
#include "vm/guest_walk.h"
#include "vm/machine.h"
#include "vm/snapshot_taker.h"

namespace svm {

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames, class Audit = DefaultAudit>
class Machine final {
  public:
    // Memory of `memory_size` bytes, all zero and costing nothing yet. `heap` holds its books.
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

    rstate::Result<void> protect_tables(GuestPhys first, u64 pages) {
        return memory_.protect_tables(first, pages);
    }
    rstate::Result<void> take_snapshot(vm::Snapshot &snapshot);
    rstate::Result<void> attach(const vm::Snapshot &snapshot);
    rstate::Result<void> reset();
    rstate::Result<u64> digest() { return memory_.digest(processor_state()); }
    const vm::Statistics &statistics() const { return memory_.statistics(); }

    // For whoever looks at it from outside; nothing may be changed through it.
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
    // An area of the VMCB was written: the processor must read it again, and so must our check.
    void touched(u64 clean_bit) { next_clean_ &= ~clean_bit, checked_ = false; }

    rstate::Result<void> enter();
    void load_registers();
    void store_registers();
    rstate::Error refused() const;
    rstate::Result<bool> resolve(Action action, vm::Exit &exit);
    rstate::Result<void> resolve_software_interrupt(vm::Exit &exit);
    void count(const vm::Exit &exit);
    vm::ProcessorState processor_state();
    void load_processor(const vm::ProcessorState &state);

    Core *core_;
    Asid asid_;
    Page vmcb_page_, vector_page_;
    vm::GuestMemory<Memory, Frames> memory_;
    Vmcb *vmcb_;               // stays pinned
    vm::VectorState *vectors_; // the guest's x87 and SSE registers while another machine's are loaded
    EntryFrame entry_;
    vm::Privilege loaded_privilege_ = vm::Privilege::user; // what the VMCB's segments are for
    bool checked_ = false;
    u64 next_clean_ = 0;           // what has not changed since the last entry
    u64 deadline_ = 0, began_ = 0; // in ticks of this core
    TlbFlushTracker flush_;
    Audit audit_;
};

} // namespace svm

#include "svm/machine_run.h"
#include "svm/machine_state.h"
