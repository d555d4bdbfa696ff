; loader/entry.asm — the entries for other loaders: Linux boot protocol, PVH, Multiboot2, UEFI; then long mode.
;
; The loader is the first part of a package (boot/contract/package.h), which may lie anywhere below 4 GiB and is linked
; at 0. Its file holds the bss too, so nothing is cleared here.
;
;   +0x000  Linux's 32-bit entry: ESI = boot_params                     +0x060  what the image tool reads
;   +0x008  the rest of the header, written by the image tool           +0x080  Multiboot2 header
;   +0x200  Linux's 64-bit entry: RSI = boot_params                     +0x210  BOOTX64.EFI's: RSI = PVH start info
;
; All 32-bit entries begin with flat segments, no paging, interrupts off, and without a stack. The 64-bit entries leave
; long mode first, so that all go on alike whatever the caller's paging was: four or five levels.
;
; Linux: Documentation/arch/x86/boot.rst, "32-bit Boot Protocol", "64-bit Boot Protocol". PVH: Xen's
; docs/misc/pvh.pandoc, "x86/HVM direct boot ABI". Multiboot2 2.0, §3.3 "I386 machine state".

%include "stage1/long_mode.inc"

STACK_BYTES     equ 16 * 1024
KIND_LINUX      equ 1                   ; boot::Way
KIND_PVH        equ 2
KIND_MULTIBOOT2 equ 3
KIND_UEFI       equ 4
BORROWED        equ 0x7C00              ; four bytes below it are the stack of one call, then restored

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

        dd      0x01000000              ; +0x60: load address that raclette.elf asks for
        dd      AT(pvh_32)              ; +0x64: its entries
        dd      AT(elf)                 ; +0x68

        times   0x80 - ($ - loader_start) db 0
multiboot2:                             ; Multiboot2 specification 2.0, §3.1 "OS image format"
        dd      0xE85250D6, 0, .end - multiboot2, 0x100000000 - (0xE85250D6 + .end - multiboot2)
        dd      0, 8                    ; the end tag; the entry is the ELF file's
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
; The ELF file's entry: Multiboot2 enters it in 32-bit mode; loaders that start any vmlinux enter it in 64-bit mode
; with RSI = boot_params. The first bytes are different instructions in the two modes, which separates them.
elf:    xor     ecx, ecx
        db      0x41                    ; INC ECX; in 64-bit mode a REX prefix without effect on CLD
        cld
        jecxz   linux_64
        mov     edi, KIND_MULTIBOOT2
        mov     esi, ebx
        cmp     eax, 0x36D76289         ; without this magic there is no info: loader_main reports it
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
        mov     eax, CR4_AT_START
        mov     cr4, eax
        mov     edi, edx                ; RDMSR takes EDX
        mov     ecx, EFER
        rdmsr
        or      eax, EFER_LME
        wrmsr
        mov     eax, cr0
        and     eax, ~CR0_CLEARED
        or      eax, CR0_SET
        mov     cr0, eax
        lea     eax, [ebp + AT(gdt)]
        mov     [ebp + AT(gdt_pointer) + 2], eax
        lgdt    [ebp + AT(gdt_pointer)]
        push    0x08
        lea     eax, [ebp + AT(long_mode)]
        push    eax
        retf

; Builds an identity map of 4 GiB at EBP + tables, as in stage1. Clobbers EAX, ECX, EDI.
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
; EDI = kind, RSI = info; the caller's paging, which maps this code, below 4 GiB, to itself. The number of its levels
; cannot be changed in long mode (APM vol 2 §3.1.3 "CR4 Register", LA57), so this leaves long mode.
enter_64:
        cli
        cld
        lea     rbp, [rel loader_start]
        lea     rsp, [rel stack_top]
        mov     rax, cr4
        btr     eax, 17                 ; PCIDE: paging cannot be turned off while it is set
        mov     cr4, rax
        lea     rax, [rel gdt]
        mov     [rel gdt_pointer + 2], rax
        lgdt    [rel gdt_pointer]
        push    0x18
        lea     rax, [rel .leave]
        push    rax
        retfq
bits 32
.leave:
%include "stage1/flat_segments.inc"
        mov     eax, cr0
        btr     eax, 31
        mov     cr0, eax
        jmp     placed

bits 64
; This file's page tables are loaded; EDI = kind, RSI = info, RBP = the package.
long_mode:
%include "stage1/flat_segments.inc"
        xor     eax, eax
        mov     fs, eax
        mov     gs, eax
        mov     al, 0xFF                ; mask all of the 8259s' interrupts: no firmware handles them from here on
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
gdt:
%include "stage1/flat_gdt.inc"
        dq      0x00CF9A000000FFFF      ; 0x18: flat 32-bit code
gdt_pointer:
        dw      $ - gdt - 1
        dq      0

align 4096, db 0
tables: times   6 * 4096 db 0
        times   STACK_BYTES db 0
stack_top:
