// tests/unit/svm/scripted_cpu_test.cpp — svm_enter for the host tests, and that it refuses what VMRUN
// refuses.
#include "tests/unit/svm/scripted_cpu.h"

#include "cpu/registers.h"
#include "tests/unit/svm/world.h"

namespace sim {

void ScriptedCpu::enter(svm::EntryFrame &frame) {
    ++entries_;
    host_vmcb = Phys(frame.host_vmcb);
    svm::Vmcb &vmcb = *reinterpret_cast<svm::Vmcb *>(memory_.peek(Phys(frame.guest_vmcb)));
    clean_bits = vmcb.control.clean_bits;
    if (vmcb.control.tlb_control != 0) nested_.flush();
    const bool refused = !svm::Intercept2::Vmrun::test(vmcb.control.intercepts2) || vmcb.control.asid == 0 ||
                         !cpu::Efer::SvmEnable::test(vmcb.save.efer);
    if (refused) {
        vmcb.control.exit_code = 0xFFFF'FFFF; // as TCG has it
        return;
    }
    while (!steps_.empty()) {
        const Step step = steps_.front();
        const bool goes_on = step(frame, vmcb);
        // A nested fault leaves the step for the next entry.
        const bool faulted = !goes_on &&
                             vmcb.control.exit_code == static_cast<u64>(svm::ExitCode::nested_page_fault) &&
                             vmcb.control.exit_interrupt_info == retry;
        vmcb.control.exit_interrupt_info = 0;
        if (!faulted) steps_.pop_front();
        if (!goes_on) return;
    }
    vmcb.control.exit_code = static_cast<u64>(svm::ExitCode::vmmcall); // the script is over
    vmcb.control.exit_info1 = vmcb.control.exit_info2 = 0;
}

ScriptedCpu &ScriptedCpu::access(GuestPhys at, vm::Access kind, u8 value, u8 *into) {
    return step([=, this](svm::EntryFrame &, svm::Vmcb &vmcb) {
        u64 reason = 0;
        const auto found = nested_.translate(Phys(vmcb.control.nested_cr3), at, kind, &reason);
        if (!found) {
            vmcb.control.exit_code = static_cast<u64>(svm::ExitCode::nested_page_fault);
            vmcb.control.exit_info1 = reason, vmcb.control.exit_info2 = at.value();
            vmcb.control.exit_interrupt_info = retry;
            return false;
        }
        if (into != nullptr) *into = *nested_.byte(*found);
        if (kind == vm::Access::write) *nested_.byte(*found) = value;
        return true;
    });
}

} // namespace sim

extern "C" void svm_enter(svm::EntryFrame *frame) {
    ASSERT_NE(sim::ScriptedCpu::playing, nullptr) << "a guest was entered without a script";
    sim::ScriptedCpu::playing->enter(*frame);
}
