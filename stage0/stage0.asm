; stage0/stage0.asm — the boot sector of disk and CD: loads stage1, checks it, jumps to it.
;
; The BIOS enters it at 0000:7C00 in real mode, DL = boot drive. It ends with a jump to 0000:7E00, DL = boot drive.
;
;   0x000  jump                     0x1A0  u64 stage1's first sector   (written by the image tool)
;   0x003  hole for a BPB           0x1A8  u32 sum of stage1's 512 words (written by the image tool)
;   0x05A  code and messages        0x1B8  disk signature, 0x1BE partition table, 0x1FE 55 AA
;
; Firmware may overwrite the hole and the partition table; the code lies outside both.

bits 16                                 ; linked at 0x7C00, so that a debugger has its lines

STAGE1          equ 0x7E00              ; where stage1 runs, directly behind this sector
STAGE1_SECTORS  equ 4
COM1            equ 0x3F8
DEBUG_EXIT      equ 0xF4                ; QEMU's isa-debug-exit; a real machine has no device there
SYSTEM_FAILED   equ 0x1C
PARAMETERS      equ 0x600               ; free memory

        jmp     short start
        nop
        times   0x5A - ($ - $$) db 0    ; the BPB's place: USB firmware writes here

start:
        cli
        cld
        xor     ax, ax
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     sp, 0x7C00              ; the stack grows down from this sector
        jmp     0:.flat                 ; some BIOSes start us at 07C0:0000
.flat:
        sti
        or      dl, 0x80                ; some BIOSes give a wrong number; this is never a floppy disk
        mov     [drive], dl

        call    set_up_uart
        mov     si, hello
        call    print

try:    mov     ah, 0x41                ; are there INT 13h extensions (EDD 3.0 "Check Extensions Present")?
        mov     bx, 0x55AA
        mov     dl, [drive]
        int     0x13
        mov     si, no_extensions
        jc      drive_failed
        cmp     bx, 0xAA55
        jne     drive_failed
        test    cl, 1                   ; bit 0: reads by disk address packet
        jz      drive_failed

        mov     si, PARAMETERS
%include "stage0/sector_size.inc"
        shr     word [stage1_lba], cl   ; the image tool counts in 512 bytes, and keeps stage1 below 32 MiB
        mov     bp, 4                   ; tries: a drive may fail the first read while it spins up
.read:  mov     si, packet
        mov     byte [si + 2], STAGE1_SECTORS   ; a failed read leaves there how many it got; of larger
                                                ; sectors this reads more than is needed
        mov     ah, 0x42
        mov     dl, [drive]
        int     0x13
        mov     di, read_failed
        jc      .again
        mov     si, STAGE1              ; the sum of its words must be the one written beside its place
        mov     cx, STAGE1_SECTORS * 128
        xor     ebx, ebx
.sum:   lodsd                           ; a plain sum: XXH32, as for stage2, does not fit here
        add     ebx, eax
        loop    .sum
        mov     dl, [drive]
        cmp     ebx, [stage1_sum]
        je      $$ + STAGE1 - 0x7C00
        mov     di, bad_sum             ; also when the BIOS read a part and reports success
.again: xor     ah, ah                  ; reset the drive and try again
        int     0x13
        dec     bp
        jnz     .read
        mov     si, di

; This drive cannot be read: try the first hard disk, whose sectors are taken to be as large, unless it was that one.
drive_failed:
        mov     al, 0x80
        xchg    al, [drive]
        cmp     al, 0x80
        jne     try

fail:
%include "stage0/fail.inc"
%include "stage0/print.inc"
%include "stage0/uart.inc"

; ---- messages ----
hello:          db "1 stage0"
newline:        db 13, 10, 0
stopped:        db "stage0: stop: ", 0
no_extensions:  db "no INT 13h AH=42h", 0
bad_sum:        db "stage1 damaged", 0

        times   0x198 - ($ - $$) db 0xCC
packet:                                 ; disk address packet, as AH=42h wants it
        db      16, 0
        dw      STAGE1_SECTORS, STAGE1, 0
stage1_lba:
        dq      0
stage1_sum:
        dd      0
drive:  db      0
read_failed:                            ; here because the rest is full
        db      "read error", 0
        times   0x1B8 - ($ - $$) db 0   ; disk signature and partition table follow
        times   0x1FE - ($ - $$) db 0
        dw      0xAA55
