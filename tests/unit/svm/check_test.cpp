// tests/unit/svm/check_test.cpp — each rule of VMRUN, broken by itself, is the one that is named.
#include "svm/check.h"

#include <functional>
#include <memory>
#include <string>

#include "svm/codes.h"
#include "tests/unit/svm/world.h"

namespace {

using namespace sim;
using svm::Vmcb;

std::unique_ptr<Vmcb> good_vmcb(const cpu::Features &features) {
    auto vmcb = std::make_unique<Vmcb>();
    svm::initialise(*vmcb, features, {Phys(0x10000), Phys(0x10000), Phys(0x20000), 1});
    svm::set_system(vmcb->save, {GuestPhys(0x30000), 0x1000, 0x2000, 0x4000});
    vmcb->save.rip = 0x401000;
    return vmcb;
}

struct Rule {
    const char *rule;
    std::function<void(Vmcb &)> breaks;
};

const Rule rules[] = {
    {"EFER.SVME is set", [](Vmcb &v) { v.save.efer &= ~(1ul << 12); }},
    {"EFER's reserved bits are zero", [](Vmcb &v) { v.save.efer |= 1ul << 9; }},
    {"EFER's reserved bits are zero", [](Vmcb &v) { v.save.efer |= 1ul << 63; }},
    {"CR0.NW is set only with CR0.CD", [](Vmcb &v) { v.save.cr0 |= 1ul << 29; }},
    {"CR0's upper half is zero", [](Vmcb &v) { v.save.cr0 |= 1ul << 32; }},
    {"CR4's reserved bits are zero", [](Vmcb &v) { v.save.cr4 |= 1ul << 15; }},
    {"CR4's reserved bits are zero", [](Vmcb &v) { v.save.cr4 |= 1ul << 32; }},
    {"CR3's bits above the physical limit are zero", [](Vmcb &v) { v.save.cr3 |= 1ul << 52; }},
    {"CR3's reserved low bits are zero", [](Vmcb &v) { v.save.cr3 |= 1; }},
    {"EFER.LME and CR0.PG need CR4.PAE", [](Vmcb &v) { v.save.cr4 &= ~(1ul << 5); }},
    {"EFER.LME and CR0.PG need CR0.PE", [](Vmcb &v) { v.save.cr0 &= ~1ul; }},
    {"a code segment is not both 64-bit and 32-bit (CS.L and CS.D)",
     [](Vmcb &v) { v.save.cs.attributes |= 1 << 10; }},
    {"EFER.LMA says what LME and CR0.PG make it", [](Vmcb &v) { v.save.efer &= ~(1ul << 10); }},
    {"shadow stacks are off", [](Vmcb &v) { v.save.s_cet = 1; }},
    {"DR6's upper half is zero", [](Vmcb &v) { v.save.dr6 |= 1ul << 32; }},
    {"DR7's upper half is zero", [](Vmcb &v) { v.save.dr7 |= 1ul << 63; }},
    {"RFLAGS has its fixed bits", [](Vmcb &v) { v.save.rflags = 0; }},
    {"RFLAGS has its fixed bits", [](Vmcb &v) { v.save.rflags |= 1ul << 3; }},
    {"RFLAGS has its fixed bits", [](Vmcb &v) { v.save.rflags |= 1ul << 22; }},
    {"RIP is canonical", [](Vmcb &v) { v.save.rip = 1ul << 47; }},
    {"the bases of FS and GS are canonical", [](Vmcb &v) { v.save.gs.base = 1ul << 60; }},
    {"LSTAR is canonical", [](Vmcb &v) { v.save.lstar = 1ul << 60; }},
    {"CPL is the stack segment's DPL", [](Vmcb &v) { v.save.cpl = 0; }},
    {"the code segment is present", [](Vmcb &v) { v.save.cs.attributes &= 0xFF7F; }},
    {"the save area's gaps are zero", [](Vmcb &v) { v.save.reserved_0a0[3] = 1; }},
    {"VMRUN is intercepted", [](Vmcb &v) { v.control.intercepts2 &= ~1u; }},
    {"the ASID is not the host's", [](Vmcb &v) { v.control.asid = 0; }},
    {"the ASID is one that CPUID offers", [](Vmcb &v) { v.control.asid = 0xFFFF; }},
    {"the I/O permission map lies in physical memory",
     [](Vmcb &v) { v.control.iopm_base = (1ul << 40) - 8192; }},
    {"the I/O permission map lies in physical memory", [](Vmcb &v) { v.control.iopm_base |= 8; }},
    {"the MSR permission map lies in physical memory",
     [](Vmcb &v) { v.control.msrpm_base = (1ul << 40) - 4096; }},
    {"nested paging is on, and nothing else of its word", [](Vmcb &v) { v.control.np_control = 0; }},
    {"nested paging is on, and nothing else of its word", [](Vmcb &v) { v.control.np_control = 3; }},
    {"the nested CR3 is a page in physical memory", [](Vmcb &v) { v.control.nested_cr3 |= 1ul << 40; }},
    {"the nested CR3 is a page in physical memory", [](Vmcb &v) { v.control.nested_cr3 |= 4; }},
    {"the nested CR3 is a page in physical memory", [](Vmcb &v) { v.control.nested_cr3 = 0; }},
    {"every field of the guest's PAT is a memory type",
     [](Vmcb &v) {
         v.save.g_pat |= 2;
         v.save.g_pat &= ~4ul;
     }},
    {"every field of the guest's PAT is a memory type", [](Vmcb &v) { v.save.g_pat = 8ul << 56; }},
    {"no event is injected", [](Vmcb &v) { v.control.event_injection = 1ul << 31; }},
    {"TLB_CONTROL is an order that this processor knows", [](Vmcb &v) { v.control.tlb_control = 2; }},
    {"TLB_CONTROL is an order that this processor knows", [](Vmcb &v) { v.control.tlb_control = 3; }},
    {"clean bits are set only for areas we use", [](Vmcb &v) { v.control.clean_bits = 1ul << 12; }},
    {"clean bits need a processor that has them", [](Vmcb &v) { v.control.clean_bits = 1; }},
    {"branch records are virtualised only where the processor can",
     [](Vmcb &v) { v.control.lbr_control = 1; }},
    {"what other features use is zero", [](Vmcb &v) { v.control.vmsa = 0x1000; }},
    {"the control area's gaps are zero", [](Vmcb &v) { v.control.reserved_018[1] = 1; }},
    {"the guest's interrupt flag is its own", [](Vmcb &v) { v.control.virtual_interrupt = 0; }},
    {"no virtual interrupt waits", [](Vmcb &v) { v.control.virtual_interrupt |= 1ul << 8; }},
    {"every event and instruction of word 1 is intercepted", [](Vmcb &v) { v.control.intercepts1 &= ~1u; }},
    {"every event and instruction of word 1 is intercepted",
     [](Vmcb &v) { v.control.intercepts1 &= ~(1u << 31); }},
    {"every instruction of word 2 is intercepted", [](Vmcb &v) { v.control.intercepts2 &= ~2u; }},
    {"every exception is intercepted", [](Vmcb &v) { v.control.exceptions &= ~(1u << 14); }},
    {"every control and debug register is intercepted", [](Vmcb &v) { v.control.dr_writes = 0x7FFF; }},
};

TEST(Check, TheVmcbThatWeMakeBreaksNoRule) {
    for (const cpu::Features &features : {plain_features(), rich_features()}) {
        EXPECT_EQ(svm::first_broken_rule(*good_vmcb(features), features).rule, nullptr);
        EXPECT_TRUE(svm::check_vmcb(*good_vmcb(features), features).ok());
    }
}

TEST(Check, EachBrokenRuleIsNamed) {
    for (const Rule &rule : rules) {
        const auto vmcb = good_vmcb(plain_features());
        rule.breaks(*vmcb);
        const char *named = svm::first_broken_rule(*vmcb, plain_features()).rule;
        EXPECT_STREQ(named != nullptr ? named : "(none)", rule.rule);
        EXPECT_TRUE(fails_with(svm::check_vmcb(*vmcb, plain_features()), svm::vmcb_breaks_rule)) << rule.rule;
    }
}

TEST(Check, WhatAProcessorLacksIsRefusedThere) {
    cpu::Features lacking = rich_features();
    const auto vmcb = good_vmcb(rich_features());
    lacking.umip = false;
    EXPECT_STREQ(svm::first_broken_rule(*vmcb, lacking).rule, "CR4.UMIP needs a processor that has it");
    lacking.umip = true, lacking.fs_gs_base = false;
    EXPECT_STREQ(svm::first_broken_rule(*vmcb, lacking).rule, "CR4.FSGSBASE needs a processor that has it");
    lacking.fs_gs_base = true, lacking.no_execute = false;
    EXPECT_STREQ(svm::first_broken_rule(*vmcb, lacking).rule, "EFER.NXE needs a processor that has it");
    lacking.long_mode = false;
    EXPECT_STREQ(svm::first_broken_rule(*vmcb, lacking).rule,
                 "EFER.LMA and LME need a processor with long mode");
}

TEST(Check, WhatAProcessorHasIsAllowedThere) {
    const auto vmcb = good_vmcb(rich_features());
    vmcb->control.tlb_control = 3;
    vmcb->control.clean_bits = svm::Clean::All::mask;
    EXPECT_TRUE(svm::check_vmcb(*vmcb, rich_features()).ok());
}

} // namespace
