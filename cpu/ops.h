// cpu/ops.h — the privileged operations: declared here, defined by hw/ or by tests/sim/.
//
// The simulated processor has MSRs, CR3 and a TLB that keeps stale entries.
#pragma once

#include "base/addr.h"
#include "cpu/registers.h"

namespace cpu {

u64 read_cr0();
u64 read_cr2();
u64 read_cr3();
u64 read_cr4();
void write_cr0(u64 value);
void write_cr2(u64 value);
void write_cr3(u64 value);
void write_cr4(u64 value);

// Drops this core's translations of one page, global ones too (APM vol 2 §5.5.2 "TLB Management").
void invlpg(Virt page);

u64 read_dr7();
void write_dr7(u64 value);
// Writes back and drops every cache line of this core.
void wbinvd();

u64 read_msr(Msr msr);
void write_msr(Msr msr, u64 value);
// False when the processor has no such MSR, or refuses the value: the #GP is caught. On a core that has its
// interrupt table.
bool try_read_msr(Msr msr, u64 &value);
bool try_write_msr(Msr msr, u64 value);

struct CpuidResult {
    u32 eax, ebx, ecx, edx;
};
CpuidResult cpuid(u32 leaf, u32 subleaf = 0);

u64 read_tsc();
// One word from RDRAND or RDSEED; false when the generator had none. Only where CPUID lists the instruction.
bool read_rdrand(u64 &word);
bool read_rdseed(u64 &word);

void pause();
void halt(); // until the next interrupt that is enabled
void enable_interrupts();
void disable_interrupts();
bool interrupts_enabled();
// STI and HLT with nothing between them: an interrupt cannot slip in before the halt.
void enable_interrupts_and_halt();

u8 in8(u16 port);
u16 in16(u16 port);
u32 in32(u16 port);
void out8(u16 port, u8 value);
void out16(u16 port, u16 value);
void out32(u16 port, u32 value);

// One whole page; both addresses are page aligned.
void copy_page(void *to, const void *from);
void fill_page(void *page, u64 word);

// The x87 and SSE state, 512 bytes, 16-byte aligned (APM vol 2 §11.4.4 "Media and x87 Register State").
void fxsave(void *area);
void fxrstor(const void *area);
// FNINIT: control, status, tags and the pointers to the last instruction; the registers keep their bytes.
void reset_x87();
// The x87 state as after FINIT, with its registers zeroed: nothing is left of earlier code.
void clear_x87();
// Only the SSE half of such an area: MXCSR and XMM0 to XMM15.
void load_sse(const void *area);

// The guest's hidden state: FS, GS, TR, LDTR, STAR and their like (APM vol 2 §15.5.2 "VMSAVE and VMLOAD
// Instructions").
void vmload(Phys vmcb);
void vmsave(Phys vmcb);

} // namespace cpu
