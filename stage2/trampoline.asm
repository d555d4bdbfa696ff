; stage2/trampoline.asm — the one page through which every core comes into the kernel.
;
; stage2 copies it to TRAMPOLINE, page-aligned below 1 MiB, and fills the mailbox. A started core begins at its
; first byte in real mode, goes to long mode with stage2's tables, takes the mailbox's values, and switches to the
; kernel's tables, which map this page at the same address, executable and read-only, until all have arrived.
; The boot core enters at `arrive_64` with the same mailbox.

TRAMPOLINE      equ 0x8000

section .rodata
global trampoline_start
global trampoline_arrive
global trampoline_mailbox
global trampoline_end

%define AT(label) (TRAMPOLINE + label - trampoline_start)

align 16
bits 16
trampoline_start:
        cli
        cld
        xor     ax, ax
        mov     ds, ax
        mov     eax, 1 << 5 | 1 << 9    ; CR4: PAE, OSFXSR
        mov     cr4, eax
        mov     eax, [AT(mailbox.boot_tables)]
        mov     cr3, eax
        mov     ecx, 0xC0000080         ; EFER: long mode enable, no-execute enable
        rdmsr
        or      eax, 1 << 8 | 1 << 11
        wrmsr
        lgdt    [AT(gdt_pointer)]
        mov     eax, cr0
        and     eax, ~(1 << 29 | 1 << 30 | 1 << 2 | 1 << 3)
        or      eax, 1 << 31 | 1 << 16 | 1 << 5 | 1 << 1 | 1
        mov     cr0, eax
        jmp     0x08:AT(trampoline_arrive)

bits 64
; All cores from here on, boot tables loaded. The mailbox is read whole before `taken` says it may be filled again.
trampoline_arrive:
        mov     eax, 0x10
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     rcx, [abs AT(mailbox.root)]
        mov     rsp, [abs AT(mailbox.stack)]
        mov     rdi, [abs AT(mailbox.args)]
        mov     rax, [abs AT(mailbox.entry)]
        mov     dword [abs AT(mailbox.taken)], 1
        mov     cr3, rcx                ; the kernel's world; this page is still there
        xor     ebp, ebp
        push    rbp                     ; the entry finds the stack as after a call
        jmp     rax

align 8
trampoline_mailbox:
mailbox:
.root:          dq 0                    ; kernel's top page table, physical
.stack:         dq 0                    ; kernel virtual
.args:          dq 0                    ; boot::CoreArgs, kernel virtual
.entry:         dq 0                    ; kernel virtual
.taken:         dd 0
.boot_tables:   dd 0                    ; an identity map of 4 GiB, itself below 4 GiB
gdt:            dq 0
                dq 0x00AF9A000000FFFF   ; 0x08: 64-bit code
                dq 0x00CF92000000FFFF   ; 0x10: flat data
gdt_pointer:    dw $ - gdt - 1
                dd AT(gdt)
trampoline_end:
