; loader/linux/lkrn.asm — the 4 KiB before the package that make it a Linux bzImage for iPXE, GRUB, SYSLINUX and QEMU.
;
; Documentation/arch/x86/boot.rst, "The Linux/x86 Boot Protocol", version 2.12. A loader that stays in real mode puts
; these 4 KiB at SEGMENT:0 and the package at 1 MiB, and enters at (SEGMENT + 20h):0 with DS = ES = SS = SEGMENT and a
; stack. This page then becomes the boot_params that the package's 32-bit entry wants. Other loaders read only the
; header and enter the package themselves.
;
;   0x1E8  number of E820 entries        0x268  jump            0xCD0  code
;   0x1F1  setup header                  0x2D0  E820 entries    0x1000  behind this file: further E820 entries

bits 16
org 0

SETUP_SECTORS   equ 7                   ; besides the first one
E820_COUNT      equ 0x1E8
E820_TABLE      equ 0x2D0
E820_LIMIT      equ 128                 ; entries in boot_params: "E820_MAX_ENTRIES_ZEROPAGE"
MAP_LIMIT       equ 511                 ; as in stage1
SETUP_DATA      equ 0x250
MORE            equ 0x1000              ; the protocol reserves 32 KiB for the setup code, of which this file uses four
CODE32_START    equ 0x214
COM1            equ 0x3F8
DEBUG_EXIT      equ 0xF4
SYSTEM_FAILED   equ 0x1C

        times   0x1F1 - ($ - $$) db 0
        db      SETUP_SECTORS
        dw      0                       ; root_flags
        dd      0                       ; +0x1F4 syssize, by the image tool
        dw      0, 0xFFFF, 0            ; ram_size, vid_mode: as it is, root_dev
        dw      0xAA55
        db      0xEB, header_end - header       ; JMP SHORT, whose offset is the header's length
header: db      "HdrS"
        dw      0x020C                  ; version
        dd      0                       ; realmode_swtch
        dw      0x1000, name - 0x200    ; start_sys_seg, kernel_version
        db      0, 1                    ; type_of_loader; loadflags: LOADED_HIGH
        dw      0
        dd      0x100000                ; code32_start
        dd      0, 0, 0                 ; ramdisk_image, ramdisk_size, bootsect_kludge
        dw      0, 0                    ; heap_end_ptr, ext_loader_ver
        dd      0, 0x7FFFFFFF           ; cmd_line_ptr, initrd_addr_max
        dd      0x200000                ; kernel_alignment
        db      1, 12                   ; relocatable_kernel, min_alignment
        dw      1                       ; xloadflags: there is a 64-bit entry at 0x200 of the package
        dd      2047, 0                 ; cmdline_size, hardware_subarch
        dq      0                       ; hardware_subarch_data
        dd      0, 0                    ; payload_offset, payload_length
        dq      0                       ; setup_data
        dq      0x1000000               ; pref_address
        dd      0                       ; +0x260 init_size, by the image tool
        dd      0                       ; handover_offset
header_end:
        jmp     near start

        times   0xCD0 - ($ - $$) db 0   ; the E820 table's place
start:  cld
        sti
        call    set_up_uart
        mov     si, hello
        call    print
        call    read_e820_map
        mov     ax, 0x2401              ; A20: it was open while the loader copied the package
        int     0x15
        cli

        xor     eax, eax                ; linear address of this page, added to the addresses in it
        mov     ax, ds
        shl     eax, 4
        mov     esi, eax
        add     [gdt_pointer + 2], eax
        add     [far_pointer], eax
        lgdt    [gdt_pointer]
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        jmp     dword far [far_pointer]

bits 32
protected:                              ; ESI = boot_params
        mov     eax, 0x18               ; the boot protocol asks for __BOOT_CS = 0x10 and __BOOT_DS = 0x18
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     fs, eax
        mov     gs, eax
        xor     ebp, ebp
        xor     edi, edi
        xor     ebx, ebx
        jmp     [esi + CODE32_START]
bits 16

; INT 15h AX=E820h, as in stage1. boot_params has entries of 20 bytes; those it has no room for go behind this file.
read_e820_map:
        xor     ebx, ebx                ; continuation value
        xor     bp, bp                  ; entries so far
        mov     dx, E820_TABLE          ; where the next one goes
.next:  push    dx
        mov     di, entry
        mov     dword [di + 20], 1      ; a BIOS that writes 20 bytes keeps this "entry is valid"
        mov     eax, 0xE820
        mov     ecx, 24
        mov     edx, 0x534D4150         ; "SMAP"
        int     0x15
        pop     dx
        jc      .end                    ; some BIOSes end the list by an error
        cmp     eax, 0x534D4150
        jne     .end
        test    byte [entry + 20], 1    ; ACPI 3.0: clear in an entry to be ignored
        jz      .skipped
        mov     si, entry
        mov     di, dx
        mov     cx, 20
        rep movsb
        mov     dx, di
        inc     bp
        cmp     bp, E820_LIMIT
        jne     .here
        mov     dx, MORE + 16
.here:  cmp     bp, MAP_LIMIT
        mov     si, long_map
        ja      fail
.skipped:
        test    ebx, ebx
        jnz     .next
.end:   mov     si, no_map
        mov     ax, bp
        test    ax, ax
        jz      fail
        sub     ax, E820_LIMIT
        ja      .more
        add     ax, E820_LIMIT
        mov     [E820_COUNT], al
        ret
; A setup_data node of type SETUP_E820_EXT, put before the loader's own nodes.
.more:  mov     byte [E820_COUNT], E820_LIMIT
        mov     cx, 20
        mul     cx
        movzx   eax, ax
        mov     [MORE + 12], eax
        mov     dword [MORE + 8], 1
        mov     si, SETUP_DATA
        mov     di, MORE
        movsd
        movsd
        xor     eax, eax
        mov     ax, ds
        shl     eax, 4
        add     eax, MORE
        mov     [SETUP_DATA], eax
        mov     dword [SETUP_DATA + 4], 0
        ret

fail:
%include "stage0/fail.inc"
%include "stage0/print.inc"
%include "stage0/uart.inc"

name:           db "raclette", 0
hello:          db "2 lkrn"
newline:        db 13, 10, 0
stopped:        db "lkrn: stop: ", 0
no_map:         db "the BIOS gives no memory map (INT 15h AX=E820h)", 0
long_map:       db "the memory map has more than 511 entries", 0

align 4, db 0
entry:          times 24 db 0           ; as the BIOS gives it

align 8, db 0
gdt:    dq      0, 0
        dq      0x00CF9A000000FFFF      ; 0x10: flat code
        dq      0x00CF92000000FFFF      ; 0x18: flat data
gdt_pointer:
        dw      $ - gdt - 1
        dd      gdt
far_pointer:
        dd      protected
        dw      0x10

        times   (SETUP_SECTORS + 1) * 512 - ($ - $$) db 0
