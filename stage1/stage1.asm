; stage1/stage1.asm — 2 KiB: checks the processor, opens A20, reads the E820 memory map, loads and checks stage2,
; loads kernel and bundle, enters long mode.
;
; stage0 enters it at 0000:7E00 in real mode, DS = ES = SS = 0, SP = 7C00, DL = boot drive.
; It enters stage2 at 0x10000 in 64-bit mode: RDI = Handoff, first 4 GiB mapped to themselves, interrupts off.
;
;   0x00500  Handoff                          0x09000  six page tables for long mode
;   0x00600  E820 entries, at most 511        0x10000  stage2
;   0x07C00  stack, downwards                 0x70000  60 KiB, the buffer of disk reads
;   0x07E00  this code                        0x1000000  or above: kernel, then bundle on the next page
;
; What it needs of the machine it tests; each failure prints one line and stops.

%include "offsets.inc"                  ; fields of boot::Handoff
%include "stage1/long_mode.inc"

bits 16                                 ; linked at 0x7E00

HANDOFF         equ 0x0500
MAP             equ 0x0600
MAP_LIMIT       equ 511
TABLES          equ 0x9000
STAGE2          equ 0x10000
BOUNCE          equ 0x70000
BOUNCE_SECTORS  equ 120                 ; a BIOS reads up to 127 at once; also a whole number of 2048 and 4096 bytes
LOAD_AT         equ 0x1000000           ; 16 MiB: above the ISA memory hole (15 to 16 MiB) that some machines have
COM1            equ 0x3F8
DEBUG_EXIT      equ 0xF4
SYSTEM_FAILED   equ 0x1C

; ---- header, filled in by the image tool (tools/rl/images/disk_image.py) ----------------------------
        jmp     near start
        db      0x90
        db      "RLS1"
build_id:       dq 0
stage2_lba:     dq 0
stage2_sectors: dd 0
stage2_bytes:   dd 0
stage2_xxh32:   dd 0
                dd 0
kernel_lba:     dq 0
kernel_bytes:   dq 0
bundle_lba:     dq 0
bundle_bytes:   dq 0
kernel_xxh64:   dq 0
bundle_xxh64:   dq 0

; ---- the steps --------------------------------------------------------------------------------------
start:
        mov     [drive], dl
        mov     si, hello
        call    print
        call    check_long_mode
        rdtsc
        mov     [HANDOFF + Handoff.entropy], eax
        call    read_sector_size
        call    open_a20
        call    read_e820_map
        call    load_stage2
        call    check_stage2
        rdtsc
        mov     [HANDOFF + Handoff.entropy + 8], eax
        call    load_images
        rdtsc
        mov     [HANDOFF + Handoff.entropy + 16], eax
        call    write_handoff
        call    build_tables
        jmp     enter_long_mode

; ---- the processor and the drive --------------------------------------------------------------------
; CPUID 8000_0001 EDX bit 29: APM vol 2 §14.6 "Enabling and Activating Long Mode".
check_long_mode:
        mov     eax, 0x80000000
        cpuid
        mov     si, no_long_mode
        cmp     eax, 0x80000001
        jb      fail
        mov     eax, 0x80000001
        cpuid
        bt      edx, 29
        jnc     fail
        ret

read_sector_size:
        mov     si, MAP                 ; the map is not there yet
%include "stage0/sector_size.inc"
        mov     [shift], cl
        ret

; ---- A20 --------------------------------------------------------------------------------------------
; While address line 20 is masked, address 1 MiB + n is the same memory as n. Tried in this order: it is open already,
; BIOS (INT 15h AX=2401h), keyboard controller, port 92h.
open_a20:
        call    .test
        jnz     .open
        mov     ax, 0x2401
        int     0x15
        call    .test
        jnz     .open
        call    .controller_ready
        mov     al, 0xD1                ; "write output port"
        out     0x64, al
        call    .controller_ready
        mov     al, 0xDF                ; A20 (bit 1) on, reset line (bit 0) inactive
        out     0x60, al
        call    .controller_ready
        call    .test
        jnz     .open
        in      al, 0x92
        or      al, 2
        and     al, 0xFE                ; bit 0 would reset the machine
        out     0x92, al
        call    .test
        jnz     .open
        mov     si, no_a20
        jmp     fail
.open:  ret

; ZF clear when A20 is open. Tries often, because the keyboard controller is slow.
.test:  push    ds
        push    es
        xor     ax, ax
        mov     ds, ax
        dec     ax
        mov     es, ax                  ; ES:0510 is 1 MiB above DS:0500
        mov     cx, 2000
.again: inc     word [HANDOFF]
        mov     ax, [HANDOFF]
        cmp     ax, [es:HANDOFF + 0x10]
        loope   .again
        pop     es
        pop     ds
        ret

; Waits until the keyboard controller takes a command: at most 65,536 reads, since a missing one reads as FF.
.controller_ready:
        xor     cx, cx
.busy:  in      al, 0x64
        test    al, 2
        loopnz  .busy
        ret

; ---- memory map (E820) ------------------------------------------------------------------------------
; INT 15h AX=E820h: ACPI specification 6.5, §15.1 "INT 15H, E820H - Query System Address Map".
; boot::MemoryMap sorts it.
read_e820_map:
        xor     ebx, ebx                ; continuation value
        xor     bp, bp                  ; entries so far
        mov     di, MAP
.next:  mov     dword [di + 20], 1      ; a BIOS that writes 20 bytes keeps this "entry is valid"
        mov     eax, 0xE820
        mov     ecx, 24
        mov     edx, 0x534D4150         ; "SMAP"
        int     0x15
        jc      .end                    ; some BIOSes end the list by an error
        cmp     eax, 0x534D4150
        jne     .end
        inc     bp
        add     di, 24
        cmp     bp, MAP_LIMIT
        mov     si, long_map
        ja      fail
        test    ebx, ebx
        jnz     .next
.end:   mov     si, no_map
        test    bp, bp
        jz      fail
        mov     [HANDOFF + Handoff.map_count], bp
        mov     word [HANDOFF + Handoff.map_count + 2], 0
        ret

; EDX = start of the first ECX bytes of usable memory from 16 MiB on, in steps of 1 MiB; CF set when there are none.
find_room:
        mov     edx, LOAD_AT
.try:   call    is_usable
        jnc     .done
        add     edx, 0x100000
        jnc     .try
.done:  ret

; CF clear when all of [EDX, EDX + ECX) is usable. Entries come in any order and may touch or overlap; where two
; disagree the memory is not usable. Only memory below 4 GiB matters here.
is_usable:
        pushad
        mov     ebx, edx                ; usable up to here
        add     ecx, edx
        jc      .no
.again: mov     si, MAP
        mov     bp, [HANDOFF + Handoff.map_count]
.entry: test    byte [si + 20], 1       ; ACPI 3.0: clear in an entry to be ignored
        jz      .next
        cmp     dword [si + 4], 0       ; begins above 4 GiB
        jne     .next
        mov     eax, [si]
        mov     edi, [si + 8]
        cmp     dword [si + 12], 0
        jne     .far
        add     edi, eax
        jnc     .end
.far:   or      edi, -1                 ; ends above 4 GiB
.end:   cmp     dword [si + 16], 1
        jne     .taken
        cmp     eax, ebx
        ja      .next
        cmp     edi, ebx
        jbe     .next
        mov     ebx, edi
        jmp     .again                  ; the entry that goes on may stand before this one
.taken: cmp     eax, ecx
        jae     .next
        cmp     edx, edi
        jb      .no
.next:  add     si, 24
        dec     bp
        jnz     .entry
        cmp     ebx, ecx
.no:    popad                           ; keeps CF
        ret

; ---- disk -------------------------------------------------------------------------------------------
; Reads [count] sectors of 512 bytes from [lba] to [packet.segment]:0. A drive with larger sectors reads the rest of
; its last one too. Five tries, the drive reset between them.
read_sectors:
        mov     bp, 5
.try:   mov     cl, [shift]
        mov     eax, [lba]
        mov     edx, [lba + 4]
        shrd    eax, edx, cl
        shr     edx, cl
        mov     [packet.lba], eax
        mov     [packet.lba + 4], edx
        mov     ax, 1
        shl     ax, cl
        dec     ax
        add     ax, [count]
        shr     ax, cl
        mov     [packet.count], ax      ; a failed read leaves there how many it got
        push    ax
        mov     si, packet
        mov     ah, 0x42
        mov     dl, [drive]
        int     0x13
        pop     cx
        jc      .failed
        mov     bx, [packet.count]      ; some BIOSes report success after a part; some write 0 after all
        dec     bx
        dec     cx
        cmp     bx, cx
        jae     .done
.failed:
        mov     [status], ah
        xor     ah, ah
        mov     dl, [drive]
        int     0x13
        dec     bp
        jnz     .try
        mov     al, [status]            ; the BIOS's status, as two hexadecimal digits in the message
        call    hex_digits
        mov     [read_failed.status], ax
        mov     si, read_failed
        jmp     fail
.done:  ret

; AL -> two characters in AX, high digit first in memory.
hex_digits:
        mov     ah, al
        shr     al, 4
        and     ah, 15
        call    .one
        xchg    al, ah
        call    .one
        xchg    al, ah
        ret
.one:   add     al, '0'
        cmp     al, '9'
        jbe     .ok
        add     al, 'a' - '9' - 1
.ok:    ret

load_stage2:
        mov     eax, [stage2_sectors]
        mov     si, bad_header
        cmp     eax, 72
        ja      fail
        test    eax, eax
        jz      fail
        mov     [count], ax
        mov     word [packet.segment], STAGE2 >> 4
        mov     eax, [stage2_lba]
        mov     [lba], eax
        mov     eax, [stage2_lba + 4]
        mov     [lba + 4], eax
        jmp     read_sectors

; Copies ECX bytes of a file from sector [ESI] (a 64-bit number) to physical address EDX, through the bounce buffer.
load_file:
        mov     eax, [si]
        mov     [lba], eax
        mov     eax, [si + 4]
        mov     [lba + 4], eax
        mov     word [packet.segment], BOUNCE >> 4
.chunk: test    ecx, ecx
        jz      .done
        mov     eax, ecx                ; sectors in this chunk
        add     eax, 511
        shr     eax, 9
        cmp     eax, BOUNCE_SECTORS
        jbe     .size
        mov     ax, BOUNCE_SECTORS
.size:  mov     [count], ax
        pushad
        call    read_sectors
        popad
        pushad
        mov     esi, BOUNCE
        mov     edi, edx
        mov     ecx, BOUNCE_SECTORS * 128
        call    copy_high
        popad
        movzx   eax, word [count]
        add     [lba], eax
        adc     dword [lba + 4], 0
        shl     eax, 9
        add     edx, eax
        sub     ecx, eax
        ja      .chunk                  ; the last chunk may take ECX below zero
.done:  ret

%include "stage1/copy_high.inc"

load_images:
        cmp     dword [kernel_bytes + 4], 0
        mov     si, bad_header
        jne     fail
        cmp     dword [bundle_bytes + 4], 0
        jne     fail
        mov     eax, [kernel_bytes]     ; room for both, with the padding to a page and a whole buffer at the end
        mov     ecx, [bundle_bytes]
        cmp     eax, 0x20000000
        ja      fail
        cmp     ecx, 0x40000000
        ja      fail
        add     ecx, eax
        add     ecx, 0x1000 + BOUNCE_SECTORS * 512
        call    find_room
        mov     si, no_room
        jc      fail

        mov     [HANDOFF + Handoff.kernel], edx
        mov     dword [HANDOFF + Handoff.kernel + 4], 0
        mov     ecx, [kernel_bytes]
        mov     si, kernel_lba
        call    load_file

        mov     edx, [kernel_bytes]     ; the bundle begins on the next page
        add     edx, [HANDOFF + Handoff.kernel]
        add     edx, 0xFFF
        and     edx, ~0xFFF
        mov     [HANDOFF + Handoff.bundle], edx
        mov     dword [HANDOFF + Handoff.bundle + 4], 0
        mov     ecx, [bundle_bytes]
        mov     si, bundle_lba
        jmp     load_file

; ---- XXH32 of stage2 --------------------------------------------------------------------------------
; xxHash specification, "XXH32 Algorithm Description", for a length that is a multiple of 16, seed 0.
P1 equ 0x9E3779B1
P2 equ 0x85EBCA77
P3 equ 0xC2B2AE3D
P4 equ 0x27D4EB2F

check_stage2:
        push    ds
        mov     ecx, [stage2_bytes]
        mov     eax, [stage2_sectors]
        shl     eax, 9
        mov     si, bad_header
        cmp     eax, ecx                ; the hash is over whole sectors
        jne     fail
        push    ecx
        shr     ecx, 4                  ; stripes of four words
        mov     ax, STAGE2 >> 4
        mov     fs, ax
        xor     si, si
.stripe:
        mov     bp, lanes
.lane:  fs lodsd
        imul    eax, eax, P2
        add     eax, [bp]
        rol     eax, 13
        imul    eax, eax, P1
        mov     [bp], eax
        add     bp, 4
        cmp     bp, lanes + 16
        jb      .lane
        dec     ecx
        jnz     .stripe

        mov     eax, [lanes]
        rol     eax, 1
        mov     ebx, [lanes + 4]
        rol     ebx, 7
        add     eax, ebx
        mov     ebx, [lanes + 8]
        rol     ebx, 12
        add     eax, ebx
        mov     ebx, [lanes + 12]
        rol     ebx, 18
        add     eax, ebx
        pop     ecx
        add     eax, ecx                ; the length
        mov     ebx, eax                ; avalanche
        shr     ebx, 15
        xor     eax, ebx
        imul    eax, eax, P2
        mov     ebx, eax
        shr     ebx, 13
        xor     eax, ebx
        imul    eax, eax, P3
        mov     ebx, eax
        shr     ebx, 16
        xor     eax, ebx
        pop     ds
        mov     si, bad_stage2
        cmp     eax, [stage2_xxh32]
        jne     fail
        mov     si, other_build         ; an intact stage2: is it of the same build?
        mov     eax, [fs:8]
        cmp     eax, [build_id]
        jne     fail
        mov     eax, [fs:12]
        cmp     eax, [build_id + 4]
        jne     fail
        ret

; ---- hand-off ---------------------------------------------------------------------------------------
write_handoff:
        mov     di, HANDOFF
        mov     dword [di + Handoff.magic], Handoff_magic & 0xFFFFFFFF
        mov     dword [di + Handoff.magic + 4], Handoff_magic >> 32
        mov     dword [di + Handoff.version], Handoff_version
        mov     dword [di + Handoff.size], Handoff_size
        xor     eax, eax
        mov     dword [di + Handoff.map], MAP
        mov     [di + Handoff.map + 4], eax
        mov     dword [di + Handoff.stage2], STAGE2
        mov     dword [di + Handoff.stage2 + 4], 0
        mov     di, HANDOFF + Handoff.rsdp      ; rsdp and all behind it: not known, or absent, on this way in
        mov     cx, (Handoff_size - Handoff.rsdp) / 4
        rep stosd
        mov     si, build_id
        mov     di, HANDOFF + Handoff.build_id
        mov     cx, 4
        rep movsw
        mov     si, kernel_bytes
        mov     di, HANDOFF + Handoff.kernel_bytes
        mov     cx, 4
        rep movsw
        mov     si, kernel_xxh64
        mov     cx, 4
        rep movsw                       ; kernel_xxh64 follows kernel_bytes in both
        mov     si, bundle_bytes
        mov     di, HANDOFF + Handoff.bundle_bytes
        mov     cx, 4
        rep movsw
        mov     si, bundle_xxh64
        mov     cx, 4
        rep movsw
        ret

; ---- long mode --------------------------------------------------------------------------------------
; One PML4 entry, four PDPT entries, four page directories of 2 MiB pages: the first 4 GiB mapped to themselves.
; APM vol 2 §5.3.4 "2-Mbyte Page Translation".
build_tables:
        xor     eax, eax
        mov     di, TABLES
        mov     cx, 0x6000 / 4
        rep stosd
        mov     dword [TABLES], TABLES + 0x1000 + 3
        mov     di, TABLES + 0x1000
        mov     eax, TABLES + 0x2000 + 3
        mov     cx, 4
.pdpt:  mov     [di], eax
        add     di, 8
        add     eax, 0x1000
        loop    .pdpt
        mov     di, TABLES + 0x2000
        mov     eax, 0x83               ; present, writable, 2 MiB
        mov     cx, 2048
.pd:    mov     [di], eax
        add     di, 8
        add     eax, 0x200000
        loop    .pd
        ret

enter_long_mode:
        mov     si, leaving
        call    print
        cli
        mov     al, 0xFF                ; mask all of the 8259s' interrupts: the BIOS's handlers are gone from here on
        out     0x21, al
        out     0xA1, al
        mov     eax, CR4_AT_START
        mov     cr4, eax
        mov     eax, TABLES
        mov     cr3, eax
        mov     ecx, EFER
        rdmsr
        or      ax, EFER_LME
        wrmsr
        lgdt    [gdt_pointer]
        mov     eax, cr0
        and     eax, ~CR0_CLEARED
        or      eax, CR0_SET
        mov     cr0, eax
        jmp     0x08:.long

bits 64
.long:
%include "stage1/flat_segments.inc"
        xor     eax, eax
        mov     fs, eax
        mov     gs, eax
        mov     edi, HANDOFF
        mov     eax, STAGE2
        jmp     rax
bits 16

; ---- messages ---------------------------------------------------------------------------------------
fail:
%include "stage0/fail.inc"
%include "stage0/print.inc"

hello:          db "2 stage1", 13, 10, 0
leaving:        db "3 stage1: all loaded", 13, 10, 0
newline:        db 13, 10, 0
stopped:        db "stage1: stop: ", 0
no_long_mode:   db "no long mode", 0
no_a20:         db "address line A20 cannot be opened", 0
no_map:         db "the BIOS gives no memory map (INT 15h AX=E820h)", 0
long_map:       db "the memory map has more than 511 entries", 0
bad_header:     db "stage1's header has impossible sizes", 0
no_room:        db "too little memory above 16 MiB for kernel and bundle", 0
read_failed:    db "cannot read the disk, BIOS status "
.status:        db "00", 0
bad_stage2:     db "stage2 is damaged (XXH32 differs)", 0
other_build:    db "stage2 is of another build", 0

drive:          db 0
status:         db 0
shift:          db 0

align 4
lba:            dq 0
count:          dw 0
align 4
lanes:          dd (P1 + P2) & 0xFFFFFFFF, P2, 0, (0 - P1) & 0xFFFFFFFF
packet:         db 16, 0
.count:         dw 0
                dw 0
.segment:       dw 0
.lba:           dq 0

align 8
gdt:
%include "stage1/flat_gdt.inc"
gdt_pointer:
        dw      $ - gdt - 1
        dd      gdt

        times   2048 - ($ - $$) db 0xCC
