; targets/runtime/hypercall.asm — hypercalls: the one VMMCALL instruction and the functions that use it.
;
; 64-bit ring 3, System V calling convention. There is exactly one VMMCALL, at rl_vmmcall, so that a host without the
; hypervisor can put another trapping instruction of the same length there.

bits 64
default rel

hypercall equ 0x524c0000                ; RL_HYPERCALL of abi.h

global rl_hypercall:function
global rl_snapshot_point:function
global rl_out_of_budget:function
global rl_out_of_budget_at:function
global rl_vmmcall:function

section .text

; u64 rl_hypercall(u32 number, u64 first, u64 second)
; in: edi number, rsi and rdx arguments; out: rax; clobbers: rdi, rsi, rcx
rl_hypercall:
    lea     eax, [rdi + hypercall]      ; the number, with the mark of a target's VMMCALL
    mov     rdi, rsi                    ; the hypervisor's arguments are in rdi and rsi
    mov     rsi, rdx
rl_vmmcall:
    vmmcall                             ; returns in rax; at the snapshot point in rdx and rcx too
    ret

; void rl_snapshot_point(const struct rl_control *control, struct resume *resume)
; The snapshot is taken at the VMMCALL; the code after it runs once for each case.
; in: rdi control, rsi where length, budget and flags go; clobbers: rax, rcx, rdx
rl_snapshot_point:
    mov     eax, hypercall | 1
    call    rl_vmmcall
    mov     [rsi], rax                  ; length of the input
    mov     [rsi + 8], rdx              ; edge budget
    mov     [rsi + 16], rcx             ; flags
    ret

; void rl_out_of_budget(void): never returns. Called by the runtime.
rl_out_of_budget:
    mov     rax, [rsp]                  ; where it was called
; Jumped to on behalf of any edge, so it must need neither stack nor registers beyond what a return address takes.
; in: rax the place behind the edge's code
rl_out_of_budget_at:
    mov     rdi, rax
    mov     eax, hypercall | 4
    lea     rsp, [rsp - 128]            ; the edge may lie in a leaf function that uses its red zone
    call    rl_vmmcall
    ud2                                 ; not reached: the hypervisor must not resume after a timeout

section .note.GNU-stack noalloc noexec nowrite progbits
