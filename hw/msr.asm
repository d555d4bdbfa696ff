; hw/msr.asm — access to a model-specific register that the processor may not have: cpu::try_read_msr, try_write_msr.
;
; RDMSR and WRMSR raise #GP for such a register. The kernel's handler then goes on at msr_refused
; (kernel/entry/traps.cpp): both functions have nothing on the stack but their return address.

bits 64
default rel

section .text

; bool cpu::try_read_msr(cpu::Msr msr, u64 &value)
global _ZN3cpu12try_read_msrENS_3MsrERm
global try_rdmsr
_ZN3cpu12try_read_msrENS_3MsrERm:
        mov     ecx, edi
try_rdmsr:
        rdmsr
        shl     rdx, 32
        or      rax, rdx
        mov     [rsi], rax
        mov     al, 1
        ret

; bool cpu::try_write_msr(cpu::Msr msr, u64 value)
global _ZN3cpu13try_write_msrENS_3MsrEm
global try_wrmsr
_ZN3cpu13try_write_msrENS_3MsrEm:
        mov     ecx, edi
        mov     eax, esi
        mov     rdx, rsi
        shr     rdx, 32
try_wrmsr:
        wrmsr
        mov     al, 1
        ret

global msr_refused
msr_refused:
        xor     eax, eax
        ret
