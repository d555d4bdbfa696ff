; stage2/entry.asm — stage2's first instructions: a stack, zeroed memory, its own relocation, then C++.
;
; Entered in 64-bit mode at its first byte, wherever it was loaded; RDI = boot::Handoff. Does not return. A kernel
; that reboots enters it again, at the same address: its data, all constants, is relocated already.
;
;   +0   jump          +5   1 once it is relocated
;   +8   build id (written by the image tool)
;   +16  "RLS2"        +20  memory it occupies, with bss and stack (from stage2.ld)

bits 64
default rel

extern stage2_main              ; void stage2_main(const boot::Handoff *)
extern stage2_relocate          ; void stage2_relocate(u8 *base, const u64 *relr, const u64 *relr_end)
extern stage2_start             ; from stage2.ld: the image's first byte
extern relr_start               ; from stage2.ld: packed relative relocations
extern relr_end
extern bss_start                ; from stage2.ld: what the file does not hold
extern bss_end

STACK_BYTES equ 32 * 1024

section .header exec
        jmp     near entry
relocated:
        db      0
        align   8, db 0
global stage2_build_id
stage2_build_id:
        dq      0
        db      "RLS2"                  ; stage2.ld appends the memory that it occupies

section .text
entry:
        cld
        mov     r12, rdi                ; the hand-off, across the calls
        lea     rdi, [bss_start]
        lea     rcx, [bss_end]
        sub     rcx, rdi
        xor     eax, eax
        rep stosb
        lea     rsp, [stack_top]        ; the stack lies in the bss
        bts     word [relocated], 0
        jc      .relocated
        lea     rdi, [stage2_start]
        lea     rsi, [relr_start]
        lea     rdx, [relr_end]
        call    stage2_relocate
.relocated:
        mov     rdi, r12
        xor     ebp, ebp                ; ends every backtrace
        call    stage2_main
        ud2                             ; it does not return

section .bss
        alignb  16
        resb    STACK_BYTES
stack_top:
