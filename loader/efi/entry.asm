; loader/efi/entry.asm — the first page of BOOTX64.EFI, its PE header, and its entry point.
;
; Linked at 0, with file offsets equal to addresses: the firmware loads all of it as one section. The package
; follows on the next page; the image tool writes the sizes. It relocates itself, so the PE file has no
; relocation table.
;
; Field names and values: Microsoft's "PE Format", for PE32+.

bits 64
default rel

extern efi_main                 ; EFIAPI Status efi_main(Handle, SystemTable *): RCX, RDX
extern stage2_relocate          ; void stage2_relocate(u8 *base, const u64 *relr, const u64 *relr_end)
extern relr_start               ; from efi.ld: packed relative relocations
extern relr_end

section .header exec
image_start:
        dw      "MZ"
        times   0x3C - ($ - image_start) db 0
        dd      pe - image_start        ; e_lfanew
pe:     dd      "PE"
        dw      0x8664                  ; Machine: x86-64
        dw      1                       ; NumberOfSections
        dd      0, 0, 0                 ; TimeDateStamp, symbols
        dw      section_table - optional
        dw      0x0206                  ; executable, no line numbers, no debug information; relocatable
optional:
        dw      0x020B                  ; PE32+
        db      0, 0
        dd      0, 0, 0                 ; SizeOfCode, of data
        dd      0x1000                  ; AddressOfEntryPoint
        dd      0x1000                  ; BaseOfCode
        dq      0                       ; ImageBase: anywhere
        dd      0x1000, 0x200           ; SectionAlignment, FileAlignment
        dw      0, 0, 0, 0, 0, 0        ; versions
        dd      0
        dd      0                       ; +0x90 SizeOfImage, by the image tool
        dd      0x1000                  ; SizeOfHeaders
        dd      0                       ; CheckSum
        dw      10                      ; Subsystem: EFI application
        dw      0
        dq      0, 0, 0, 0              ; stack and heap
        dd      0
        dd      6                       ; NumberOfRvaAndSizes
        times   6 dq 0
section_table:
        db      ".text", 0, 0, 0
        dd      0                       ; +0x100 VirtualSize, by the image tool
        dd      0x1000                  ; VirtualAddress
        dd      0                       ; SizeOfRawData, by the image tool
        dd      0x1000                  ; PointerToRawData
        dd      0, 0, 0
        dd      0xE0000020              ; code that may be read, written and executed
        times   0x1000 - ($ - image_start) db 0

; RCX = image handle, RDX = system table; the stack is the firmware's, 8 bytes off 16 as after any call.
        push    rcx
        push    rdx
        sub     rsp, 8
        lea     rdi, [image_start]
        lea     rsi, [relr_start]
        lea     rdx, [relr_end]
        call    stage2_relocate
        add     rsp, 8
        pop     rdx
        pop     rcx
        jmp     efi_main                ; returns to the firmware only after an error
