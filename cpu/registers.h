// cpu/registers.h — control registers, flags and model-specific registers, with their bits.
#pragma once

#include "base/bits.h"
#include "base/types.h"

namespace cpu {

// APM vol 2 §3.1.1 "CR0 Register"
struct Cr0 {
    using ProtectionEnabled = Bits<0>;
    using MonitorCoprocessor = Bits<1>;
    using Emulation = Bits<2>;
    using TaskSwitched = Bits<3>;
    using ExtensionType = Bits<4>;
    using NumericError = Bits<5>;
    using WriteProtect = Bits<16>;
    using AlignmentMask = Bits<18>;
    using NotWritethrough = Bits<29>;
    using CacheDisable = Bits<30>;
    using Paging = Bits<31>;
};

// APM vol 2 §3.1.3 "CR4 Register"
struct Cr4 {
    using TimeStampDisable = Bits<2>;
    using PhysicalAddressExtensions = Bits<5>;
    using MachineCheckEnable = Bits<6>;
    using PageGlobal = Bits<7>;
    using Osfxsr = Bits<9>;
    using Osxmmexcpt = Bits<10>;
    using Umip = Bits<11>;
    using FsGsBase = Bits<16>;
    using Osxsave = Bits<18>;
    using Smep = Bits<20>;
    using Smap = Bits<21>;
};

// APM vol 2 §3.1.7 "Extended Feature Enable Register (EFER)"
struct Efer {
    using SystemCallExtensions = Bits<0>;
    using LongModeEnable = Bits<8>;
    using LongModeActive = Bits<10>;
    using NoExecuteEnable = Bits<11>;
    using SvmEnable = Bits<12>;
};

// APM vol 2 §3.1.6 "RFLAGS Register"
struct Rflags {
    using Carry = Bits<0>;
    using AlwaysOne = Bits<1>;
    using Trap = Bits<8>;
    using Interrupt = Bits<9>;
    using Direction = Bits<10>;
};

// Model-specific registers, APM vol 2 appendix A "MSR Cross-Reference".
enum class Msr : u32 {
    apic_base = 0x1B,
    spec_ctrl = 0x48,
    debug_ctl = 0x1D9,
    pat = 0x277,
    efer = 0xC0000080,
    star = 0xC0000081,
    lstar = 0xC0000082,
    sfmask = 0xC0000084,
    fs_base = 0xC0000100,
    gs_base = 0xC0000101,
    kernel_gs_base = 0xC0000102,
    tsc_aux = 0xC0000103,
    // Of certain models alone, with bits that only revision guides name (cpu/errata.cpp).
    load_store_configuration = 0xC0011020,
    floating_point_configuration = 0xC0011028,
    decode_configuration = 0xC0011029,
    branch_predictor_configuration = 0xC001102E,
    vm_cr = 0xC0010114,
    vm_hsave_pa = 0xC0010117,
    x2apic_first = 0x800,
};

// APM vol 2 §16.3.1 "Local APIC Enable", §16.9 "Detecting and Enabling x2APIC Mode"
struct ApicBase {
    using X2apicEnable = Bits<10>;
    using ApicEnable = Bits<11>;
    using Address = Bits<51, 12>;
};

// APM vol 2 §8.2 "Vectors"
enum class Vector : u8 {
    divide_error = 0,
    debug = 1,
    nmi = 2,
    breakpoint = 3,
    overflow = 4,
    bound_range = 5,
    invalid_opcode = 6,
    device_not_available = 7,
    double_fault = 8,
    invalid_tss = 10,
    segment_not_present = 11,
    stack_fault = 12,
    general_protection = 13,
    page_fault = 14,
    x87_floating_point = 16,
    alignment_check = 17,
    machine_check = 18,
    simd_floating_point = 19,
    control_protection = 21,
    security = 30,
};

// The page fault's error code: APM vol 2 §8.4.2 "Page-Fault Error Code".
struct PageFaultCode {
    using Present = Bits<0>;
    using Write = Bits<1>;
    using User = Bits<2>;
    using Reserved = Bits<3>;
    using Fetch = Bits<4>;
};

} // namespace cpu
