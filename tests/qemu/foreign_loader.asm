; tests/qemu/foreign_loader.asm — a disk's first sectors: loads a package to 16 MiB and enters it in 64-bit mode, with
; RSI = Linux's boot_params, interrupts pending. Assembled with
;   ENTRY    where to jump to            SECTORS  of the package, which begins at sector FIRST
;   LEVELS   of paging: 4 or 5           RESERVED a page that the map calls unusable; 0: none
;
;   0x07C00  this; stack below           0x11000  page tables            0x20000  what is read, 32 KiB at a time
;   0x10000  boot_params                 0x1000000  the package

bits 16
org 0x7C00

PARAMS          equ 0x10000
TABLES          equ 0x11000
BUFFER          equ 0x20000
FIRST           equ 8
CHUNK           equ 64
LOAD_AT         equ 0x1000000

start:  xor     ax, ax
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     sp, 0x7C00
        cld
        mov     ax, 0x0201              ; the second sector, behind this one
        mov     bx, 0x7E00
        mov     cx, 2
        xor     dh, dh
        int     0x13
        jmp     load
        times   510 - ($ - $$) db 0
        dw      0xAA55

load:   mov     [drive], dl
        mov     edi, LOAD_AT
.next:  mov     si, packet
        mov     word [si + 2], CHUNK
        mov     ah, 0x42
        mov     dl, [drive]
        push    edi
        int     0x13
        pop     edi
        jc      $
        push    edi
        mov     esi, BUFFER
        mov     ecx, CHUNK * 128
        call    copy_high
        pop     edi
        add     edi, CHUNK * 512
        add     dword [packet.lba], CHUNK
        cmp     dword [packet.lba], FIRST + SECTORS
        jb      .next

        mov     ax, PARAMS >> 4
        mov     es, ax
        mov     dword [es:0x202], "HdrS"
        mov     di, 0x2D0
        xor     ebx, ebx
.map:   mov     eax, 0xE820
        mov     ecx, 20
        mov     edx, "PAMS"
        int     0x15
        jc      $
        inc     byte [es:0x1E8]
        add     di, 20
        test    ebx, ebx
        jnz     .map
%if RESERVED
        mov     dword [es:di], RESERVED
        mov     dword [es:di + 4], 0
        mov     dword [es:di + 8], 0x1000
        mov     dword [es:di + 12], 0
        mov     dword [es:di + 16], 2
        inc     byte [es:0x1E8]
%endif

        mov     ax, TABLES >> 4         ; PML5, PML4, PDPT, four page directories of 2 MiB pages
        mov     es, ax
        xor     di, di
        mov     dword [es:di], TABLES + 0x1000 + 3
        mov     dword [es:di + 0x1000], TABLES + 0x2000 + 3
        mov     cx, 4
        mov     eax, TABLES + 0x3000 + 3
        mov     di, 0x2000
.pdpt:  mov     [es:di], eax
        add     di, 8
        add     eax, 0x1000
        loop    .pdpt
        mov     cx, 2048
        mov     eax, 0x83
        mov     di, 0x3000
.pd:    mov     [es:di], eax
        add     di, 8
        add     eax, 0x200000
        loop    .pd

        cli
        mov     eax, 1 << 5 | (LEVELS - 4) << 12        ; CR4: PAE, LA57
        mov     cr4, eax
        mov     eax, TABLES + (5 - LEVELS) * 0x1000
        mov     cr3, eax
        mov     ecx, 0xC0000080
        rdmsr
        bts     eax, 8
        wrmsr
        lgdt    [gdt_pointer]
        mov     eax, cr0
        or      eax, 1 << 31 | 1
        mov     cr0, eax
        jmp     0x08:.long
bits 64
.long:  mov     eax, 0x10
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     edi, 0xFEE00000         ; an operating system leaves one interrupt pending in the local APIC, a timer on
        mov     dword [rdi + 0xF0], 0x1FF
        mov     dword [rdi + 0x300], 0x44000 | 236      ; to itself
        mov     dword [rdi + 0x320], 1 << 17 | 237      ; periodic
        mov     dword [rdi + 0x380], 100000
        mov     esi, PARAMS
        mov     eax, ENTRY
        jmp     rax
bits 16

%include "stage1/copy_high.inc"

align 4
packet: db      16, 0
        dw      CHUNK, 0, BUFFER >> 4
.lba:   dq      FIRST
drive:  db      0
align 8
gdt:    dq      0
        dq      0x00AF9A000000FFFF      ; 0x08: 64-bit code
        dq      0x00CF92000000FFFF      ; 0x10: flat data
gdt_pointer:
        dw      $ - gdt - 1
        dd      gdt
        times   FIRST * 512 - ($ - $$) db 0
