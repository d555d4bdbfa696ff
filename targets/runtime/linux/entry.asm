; targets/runtime/linux/entry.asm — where a thread stops, by a system call or at the end of its slice, and where it
; goes on; copies of memory that the target names.
;
; 64-bit ring 3. The library runs on a stack of its own.

bits 64
default rel

extern rl_current
extern rl_answer_syscall
extern rl_end_slice
extern rl_hot
extern rl_out_of_budget_at
extern rl_spend_held
global rl_edge_limit:function
global rl_spend_limit:function
global rl_syscall_entry:function
global rl_syscall_return:data
global rl_resume_thread:function
global rl_user_copy:function
global rl_user_copy_access:data
global rl_user_copy_failed:data
global rl_plain_copy:function
global rl_plain_fill:function

stack_size equ 32768

section .text

; Stores in the thread at rcx every register but rax, rcx, rip and the flags, and takes the library's stack.
%macro stop_thread 0
    mov     [rcx + 8], rbx
    mov     [rcx + 24], rdx
    mov     [rcx + 32], rsi
    mov     [rcx + 40], rdi
    mov     [rcx + 48], rbp
    mov     [rcx + 56], rsp
    mov     [rcx + 64], r8
    mov     [rcx + 72], r9
    mov     [rcx + 80], r10
    mov     [rcx + 88], r11
    mov     [rcx + 96], r12
    mov     [rcx + 104], r13
    mov     [rcx + 112], r14
    mov     [rcx + 120], r15
    lea     rsp, [stack_end]
    xor     ebp, ebp
    cld
%endmacro

; The hypervisor's stub has stored the caller's RIP in rl_syscall_return; R11 holds its RFLAGS, and every other register
; but RCX is the caller's.
rl_syscall_entry:
    mov     rcx, [rl_current]           ; struct thread, whose registers come first
    mov     [rcx + 0], rax
    mov     [rcx + 136], r11            ; flags
    mov     rax, [rl_syscall_return]
    mov     [rcx + 128], rax            ; rip
    mov     [rcx + 16], rax             ; rcx, as SYSCALL leaves it
    stop_thread
    call    rl_answer_syscall
    jmp     rl_resume_thread

; Jumped to on behalf of an edge after which rl_hot.budget is negative: ends the case, or the running thread's slice.
; in: rax the place behind the edge's code; the stack: the target's rax, its red zone; the rest is the target's
rl_edge_limit:
    push    rcx
    mov     rcx, [rl_hot]
    add     rcx, [rl_hot + 8]           ; what other slices have left
    js      .none_left
    mov     rcx, [rl_current]
    mov     [rcx + 128], rax            ; rip
    pop     qword [rcx + 16]            ; rcx
    pop     qword [rcx + 0]             ; rax
    pushfq
    pop     qword [rcx + 136]
    lea     rsp, [rsp + 128]            ; over the red zone
    stop_thread
    call    rl_end_slice
    jmp     rl_resume_thread
.none_left:
    lea     rsp, [rsp + 16 + 128]
    jmp     rl_out_of_budget_at

; The same for the runtime's own work: ends the case, or goes on, and the thread's next edge ends its slice.
rl_spend_limit:
    push    rcx
    mov     rcx, [rl_hot]
    add     rcx, [rl_hot + 8]
    js      rl_edge_limit.none_left
    push    rdx
    push    rsi
    push    rdi
    push    r8
    push    r9
    push    r10
    push    r11
    push    rax                         ; the place behind the code
    cld
    call    rl_spend_held               ; without vector registers, so the stack need not be aligned
    pop     rax
    pop     r11
    pop     r10
    pop     r9
    pop     r8
    pop     rdi
    pop     rsi
    pop     rdx
    pop     rcx
    xchg    rax, [rsp]                  ; the caller's rax, for the place to return to
    ret     128                         ; over the red zone

; Continues the thread rl_current with all its registers. Never returns.
rl_resume_thread:
    mov     rcx, [rl_current]
    lea     rsp, [stack_end]
    mov     rax, [rcx + 128]
    mov     [resume_rip], rax
    push    qword [rcx + 136]
    popfq
    mov     rax, [rcx + 0]
    mov     rbx, [rcx + 8]
    mov     rdx, [rcx + 24]
    mov     rsi, [rcx + 32]
    mov     rdi, [rcx + 40]
    mov     rbp, [rcx + 48]
    mov     rsp, [rcx + 56]
    mov     r8, [rcx + 64]
    mov     r9, [rcx + 72]
    mov     r10, [rcx + 80]
    mov     r11, [rcx + 88]
    mov     r12, [rcx + 96]
    mov     r13, [rcx + 104]
    mov     r14, [rcx + 112]
    mov     r15, [rcx + 120]
    mov     rcx, [rcx + 16]
    jmp     [resume_rip]

; u32 rl_user_copy(void *to, const void *from, u64 size): 0, or 1 where one of the ranges cannot be accessed. The
; hypervisor continues a fault at rl_user_copy_access at rl_user_copy_failed.
rl_user_copy:
    mov     rcx, rdx
rl_user_copy_access:
    rep movsb
    xor     eax, eax
    ret
rl_user_copy_failed:
    mov     eax, 1
    ret

; memcpy and memset for this library: without checks, without vector registers.
rl_plain_copy:
    mov     rax, rdi
    mov     rcx, rdx
    rep movsb
    ret
rl_plain_fill:
    mov     r8, rdi
    mov     eax, esi
    mov     rcx, rdx
    rep stosb
    mov     rax, r8
    ret

section .bss.rl_cold nobits alloc noexec write align=16
    resb    stack_size
stack_end:
rl_syscall_return:
    resq    1
resume_rip:
    resq    1

section .note.GNU-stack noalloc noexec nowrite progbits
