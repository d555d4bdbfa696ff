; stage2/trampoline.asm — the page through which every core enters the kernel.
;
; stage2 copies it to a page below 1 MiB, in which it finds its own addresses. A core that receives the startup
; IPI begins at the page's first byte in real mode, enters long mode with the boot's tables, takes the mailbox's
; values and switches to the kernel's tables, which map this page at the same address, executable and read-only, until
; all cores have arrived. The boot core enters at `trampoline_arrive` with the same mailbox. kernel/leave.asm has the
; second half of the page.

%include "stage1/long_mode.inc"

TABLE           equ 0x600               ; in this page: its interrupt table, up to the part of kernel/leave.asm
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

%define IN_PAGE(label) (label - trampoline_start)

align 16
bits 16
trampoline_start:
        cli
        cld
        xor     ebx, ebx
        mov     bx, cs                  ; the startup IPI's vector is the page: CS = page / 16
        mov     ds, bx
        shl     ebx, 4
        lea     eax, [ebx + IN_PAGE(gdt)]
        mov     [IN_PAGE(gdt_pointer) + 2], eax
        add     ebx, IN_PAGE(trampoline_arrive)
        mov     [IN_PAGE(arrive_pointer)], ebx
        mov     eax, CR4_AT_START
        mov     cr4, eax
        mov     eax, [IN_PAGE(mailbox.boot_tables)]
        mov     cr3, eax
        mov     ecx, EFER
        rdmsr
        or      eax, EFER_LME | EFER_NXE
        wrmsr
        lgdt    [IN_PAGE(gdt_pointer)]
        mov     eax, cr0
        and     eax, ~CR0_CLEARED
        or      eax, CR0_SET | 1 << 5   ; and NE: x87 errors as exceptions
        mov     cr0, eax
        jmp     dword far [IN_PAGE(arrive_pointer)]

bits 64
default rel
; All cores from here on, with the boot's tables. The core reads the whole mailbox, then sets `taken`: stage2 may fill
; the mailbox for the next core.
trampoline_arrive:
%include "stage1/flat_segments.inc"
        lea     rax, [trampoline_start + TABLE]
        mov     [table_pointer + 2], rax
        mov     rcx, [mailbox.root]
        mov     rsp, [mailbox.stack]
        mov     rdi, [mailbox.args]
        mov     rax, [mailbox.entry]
        mov     dword [mailbox.taken], 1
        mov     cr3, rcx                ; the kernel's tables; they map this page too
        lidt    [table_pointer]
        xor     ebp, ebp
        push    rbp                     ; the entry expects the stack as after a call
        jmp     rax

; An exception before the kernel has its own interrupt table. Only this page of the boot is mapped, so the report is one
; line on COM1 with the address of the instruction. Only the first core that comes here prints: lines of two would mix.
; The processor aligns the stack to 16 bytes, then pushes five words, or six with an error code: APM vol 2 §8.9.3
; "Interrupt Stack Frame".
trampoline_fault:
        mov     rax, cr0
        btr     eax, 16                 ; write protection: the kernel's tables map this page read-only
        mov     cr0, rax
        lock bts dword [reporting], 0
        jc      stop
        test    spl, 8
        jnz     .bare
        pop     rax                     ; the error code
.bare:  pop     rbx                     ; RIP
        lea     rsi, [text]
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

; Writes AL to COM1. Where there is no serial port, all bits read as ones and the wait ends at once.
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
                dq 0                    ; filled in by each core

align 8
trampoline_mailbox:
mailbox:
.root:          dq 0                    ; kernel's top page table, physical
.stack:         dq 0                    ; kernel virtual
.args:          dq 0                    ; boot::CoreArgs, kernel virtual
.entry:         dq 0                    ; kernel virtual
.taken:         dd 0
.boot_tables:   dd 0                    ; CR3: the boot's identity map of 4 GiB, itself below 4 GiB
reporting:                              ; bit 0; in the null descriptor, which no processor reads
gdt:
%include "stage1/flat_gdt.inc"
gdt_pointer:    dw $ - gdt - 1
                dd 0                    ; filled in by each core, as what follows
arrive_pointer: dd 0
                dw 0x08
trampoline_end:
