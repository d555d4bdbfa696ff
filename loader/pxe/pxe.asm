; loader/pxe/pxe.asm — the network bootstrap program: fetches raclette.lkrn by TFTP from its own server, starts it.
;
; Entered at 0000:7C00 in real mode, ES:BX = PXENV+ (Preboot Execution Environment Specification 2.1, §4.4.5 "Client
; State at Bootstrap Execution Time"). Ends as a Linux loader does: at (SETUP_AT + 20h):0, the package above 1 MiB.
;
;   0x07C00  this program; its stack below              0x20000  the first 4 KiB of raclette.lkrn
;   0x10000  TFTP packets    0x1000000  all of raclette.lkrn

bits 16
org 0x7C00

SETUP_AT        equ 0x2000
BUFFER          equ 0x1000              ; a segment
LOAD_AT         equ 0x1000000
SETUP_BYTES     equ 4096
PACKAGE_ID      equ 8                   ; in the package: boot/contract/package.h
PACKET_BYTES    equ 1408                ; fits an Ethernet frame, with 92 bytes left for tunnels
COM1            equ 0x3F8
DEBUG_EXIT      equ 0xF4
SYSTEM_FAILED   equ 0x1C

; Function numbers: PXE 2.1, chapter 3.
UNDI_SHUTDOWN   equ 0x05
STOP_UNDI       equ 0x15
TFTP_OPEN       equ 0x20
TFTP_CLOSE      equ 0x21
TFTP_READ       equ 0x22
UNLOAD_STACK    equ 0x70
GET_CACHED_INFO equ 0x71

        jmp     0:start                 ; some loaders start it at 07C0:0000
        align   8, db 0
build_id:
        dq      0                       ; +8: of the package; written by the image tool

start:  cld
        mov     ax, es
        xor     cx, cx
        mov     ds, cx
        call    set_up_uart
        mov     si, no_pxe
        cmp     dword [es:bx], "PXEN"
        jne     fail
        cmp     word [es:bx + 6], 0x201 ; PXENV+ points to !PXE from version 2.1 on
        jb      fail
        les     di, [es:bx + 0x28]
        cmp     dword [es:di], "!PXE"
        jne     fail
        mov     eax, [es:di + 0x10]     ; its real-mode entry point
        mov     [entry], eax
        xor     ax, ax
        mov     es, ax
        mov     si, hello
        call    print

        mov     byte [info.type], 3     ; the boot server's reply; if there is none, the DHCP server's
        call    get_info
        jz      .answer
        cmp     dword [open.server], 0
        jne     .known
.answer:
        mov     byte [info.type], 2
        call    get_info
        mov     si, no_server
        jz      fail
        cmp     dword [open.server], 0
        je      fail
.known: call    name_file
        mov     bx, TFTP_OPEN
        mov     di, open
        call    pxe
        mov     si, no_file
        jnz     fail

        mov     edi, LOAD_AT
.next:  mov     word [read.size], 0
        push    edi
        mov     bx, TFTP_READ
        mov     di, read
        call    pxe
        pop     edi
        mov     si, broken
        jnz     fail
        movzx   eax, word [read.size]
        push    eax
        push    edi
        mov     esi, BUFFER << 4
        lea     ecx, [eax + 3]          ; whole words: the next packet overwrites the excess
        shr     ecx, 2
        call    copy_high
        pop     edi
        pop     eax
        add     edi, eax
        cmp     ax, [open.packet]       ; the size that the server agreed to: a shorter packet is the last
        je      .next
        cmp     edi, LOAD_AT + 2 * SETUP_BYTES
        mov     si, not_ours
        jb      fail

        mov     bx, TFTP_CLOSE
        call    pxe_simply
        mov     bx, UNDI_SHUTDOWN       ; from here on the network card writes to no memory
        call    pxe_simply
        mov     bx, UNLOAD_STACK
        call    pxe_simply
        mov     bx, STOP_UNDI
        call    pxe_simply

        mov     esi, LOAD_AT
        mov     edi, SETUP_AT << 4
        mov     ecx, (SETUP_BYTES + PACKAGE_ID + 8) / 4
        call    copy_high
        mov     ax, SETUP_AT
        mov     es, ax
        mov     si, not_ours
        cmp     dword [es:0x202], "HdrS"
        jne     fail
        mov     si, build_id
        mov     di, SETUP_BYTES + PACKAGE_ID
        cmpsd
        jne     .other
        cmpsd
.other: mov     si, other_build
        jne     fail
        mov     byte [es:0x210], 0xFF   ; type_of_loader: a loader without an assigned number
        mov     dword [es:0x214], LOAD_AT + SETUP_BYTES
        cli
        mov     ds, ax
        mov     ss, ax
        mov     sp, 0xFFF0
        jmp     SETUP_AT + 0x20:0

; Copies server, gateway and boot file's name of the cached packet into `open`. ZF set when there is none.
get_info:
        mov     word [info.size], 0
        mov     dword [info.buffer], 0
        mov     bx, GET_CACHED_INFO
        mov     di, info
        call    pxe
        jnz     .none
        push    ds
        lds     si, [info.buffer]
        mov     eax, [si + 20]          ; siaddr, giaddr, file: RFC 951, "Packet Format"
        mov     edx, [si + 24]
        add     si, 108
        mov     di, open.name
        mov     cx, 128
        rep movsb
        pop     ds
        mov     [open.server], eax
        mov     [open.gateway], edx
        or      al, 1                   ; clears ZF
        ret
.none:  xor     ax, ax
        ret

; Replaces what follows the last slash of this program's file name by raclette.lkrn.
name_file:
        mov     si, open.name
        mov     di, si
        mov     cx, 128 - name_bytes
.look:  lodsb
        test    al, al
        jz      .end
        cmp     al, "/"
        loopne  .look
        jne     .end
        mov     di, si
        jcxz    .end
        jmp     .look
.end:   mov     si, name
        mov     cx, name_bytes
        rep movsb
        ret

; Calls PXE function BX with the parameters at 0:DI. ZF set on success. PXE may clobber everything but segments.
pxe_simply:
        mov     di, nothing
pxe:    mov     word [di], 0            ; the status
        push    di
        push    ds
        push    es
        push    ds
        push    di
        push    bx
        call    far [entry]
        add     sp, 6
        pop     es
        pop     ds
        pop     di
        cld
        or      ax, [di]
        ret

fail:   xor     ax, ax
        mov     ds, ax
%include "stage0/fail.inc"
%include "stage0/print.inc"
%include "stage0/uart.inc"
%include "stage1/copy_high.inc"

hello:          db "1 pxe"
newline:        db 13, 10, 0
stopped:        db "pxe: stop: ", 0
no_pxe:         db "the network card's ROM has no PXE 2.1", 0
no_server:      db "PXE has no DHCP answer with a server's address", 0
no_file:        db "the TFTP server does not give raclette.lkrn: put it beside raclette.pxe", 0
broken:         db "the transfer of raclette.lkrn ended early", 0
not_ours:       db "raclette.lkrn is damaged, or there is no memory at 16 MiB", 0
other_build:    db "raclette.lkrn is of another build than raclette.pxe", 0
name:           db "raclette.lkrn", 0
name_bytes      equ $ - name

align 4
entry:          dd 0                    ; far pointer

info:           dw 0                    ; PXENV_GET_CACHED_INFO, §3.3.1
.type:          dw 0
.size:          dw 0
.buffer:        dd 0
                dw 0

open:           dw 0                    ; PXENV_TFTP_OPEN, §3.4.1
.server:        dd 0
.gateway:       dd 0
.name:          times 128 db 0
                dw 69 << 8              ; TFTP's port, big-endian
.packet:        dw PACKET_BYTES

read:           dw 0                    ; PXENV_TFTP_READ, §3.4.3
                dw 0
.size:          dw 0
                dw 0, BUFFER

nothing:        times 16 db 0

align 8
gdt:            dq 0, 0                 ; 0x08 is not used
                dq 0x00CF92000000FFFF   ; 0x10: flat data
gdt_pointer:    dw $ - gdt - 1
                dd gdt
