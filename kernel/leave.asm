; kernel/leave.asm — the last instructions before a reboot: restores the CPU state in which stage2 is entered.
;
; kernel/reboot.cpp copies it into the handover page, which the kernel's tables and the boot's map at the same address.
; Position independent.

bits 64
default rel

%include "stage1/long_mode.inc"

section .rodata
global leave_start
global leave_end

; [[noreturn]] void leave(u64 handoff, u64 stage2, u64 boot_tables)  — all physical; interrupts off, the kernel's tables
align 16
leave_start:
        mov     cr3, rdx                ; an identity map of 4 GiB: from here on everything here may be written
        mov     eax, CR4_AT_START
        mov     cr4, rax
        mov     ecx, EFER
        rdmsr
        and     eax, EFER_LME | EFER_LMA        ; no-execute and SYSCALL are off when stage2 begins
        wrmsr
        mov     rax, cr0
        and     eax, ~CR0_CLEARED
        or      eax, CR0_SET
        mov     cr0, rax
        lea     rax, [gdt]
        mov     [gdt_pointer + 2], rax
        lgdt    [gdt_pointer]
        lidt    [no_interrupts]
        lea     rsp, [stack_top]
        push    0x08
        lea     rax, [.flat]
        push    rax
        retfq
.flat:
%include "stage1/flat_segments.inc"
        xor     eax, eax
        mov     fs, eax
        mov     gs, eax
        jmp     rsi                     ; RDI = the hand-off

align 8
gdt:
%include "stage1/flat_gdt.inc"
gdt_pointer:
        dw      $ - gdt - 1
        dq      0
no_interrupts:
        dw      0                       ; until stage2 has its table a fault resets the machine, as at the first boot
        dq      0
align 8
        dq      0, 0
stack_top:
leave_end:
