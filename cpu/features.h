// cpu/features.h — what CPUID says about this processor, read once, as plain fields.
#pragma once

#include "base/types.h"

namespace cpu {

struct Features {
    bool amd = false;
    bool hypervisor = false;   // this processor is an emulated or a virtual one, which says so
    u32 family = 0, model = 0; // base and extended fields joined
    bool long_mode = false;
    bool no_execute = false;
    bool rdrand = false;
    bool rdseed = false;
    bool x2apic = false;
    bool smep = false;
    bool smap = false;
    bool umip = false;
    bool fs_gs_base = false;             // RDFSBASE, WRFSBASE and their like
    bool machine_check = false;          // CR4.MCE and the machine-check registers
    bool scalable_machine_check = false; // and their MCAX range
    bool spec_ctrl = false;              // MSR SPEC_CTRL
    bool tsc_aux = false;                // MSR TSC_AUX
    bool svm = false;
    u32 physical_address_bits = 36;
    u32 apic_id = 0;

    // CPUID 8000_000A "SVM Revision and Feature Identification" (APM vol 3 appendix E.4.9); zero without SVM.
    bool nested_paging = false;
    bool lbr_virtualisation = false;
    bool nrip_save = false;
    bool vmcb_clean_bits = false;
    bool flush_by_asid = false;
    bool decode_assists = false;
    bool virtual_gif = false;
    u32 asid_count = 0; // ASIDs 0 to asid_count - 1; 0 is the host's

    static Features read();
};

} // namespace cpu
