; kernel/leave.asm — the last instructions of a kernel that reboots: back to the state in which stage2 is entered.
;
; kernel/reboot.cpp copies it into the hand-over page, which the kernel's tables and the boot's map at one address.
; Position independent.

bits 64
default rel

EFER            equ 0xC0000080
LONG_MODE       equ 1 << 8 | 1 << 10    ; of EFER: enabled and active; no-execute and SYSCALL are off as stage2 begins

section .rodata
global leave_start
global leave_end

; [[noreturn]] void leave(u64 handoff, u64 stage2, u64 boot_tables)  — all physical; interrupts off, the kernel's tables
align 16
leave_start:
        mov     cr3, rdx                ; an identity map of 4 GiB: from here on everything here may be written
        mov     eax, 1 << 5 | 1 << 9    ; CR4: PAE, OSFXSR
        mov     cr4, rax
        mov     ecx, EFER
        rdmsr
        and     eax, LONG_MODE
        wrmsr
        mov     rax, cr0
        and     eax, ~(1 << 29 | 1 << 30 | 1 << 2 | 1 << 3)     ; caches on, no x87 emulation, no task switch trap
        or      eax, 1 << 31 | 1 << 16 | 1 << 1 | 1             ; paging, write protection, monitor, protection
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
.flat:  mov     eax, 0x10
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        xor     eax, eax
        mov     fs, eax
        mov     gs, eax
        jmp     rsi                     ; RDI = the hand-off

align 8
gdt:    dq      0
        dq      0x00AF9A000000FFFF      ; 0x08: 64-bit code
        dq      0x00CF92000000FFFF      ; 0x10: flat data
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
