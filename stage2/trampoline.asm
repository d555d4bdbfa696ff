; stage2/trampoline.asm — the one page through which every core comes into the kernel.
;
; stage2 copies it to TRAMPOLINE, page-aligned below 1 MiB, and fills the mailbox. A started core begins at its
; first byte in real mode, goes to long mode with stage2's tables, takes the mailbox's values, and switches to the
; kernel's tables, which map this page at the same address, executable and read-only, until all have arrived.
; The boot core enters at `trampoline_arrive` with the same mailbox. kernel/leave.asm has the page's second half.

TRAMPOLINE      equ 0x8000
TABLE           equ 0x600               ; in this page: its interrupt table, up to what kernel/leave.asm keeps here
VECTORS         equ 32
COM1            equ 0x3F8
DEBUG_EXIT      equ 0xF4
SYSTEM_FAILED   equ 0x1C

section .rodata
global trampoline_start
global trampoline_arrive
global trampoline_fault
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
default rel
; All cores from here on, boot tables loaded. The mailbox is read whole before `taken` says it may be filled again.
trampoline_arrive:
        mov     eax, 0x10
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     rcx, [mailbox.root]
        mov     rsp, [mailbox.stack]
        mov     rdi, [mailbox.args]
        mov     rax, [mailbox.entry]
        mov     dword [mailbox.taken], 1
        mov     cr3, rcx                ; the kernel's world; this page is still there
        lidt    [table_pointer]
        xor     ebp, ebp
        push    rbp                     ; the entry finds the stack as after a call
        jmp     rax

; An exception before the kernel has a table of its own. Of the boot's world only this page is there, so it is a line
; on COM1 alone, with where it was, from the first core that comes here: the others' would mix with it.
; The stack was aligned to 16 bytes before five words were pushed, or six.
trampoline_fault:
        mov     rax, cr0
        btr     eax, 16                 ; write protection: the kernel's tables map this page read-only
        mov     cr0, rax
        lock bts dword [telling], 0
        jc      stop
        test    spl, 8
        jnz     .bare
        pop     rax                     ; the error code
.bare:  pop     rbx                     ; RIP
        mov     esi, AT(text)
.text:  lodsb
        call    put
        cmp     byte [rsi], 0
        jne     .text
        mov     ecx, 16
.digit: rol     rbx, 4
        mov     al, bl
        and     al, 15
        add     al, '0'
        cmp     al, '9'
        jbe     .put
        add     al, 'a' - '9' - 1
.put:   call    put
        loop    .digit
        mov     al, 10
        call    put
        mov     al, SYSTEM_FAILED
        out     DEBUG_EXIT, al
stop:   cli
        hlt
        jmp     stop

; AL to the serial line; where there is none, all of its bits read as ones.
put:    mov     ah, al
        mov     dx, COM1 + 5
.wait:  in      al, dx
        test    al, 0x20                ; transmitter holding register empty
        jz      .wait
        mov     al, ah
        mov     dl, COM1 & 0xFF
        out     dx, al
        ret

text:           db "error boot.unexpected_exception on the way into the kernel, at 0x", 0
table_pointer:  dw VECTORS * 16 - 1
                dq TRAMPOLINE + TABLE

align 8
trampoline_mailbox:
mailbox:
.root:          dq 0                    ; kernel's top page table, physical
.stack:         dq 0                    ; kernel virtual
.args:          dq 0                    ; boot::CoreArgs, kernel virtual
.entry:         dq 0                    ; kernel virtual
.taken:         dd 0
.boot_tables:   dd 0                    ; an identity map of 4 GiB, itself below 4 GiB
telling:                                ; no processor reads the null descriptor
gdt:            dq 0
                dq 0x00AF9A000000FFFF   ; 0x08: 64-bit code
                dq 0x00CF92000000FFFF   ; 0x10: flat data
gdt_pointer:    dw $ - gdt - 1
                dd AT(gdt)
trampoline_end:
