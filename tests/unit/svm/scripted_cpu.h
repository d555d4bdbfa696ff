// tests/unit/svm/scripted_cpu.h — VMRUN as a script plays it: guest accesses through the nested tables, then
// an exit.
//
// It keeps translations until TLB_CONTROL says otherwise, exchanges the general registers as svm_enter does,
// and refuses the VMCBs that VMRUN refuses. It emulates no instructions.
#pragma once

#include <deque>
#include <functional>

#include "cpu/ticks.h"
#include "svm/entry.h"
#include "svm/exit_codes.h"
#include "svm/vmcb.h"
#include "tests/sim/memory.h"
#include "tests/unit/vm/nested_cpu.h"

namespace sim {

class ScriptedCpu {
  public:
    explicit ScriptedCpu(SimMemory &memory) : memory_(memory), nested_(memory) { playing = this; }
    ~ScriptedCpu() { playing = nullptr; }
    ScriptedCpu(const ScriptedCpu &) = delete;

    // One step: true when the guest goes on with the next one, false when it has stopped.
    using Step = std::function<bool(svm::EntryFrame &, svm::Vmcb &)>;
    ScriptedCpu &step(Step step) {
        steps_.push_back(std::move(step));
        return *this;
    }
    // The guest stops.
    ScriptedCpu &exit(svm::ExitCode code, u64 info1 = 0, u64 info2 = 0) {
        return step([=](svm::EntryFrame &, svm::Vmcb &vmcb) {
            vmcb.control.exit_code = static_cast<u64>(code);
            vmcb.control.exit_info1 = info1, vmcb.control.exit_info2 = info2;
            return false;
        });
    }
    // The core's timer stops it; any other interrupt is a plain exit(intr).
    ScriptedCpu &tick() {
        return step([](svm::EntryFrame &, svm::Vmcb &vmcb) {
            cpu::note_tick();
            vmcb.control.exit_code = static_cast<u64>(svm::ExitCode::intr);
            return false;
        });
    }
    ScriptedCpu &exception(u8 vector, u64 info1 = 0, u64 info2 = 0) {
        return exit(static_cast<svm::ExitCode>(static_cast<u64>(svm::ExitCode::exception_0) + vector), info1,
                    info2);
    }
    // The guest touches memory; a nested fault stops it, and after that it tries again.
    ScriptedCpu &write(GuestPhys at, u8 value) { return access(at, vm::Access::write, value, nullptr); }
    ScriptedCpu &read(GuestPhys at, u8 &into) { return access(at, vm::Access::read, 0, &into); }
    // The guest changes its registers.
    ScriptedCpu &act(std::function<void(vm::Registers &, svm::Save &)> change) {
        return step([=](svm::EntryFrame &frame, svm::Vmcb &vmcb) {
            return change(frame.registers, vmcb.save), true;
        });
    }

    void enter(svm::EntryFrame &frame);

    u64 entries() const { return entries_; }
    u64 flushes() const { return nested_.flushes(); }
    bool finished() const { return steps_.empty(); }
    // What the last entry saw.
    u64 clean_bits = 0;
    Phys host_vmcb;

    static constexpr u64 retry = 1; // marks, in a field that hardware fills, a fault that was the step's own
    static inline thread_local ScriptedCpu *playing = nullptr;

  private:
    ScriptedCpu &access(GuestPhys at, vm::Access access, u8 value, u8 *into);

    SimMemory &memory_;
    NestedCpu nested_;
    std::deque<Step> steps_;
    u64 entries_ = 0;
};

} // namespace sim
