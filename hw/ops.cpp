// hw/ops.cpp — the machine's own instructions behind cpu/ops.h: one instruction a function. Other inline
// assembly is in hw/memory.cpp and cpu/local.h alone.
#include "cpu/ops.h"

namespace cpu {

u64 read_cr0() {
    u64 value;
    asm volatile("mov %%cr0, %0" : "=r"(value));
    return value;
}
u64 read_cr2() {
    u64 value;
    asm volatile("mov %%cr2, %0" : "=r"(value));
    return value;
}
u64 read_cr3() {
    u64 value;
    asm volatile("mov %%cr3, %0" : "=r"(value));
    return value;
}
u64 read_cr4() {
    u64 value;
    asm volatile("mov %%cr4, %0" : "=r"(value));
    return value;
}
void write_cr0(u64 value) { asm volatile("mov %0, %%cr0" : : "r"(value) : "memory"); }
void write_cr2(u64 value) { asm volatile("mov %0, %%cr2" : : "r"(value) : "memory"); }
void write_cr3(u64 value) { asm volatile("mov %0, %%cr3" : : "r"(value) : "memory"); }
void write_cr4(u64 value) { asm volatile("mov %0, %%cr4" : : "r"(value) : "memory"); }

void invlpg(Virt page) { asm volatile("invlpg (%0)" : : "r"(page.value()) : "memory"); }

u64 read_dr7() {
    u64 value;
    asm volatile("mov %%dr7, %0" : "=r"(value));
    return value;
}

void write_dr7(u64 value) { asm volatile("mov %0, %%dr7" : : "r"(value) : "memory"); }

void wbinvd() { asm volatile("wbinvd" : : : "memory"); }

u64 read_msr(Msr msr) {
    u32 low, high;
    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
    return low | static_cast<u64>(high) << 32;
}
void write_msr(Msr msr, u64 value) {
    asm volatile("wrmsr"
                 :
                 : "c"(msr), "a"(static_cast<u32>(value)), "d"(static_cast<u32>(value >> 32))
                 : "memory");
}

CpuidResult cpuid(u32 leaf, u32 subleaf) {
    CpuidResult r{leaf, 0, subleaf, 0};
    asm volatile("cpuid" : "+a"(r.eax), "=b"(r.ebx), "+c"(r.ecx), "=d"(r.edx));
    return r;
}

u64 read_tsc() {
    u32 low, high;
    asm volatile("rdtsc" : "=a"(low), "=d"(high));
    return low | static_cast<u64>(high) << 32;
}
bool read_rdrand(u64 &word) {
    bool ok;
    asm volatile("rdrand %0" : "=r"(word), "=@ccc"(ok));
    return ok;
}
bool read_rdseed(u64 &word) {
    bool ok;
    asm volatile("rdseed %0" : "=r"(word), "=@ccc"(ok));
    return ok;
}

void pause() { asm volatile("pause" : : : "memory"); }
void halt() { asm volatile("hlt" : : : "memory"); }
void enable_interrupts() { asm volatile("sti" : : : "memory"); }
void disable_interrupts() { asm volatile("cli" : : : "memory"); }
bool interrupts_enabled() {
    u64 flags;
    asm volatile("pushfq; popq %0" : "=r"(flags) : : "memory");
    return Rflags::Interrupt::test(flags);
}
void enable_interrupts_and_halt() { asm volatile("sti; hlt" : : : "memory"); }

u8 in8(u16 port) {
    u8 value;
    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
u16 in16(u16 port) {
    u16 value;
    asm volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
u32 in32(u16 port) {
    u32 value;
    asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
void out8(u16 port, u8 value) { asm volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }
void out16(u16 port, u16 value) { asm volatile("outw %0, %1" : : "a"(value), "Nd"(port)); }
void out32(u16 port, u32 value) { asm volatile("outl %0, %1" : : "a"(value), "Nd"(port)); }

// REP MOVSQ, not MOVSB: emulators count and execute every iteration, and no fast-string feature is assumed.
void copy_page(void *to, const void *from) {
    u64 words = page_size / 8;
    asm volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
}
void fill_page(void *page, u64 word) {
    u64 words = page_size / 8;
    asm volatile("rep stosq" : "+D"(page), "+c"(words) : "a"(word) : "memory");
}

void fxsave(void *area) { asm volatile("fxsave64 (%0)" : : "r"(area) : "memory"); }
void reset_x87() { asm volatile("fninit" : : : "memory"); }
void clear_x87() {
    asm volatile("fninit\n\tfldz\n\tfldz\n\tfldz\n\tfldz\n\tfldz\n\tfldz\n\tfldz\n\tfldz\n\tfninit"
                 :
                 :
                 : "memory");
}
void fxrstor(const void *area) { asm volatile("fxrstor64 (%0)" : : "r"(area) : "memory"); }
void load_sse(const void *area) {
    asm volatile("ldmxcsr 24(%0)\n\t"
                 "movaps 160(%0), %%xmm0\n\tmovaps 176(%0), %%xmm1\n\t"
                 "movaps 192(%0), %%xmm2\n\tmovaps 208(%0), %%xmm3\n\t"
                 "movaps 224(%0), %%xmm4\n\tmovaps 240(%0), %%xmm5\n\t"
                 "movaps 256(%0), %%xmm6\n\tmovaps 272(%0), %%xmm7\n\t"
                 "movaps 288(%0), %%xmm8\n\tmovaps 304(%0), %%xmm9\n\t"
                 "movaps 320(%0), %%xmm10\n\tmovaps 336(%0), %%xmm11\n\t"
                 "movaps 352(%0), %%xmm12\n\tmovaps 368(%0), %%xmm13\n\t"
                 "movaps 384(%0), %%xmm14\n\tmovaps 400(%0), %%xmm15"
                 :
                 : "r"(area)
                 : "memory");
}

void vmload(Phys vmcb) { asm volatile("vmload" : : "a"(vmcb.value()) : "memory"); }
void vmsave(Phys vmcb) { asm volatile("vmsave" : : "a"(vmcb.value()) : "memory"); }

} // namespace cpu
