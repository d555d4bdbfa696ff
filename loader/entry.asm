; loader/entry.asm — where loaders that are not ours enter: Linux's, PVH's and Multiboot2's ways, then long mode.
;
; The loader is the first part of a package (boot/contract/package.h), which may lie anywhere below 4 GiB and is linked
; at 0. Its file holds its zeros too, so nothing needs clearing.
;
;   +0x000  Linux's 32-bit entry: ESI = boot_params                     +0x060  what the image tool reads
;   +0x008  the rest of the header, written by the image tool           +0x080  Multiboot2 header
;   +0x200  Linux's 64-bit entry: RSI = boot_params                     +0x210  our EFI program's: RSI = PVH start info
;
; All three 32-bit ways agree on what matters here: flat segments, no paging, interrupts off. None gives a stack. The
; 64-bit ways leave long mode first: then all go on alike, whatever the caller's paging was, five levels among it.

STACK_BYTES     equ 16 * 1024
KIND_LINUX      equ 1                   ; boot::Way
KIND_PVH        equ 2
KIND_MULTIBOOT2 equ 3
KIND_UEFI       equ 4
BORROWED        equ 0x7C00              ; four bytes below it serve as a stack for one call, and are put back

extern loader_main              ; void loader_main(boot::Way, u64 info, boot::Package &)
extern stage2_relocate          ; void stage2_relocate(u8 *base, const u64 *relr, const u64 *relr_end)
extern relr_start               ; from loader.ld: packed relative relocations
extern relr_end

%define AT(label) (label - loader_start)

section .header exec
bits 32
loader_start:
        jmp     near linux_32
        times   0x60 - ($ - loader_start) db 0

        dd      0x01000000              ; +0x60: where an ELF file asks to be loaded
        dd      AT(pvh_32)              ; +0x64: its entries
        dd      AT(elf)                 ; +0x68

        times   0x80 - ($ - loader_start) db 0
multiboot2:                             ; Multiboot2 specification 2.0, §3.1 "OS image format"
        dd      0xE85250D6, 0, .end - multiboot2, 0x100000000 - (0xE85250D6 + .end - multiboot2)
        dd      0, 8                    ; the end tag: the entry is the ELF file's own
.end:

        times   0x200 - ($ - loader_start) db 0xCC
bits 64
linux_64:
        mov     edi, KIND_LINUX
        jmp     near enter_64
        times   0x210 - ($ - loader_start) db 0xCC
uefi_64:
        mov     edi, KIND_UEFI
        jmp     near enter_64

bits 32
linux_32:
        mov     edi, KIND_LINUX
        jmp     enter_32
; A PVH loader takes the entry in the ELF file's note, with EBX = hvm_start_info.
pvh_32: mov     edi, KIND_PVH
        mov     esi, ebx
        jmp     enter_32
; The ELF file's own entry is Multiboot2's, in 32-bit mode; and Linux's, in 64-bit mode with RSI = boot_params, for
; loaders that take any vmlinux so. The bytes mean something else in each.
elf:    xor     ecx, ecx
        db      0x41                    ; INC ECX; in 64-bit mode a REX prefix, which says nothing to CLD
        cld
        jecxz   linux_64
        mov     edi, KIND_MULTIBOOT2
        mov     esi, ebx
        cmp     eax, 0x36D76289         ; without the right magic ESI points nowhere, and loader_main says so
        je      enter_32
        xor     esi, esi

; EDI = kind, ESI = info.
enter_32:
        cli
        cld
        mov     ecx, [BORROWED - 4]
        mov     esp, BORROWED
        call    .here
.here:  pop     ebp
        mov     [BORROWED - 4], ecx
        sub     ebp, AT(.here)
; EBP = the package's address; no paging.
placed: lea     esp, [ebp + AT(stack_top)]
        mov     edx, edi
        call    build_tables
        lea     eax, [ebp + AT(tables)]
        mov     cr3, eax
        mov     eax, 1 << 5 | 1 << 9    ; CR4: PAE, OSFXSR
        mov     cr4, eax
        mov     edi, edx                ; RDMSR takes EDX
        mov     ecx, 0xC0000080         ; EFER: long mode enable
        rdmsr
        bts     eax, 8
        wrmsr
        mov     eax, cr0
        and     eax, ~(1 << 29 | 1 << 30 | 1 << 2 | 1 << 3)     ; caches on, no x87 emulation, no task switch trap
        or      eax, 1 << 31 | 1 << 16 | 1 << 1 | 1             ; paging, write protection, monitor, protection
        mov     cr0, eax
        lea     eax, [ebp + AT(gdt)]
        mov     [ebp + AT(gdt_pointer) + 2], eax
        lgdt    [ebp + AT(gdt_pointer)]
        push    0x08
        lea     eax, [ebp + AT(long_mode)]
        push    eax
        retf

; An identity map of 4 GiB at EBP + tables. Clobbers EAX, ECX, EDI.
build_tables:
        lea     edi, [ebp + AT(tables) + 0x1000]
        lea     eax, [ebp + AT(tables) + 0x1003]
        mov     [ebp + AT(tables)], eax
        lea     eax, [ebp + AT(tables) + 0x2003]
        mov     ecx, 4
.pdpt:  mov     [edi], eax
        add     edi, 8
        add     eax, 0x1000
        sub     ecx, 1
        jnz     .pdpt
        lea     edi, [ebp + AT(tables) + 0x2000]
        mov     eax, 0x83               ; present, writable, 2 MiB
        mov     ecx, 2048
.pd:    mov     [edi], eax
        add     edi, 8
        add     eax, 0x200000
        sub     ecx, 1
        jnz     .pd
        ret

bits 64
; EDI = kind, RSI = info; paging is the caller's, and both it and this code lie below 4 GiB, mapped to themselves. How
; many levels it has cannot be changed in long mode (APM vol 2 §3.1.3 "CR4 Register", LA57), so long mode is left.
enter_64:
        cli
        cld
        lea     rbp, [rel loader_start]
        lea     rsp, [rel stack_top]
        mov     rax, cr4
        btr     eax, 17                 ; PCIDE, with which paging cannot be turned off
        mov     cr4, rax
        lea     rax, [rel gdt]
        mov     [rel gdt_pointer + 2], rax
        lgdt    [rel gdt_pointer]
        push    0x18
        lea     rax, [rel .leave]
        push    rax
        retfq
bits 32
.leave: mov     eax, 0x10
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     eax, cr0
        btr     eax, 31
        mov     cr0, eax
        jmp     placed

bits 64
; Our tables, our segments to come; EDI = kind, RSI = info, RBP = the package.
long_mode:
        mov     eax, 0x10
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        xor     eax, eax
        mov     fs, eax
        mov     gs, eax
        mov     al, 0xFF                ; the firmware's interrupt routing means nothing from here on
        out     0x21, al
        out     0xA1, al
        mov     ebp, ebp                ; 32-bit code left the upper half undefined
        mov     esi, esi
        lea     rsp, [rel stack_top]
        mov     r12d, edi
        mov     r13d, esi
        mov     rdi, rbp
        lea     rsi, [rel relr_start]
        lea     rdx, [rel relr_end]
        call    stage2_relocate
        mov     edi, r12d
        mov     rsi, r13
        mov     rdx, rbp
        xor     ebp, ebp                ; ends every backtrace
        call    loader_main
        ud2                             ; it does not return

align 8
gdt:    dq      0
        dq      0x00AF9A000000FFFF      ; 0x08: 64-bit code
        dq      0x00CF92000000FFFF      ; 0x10: flat data
        dq      0x00CF9A000000FFFF      ; 0x18: flat 32-bit code
gdt_pointer:
        dw      $ - gdt - 1
        dq      0

align 4096, db 0
tables: times   6 * 4096 db 0
        times   STACK_BYTES db 0
stack_top:
