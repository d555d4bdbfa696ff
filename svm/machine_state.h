// svm/machine_state.h — Machine's making, its processor's state, and memory by guest-virtual address. Part of
// svm/machine.h.
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
    core_->forget_vectors(*vectors_);
    core_->asids().free(asid_);
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames, class Audit>
void Machine<Memory, Frames, Audit>::set_system(const vm::SystemRegisters &system) {
    if (system == system_of(save())) return;
    if (system.cr3 != root()) flush_.request(); // translations of the old tables carry the same ASID
    svm::set_system(save(), system);
    touched(Clean::ControlRegisters::mask);
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames, class Audit>
vm::ProcessorState Machine<Memory, Frames, Audit>::processor_state() {
    vm::ProcessorState state;
    state.registers = entry_.registers;
    state.system = system();
    if (core_->has_loaded(*vectors_)) cpu::fxsave(vectors_->bytes);
    state.vectors = *vectors_;
    load_registers(); // a privilege that was set but not yet run with decides the segments
    save_hidden(save(), state.hidden);
    return state;
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames, class Audit>
void Machine<Memory, Frames, Audit>::load_processor(const vm::ProcessorState &state) {
    entry_.registers = state.registers;
    set_system(state.system);
    load_hidden(save(), state.hidden);
    next_clean_ &= ~Clean::Segments::mask; // as they were when they were checked
    loaded_privilege_ = state.registers.privilege;
    control().interrupt_shadow = 0;
    core_->load_vectors(*vectors_);
    put_back(state.vectors);
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames, class Audit>
rstate::Result<void> Machine<Memory, Frames, Audit>::take_snapshot(vm::Snapshot &snapshot) {
    vm::SnapshotTaker<Memory, Frames> taker(memory_, snapshot);
    TRY(taker.take(processor_state()), "taking the snapshot", memory_.private_pages(), entry_.registers.rip);
    return rstate::done();
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames, class Audit>
rstate::Result<void> Machine<Memory, Frames, Audit>::attach(const vm::Snapshot &snapshot) {
    TRY(memory_.attach(snapshot), "attaching a machine to the snapshot", memory_.size());
    load_processor(snapshot.processor());
    checked_ = false;
    return rstate::done();
}

template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames, class Audit>
rstate::Result<void> Machine<Memory, Frames, Audit>::reset() {
    TRY(memory_.reset(), "resetting the guest's memory", entry_.guest_vmcb);
    load_processor(memory_.snapshot()->processor());
    began_ = cpu::ticks();
    return rstate::done();
}

// Bytes at RIP, as many as the guest maps of the fifteen an instruction can have.
template <mm::PhysicalMemory Memory, mm::FrameAllocator Frames, class Audit>
rstate::Result<void> Machine<Memory, Frames, Audit>::skip_instruction(const vm::Exit &exit) {
    vm::Registers &r = entry_.registers;
    const u64 next = core_->features().nrip_save ? control().next_rip : 0;
    if (static_cast<ExitCode>(exit.code) == ExitCode::ioio) {
        r.rip = exit.info2; // the next RIP, on every processor
    } else if (next != 0 && control().exit_code == exit.code) {
        r.rip = next;
    } else {
        u8 bytes[max_instruction_bytes];
        const GuestVirt rip(r.rip);
        const u64 first = min<u64>(max_instruction_bytes, page_size - rip.offset());
        u64 count = first;
        TRY(read(rip, {bytes, first}), "reading the guest's instruction", rip);
        auto rest = read(rip + first, {bytes + first, max_instruction_bytes - first});
        if (rest.ok())
            count = max_instruction_bytes;
        else
            rstate::ignore(std::move(rest), "the instruction may well end before the page does");
        r.rip += TRY(instruction_length(exit.code, {bytes, count}), "measuring the guest's instruction", rip);
    }
    return rstate::done();
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
