// svm/machine_state.h — Machine: construction, processor state, snapshot and reset, memory by guest-virtual
// address. Part of svm/machine.h.
#pragma once

#include "svm/exit_codes.h"
#include "svm/instruction.h"
#include "svm/machine.h"
#include "svm/vectors.h"

namespace svm {

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames, class Audit>
auto Machine<Memory, Frames, Audit>::make(Core &core, Memory &memory, Frames &frames,
                                          const mm::Allocator &heap, u64 memory_size)
    -> rstate::Result<Machine> {
    // ASID, VMCB cache and pins belong to one core, and `core` describes it.
    CHECK(core.number() == current_core(), "a machine is made on its own core", core.number());
    auto guest = TRY((vm::GuestMemory<Memory, Frames>::make(memory, frames, heap, memory_size)),
                     "making the guest's memory", memory_size);
    auto vmcb = TRY(Page::make(memory, frames, mm::Owner::device), "making the VMCB's page");
    auto vectors = TRY(Page::make(memory, frames, mm::Owner::device), "making the page of vector registers");
    const Asid asid = TRY(core.asids().allocate(), "taking an address space identifier");
    Machine made(core, asid, std::move(vmcb), std::move(vectors), std::move(guest));
    initialise(*made.vmcb_, core.features(),
               {core.maps().io(), core.maps().msr(), made.memory_.root(), asid.number});
    reset_vectors(*made.vectors_);
    made.entry_.guest_vmcb = made.vmcb_page_.frame().value();
    made.entry_.host_vmcb = core.host_vmcb().value();
    return made;
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames, class Audit>
Machine<Memory, Frames, Audit>::~Machine() {
    if (!vmcb_page_.owned()) return; // moved from
    // The ASID may be allocated again at once: a new machine's first entry flushes it. The VMCB's frame too:
    // its next user writes clean bits of zero.
    core_->forget_vectors(*vectors_);
    core_->asids().free(asid_);
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames, class Audit>
void Machine<Memory, Frames, Audit>::set_system(const vm::SystemRegisters &system) {
    // Each case's reset comes here with the same values: nothing is written, so the clean bits stay set.
    if (system == system_of(save())) return;
    // The ASID stands for the guest-physical space, so translations through the old tables keep matching.
    // VMRUN loads CR3 without flushing them: "the VMM must ensure that the guest's TLB entries are flushed"
    // (§15.16 "TLB Control", Software Rule).
    if (system.cr3 != root()) flush_.request();
    svm::set_system(save(), system);
    // For CR3 alone: the bases and LSTAR are VMLOAD's and have no clean bit.
    touched(Clean::ControlRegisters::mask);
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames, class Audit>
vm::ProcessorState Machine<Memory, Frames, Audit>::processor_state() {
    vm::ProcessorState state;
    state.registers = entry_.registers;
    state.system = system();
    // While they are loaded, the registers are newer than memory.
    if (core_->has_loaded(*vectors_)) cpu::fxsave(vectors_->bytes);
    state.vectors = *vectors_;
    // A privilege that was set but not yet run with decides the segments that belong to the snapshot.
    load_registers();
    save_hidden(save(), state.hidden);
    return state;
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames, class Audit>
void Machine<Memory, Frames, Audit>::load_processor(const vm::ProcessorState &state) {
    entry_.registers = state.registers;
    set_system(state.system);
    load_hidden(save(), state.hidden);
    // Without `touched`: check_vmcb has seen these segments when the snapshot was made, and a reset must not
    // pay for it.
    next_clean_ &= ~Clean::Segments::mask;
    loaded_privilege_ = state.registers.privilege;
    // Not cached, so no clean bit (§15.15.3 "VMCB Clean Field").
    control().interrupt_shadow = 0;
    core_->load_vectors(*vectors_);
    put_back(state.vectors);
    // A #DB clears DebugCtl.LBR (APM vol 2 §13.1.1.6 "Debug-Control MSR (DebugCtl)"): later cases would
    // record no branch.
    if (save().debug_control != debug_control(core_->features())) {
        save().debug_control = debug_control(core_->features());
        next_clean_ &= ~Clean::BranchRecords::mask;
    }
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames, class Audit>
rstate::Result<void> Machine<Memory, Frames, Audit>::take_snapshot(vm::Snapshot &snapshot) {
    vm::SnapshotTaker<Memory, Frames> taker(memory_, snapshot);
    TRY(taker.take(processor_state()), "taking the snapshot", memory_.private_pages(), entry_.registers.rip);
    // The first case starts as all others do, in what the snapshot's image does not show too (vectors.h).
    core_->load_vectors(*vectors_);
    put_back(snapshot.processor().vectors);
    return rstate::done();
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames, class Audit>
rstate::Result<void> Machine<Memory, Frames, Audit>::attach(const vm::Snapshot &snapshot) {
    TRY(memory_.attach(snapshot), "attaching a machine to the snapshot", memory_.size());
    load_processor(snapshot.processor());
    checked_ = false; // another machine's segments, which this VMCB has never been checked with
    return rstate::done();
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames, class Audit>
rstate::Result<void> Machine<Memory, Frames, Audit>::reset() {
    // Memory first: if it fails, the registers still are the case's, and the error chain shows them.
    TRY(memory_.reset(), "resetting the guest's memory", entry_.guest_vmcb);
    load_processor(memory_.snapshot()->processor());
    began_ = cpu::ticks();
    return rstate::done();
}

// Moves RIP behind the intercepted instruction, from the best source there is:
//   - EXITINFO2 for IN and OUT, on every processor (§15.10.2 "IN and OUT Behavior");
//   - nRIP where CPUID has NRIPS. It is zero for exits that are not instructions. It describes the last exit
//     only, so the exit must still be that one (§15.7.1 "State Saved on Exit");
//   - else the guest's bytes. No other core changes them: the memory belongs to this machine.
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames, class Audit>
rstate::Result<void> Machine<Memory, Frames, Audit>::skip_instruction(const vm::Exit &exit) {
    vm::Registers &r = entry_.registers;
    const u64 next = core_->features().nrip_save ? control().next_rip : 0;
    if (static_cast<ExitCode>(exit.code) == ExitCode::ioio) {
        r.rip = exit.info2; // the next RIP, on every processor
    } else if (next != 0 && control().exit_code == exit.code) {
        r.rip = next;
    } else {
        const CodeBytes code = TRY(read_code(), "reading the guest's instruction", GuestVirt(r.rip));
        r.rip += TRY(instruction_length(exit.code, code.bytes()), "measuring the guest's instruction",
                     GuestVirt(r.rip));
    }
    return rstate::done();
}

// The guest's code at RIP: as many of the longest instruction's bytes as the guest maps.
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames, class Audit>
rstate::Result<CodeBytes> Machine<Memory, Frames, Audit>::read_code() {
    CodeBytes code;
    const GuestVirt rip(entry_.registers.rip);
    const u64 here = min(vm::max_instruction_bytes, page_size - rip.offset());
    for (const u64 end : {here, vm::max_instruction_bytes}) {
        auto piece = read(rip + code.count, {code.data + code.count, end - code.count});
        if (!piece.ok() && piece.error().is(vm::guest_not_mapped)) {
            rstate::ignore(std::move(piece), "the instruction may well end before the page does");
            break;
        }
        TRY(std::move(piece), "reading the guest's code", rip);
        code.count = static_cast<u8>(end);
    }
    return code;
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames, class Audit>
rstate::Result<void> Machine<Memory, Frames, Audit>::read(GuestVirt from, MutableBytes out) {
    return vm::for_guest_pieces(memory_, root(), from, out.size(), [&](GuestPhys at, u64 offset, u64 bytes) {
        return memory_.read(at, out.sub(offset, bytes));
    });
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames, class Audit>
rstate::Result<void> Machine<Memory, Frames, Audit>::write(GuestVirt to, Bytes data) {
    return vm::for_guest_pieces(memory_, root(), to, data.size(), [&](GuestPhys at, u64 offset, u64 bytes) {
        return memory_.write(at, data.sub(offset, bytes));
    });
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames, class Audit>
template <class Visit>
rstate::Result<void> Machine<Memory, Frames, Audit>::view(GuestVirt from, u64 length, Visit &&visit) {
    return vm::for_guest_pieces(memory_, root(), from, length, [&](GuestPhys at, u64 offset, u64 bytes) {
        return memory_.view(at, bytes, [&](u64 within, Bytes piece) { visit(offset + within, piece); });
    });
}

} // namespace svm
