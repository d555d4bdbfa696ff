// cpu/features.cpp — CPUID decoded: APM vol 3 appendix E "Obtaining Processor Information Via the CPUID
// Instruction".
#include "cpu/features.h"

#include "base/bits.h"
#include "cpu/ops.h"

namespace cpu {

static void read_svm(Features &f) {
    const CpuidResult svm = cpuid(0x8000000A);
    f.asid_count = svm.ebx;
    f.nested_paging = Bits<0>::test(svm.edx);
    f.lbr_virtualisation = Bits<1>::test(svm.edx);
    f.nrip_save = Bits<3>::test(svm.edx);
    f.vmcb_clean_bits = Bits<5>::test(svm.edx);
    f.flush_by_asid = Bits<6>::test(svm.edx);
    f.decode_assists = Bits<7>::test(svm.edx);
    f.virtual_gif = Bits<16>::test(svm.edx);
}

// APM vol 3 §E.3.2 "Function 1h - Processor and Processor Feature Identifiers": families from 0Fh on are the
// sum.
static void read_model(Features &f, u32 signature) {
    const u64 family = Bits<11, 8>::get(signature), model = Bits<7, 4>::get(signature);
    const bool extended = family == 0xF;
    f.family = static_cast<u32>(family + (extended ? Bits<27, 20>::get(signature) : 0));
    f.model = static_cast<u32>(model | (extended ? Bits<19, 16>::get(signature) << 4 : 0));
}

// Leaves past the highest one return another leaf's data on some machines, so each is asked for only if it
// exists.
Features Features::read() {
    Features f;
    const CpuidResult vendor = cpuid(0);
    f.amd = vendor.ebx == 0x68747541 && vendor.edx == 0x69746E65 && vendor.ecx == 0x444D4163; // AuthenticAMD
    const CpuidResult basic = cpuid(1);
    read_model(f, basic.eax);
    f.apic_id = static_cast<u32>(Bits<31, 24>::get(basic.ebx));
    f.x2apic = Bits<21>::test(basic.ecx);
    f.rdrand = Bits<30>::test(basic.ecx);
    f.hypervisor = Bits<31>::test(basic.ecx);
    f.machine_check = Bits<7>::test(basic.edx) && Bits<14>::test(basic.edx);
    if (vendor.eax >= 7) {
        const CpuidResult structured = cpuid(7);
        f.fs_gs_base = Bits<0>::test(structured.ebx);
        f.smep = Bits<7>::test(structured.ebx);
        f.rdseed = Bits<18>::test(structured.ebx);
        f.smap = Bits<20>::test(structured.ebx);
        f.umip = Bits<2>::test(structured.ecx);
        f.tsc_aux = Bits<22>::test(structured.ecx); // RDPID
    }
    const u32 highest = cpuid(0x80000000).eax;
    if (highest >= 0x80000001) {
        const CpuidResult extended = cpuid(0x80000001);
        f.svm = Bits<2>::test(extended.ecx);
        f.no_execute = Bits<20>::test(extended.edx);
        f.tsc_aux |= Bits<27>::test(extended.edx); // RDTSCP
        f.long_mode = Bits<29>::test(extended.edx);
    }
    if (highest >= 0x80000007) f.scalable_machine_check = Bits<3>::test(cpuid(0x80000007).ebx);
    if (highest >= 0x80000008) {
        const CpuidResult sizes = cpuid(0x80000008);
        f.physical_address_bits = sizes.eax & 0xFF;
        f.spec_ctrl = Bits<14>::test(sizes.ebx) || Bits<15>::test(sizes.ebx) ||
                      Bits<24>::test(sizes.ebx); // IBRS, STIBP, SSBD
    }
    if (f.svm && highest >= 0x8000000A) read_svm(f);
    return f;
}

} // namespace cpu
