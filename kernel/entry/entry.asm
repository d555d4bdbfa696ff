; kernel/entry/entry.asm — the kernel's entry point, and the stubs of every exception and interrupt.
;
; Arrival: 64-bit mode, the kernel's tables, interrupts off, RSP = own stack, RDI = boot::CoreArgs (read-only).

%include "offsets.inc"

bits 64
default rel

MSR_GS_BASE equ 0xC0000101

extern kernel_main              ; [[noreturn]] void kernel_main(const boot::CoreArgs &)        core 0
extern core_main                ; [[noreturn]] void core_main(const boot::CoreArgs &)          the others
extern first_core               ; kernel::Core first_core                                        core 0's own
extern core_table               ; kernel::Core *core_table[max_cores]                            filled in by core 0
extern trap                     ; void trap(kernel::TrapFrame *)

section .text

global kernel_entry
kernel_entry:
        xor     ebp, ebp                ; ends every backtrace
        and     rsp, -16                ; so that each call finds the stack as the calling convention says
        mov     ebx, [rdi + CoreArgs.core]
        test    ebx, ebx
        jnz     .other
        lea     rax, [first_core]
        call    set_gs
        call    kernel_main
        ud2

; The other cores wait until core 0 has published a Core for each: until then they have no trap handlers and touch
; nothing else.
.other: lea     rsi, [core_table]
.wait:  pause
        mov     rax, [rsi + rbx * 8]
        test    rax, rax
        jz      .wait
        call    set_gs
        call    core_main
        ud2

; GS base = RAX, so that gs:0 is this core's number. Clobbers RAX, RCX, RDX.
set_gs: mov     rdx, rax
        shr     rdx, 32
        mov     ecx, MSR_GS_BASE
        wrmsr
        ret

; u32 current_core()  — one load, valid once GS is set.
global _Z12current_corev
_Z12current_corev:
        mov     eax, [gs:0]
        ret

; void load_tables(const u16 *gdt, const u16 *idt, u16 tss)
; Loads descriptor tables and the selectors that stand in them: code 08h, data 10h.
global load_tables
load_tables:
        lgdt    [rdi]
        lidt    [rsi]
        mov     eax, 0x10
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        ltr     dx
        pop     rax                     ; the return address, behind a new code selector
        push    0x08
        push    rax
        retfq

; void capture_registers(kernel::TrapFrame *frame)
; The registers as they are at the call, in the form in which a trap leaves them; needs no interrupt table.
global capture_registers
capture_registers:
        mov     [rdi], r15
        mov     [rdi + 8], r14
        mov     [rdi + 16], r13
        mov     [rdi + 24], r12
        mov     [rdi + 32], r11
        mov     [rdi + 40], r10
        mov     [rdi + 48], r9
        mov     [rdi + 56], r8
        mov     [rdi + 64], rdi
        mov     [rdi + 72], rsi
        mov     [rdi + 80], rbp
        mov     [rdi + 88], rbx
        mov     [rdi + 96], rdx
        mov     [rdi + 104], rcx
        mov     [rdi + 112], rax
        xor     eax, eax
        mov     [rdi + 120], rax        ; no vector
        mov     [rdi + 128], rax        ; no error code
        mov     rax, [rsp]
        mov     [rdi + 136], rax        ; rip: where the call returns to
        mov     eax, cs
        mov     [rdi + 144], rax
        pushfq
        pop     qword [rdi + 152]
        lea     rax, [rsp + 8]
        mov     [rdi + 160], rax        ; rsp: behind the return address
        mov     eax, ss
        mov     [rdi + 168], rax
        ret

; ---- traps ------------------------------------------------------------------------------------------
; What a stub leaves on the stack, growing down; kernel::TrapFrame:
;
;   ss rsp rflags cs rip | error code | vector | rax rcx rdx rbx rbp rsi rdi r8 .. r15   <- rsp = TrapFrame
;
; Vectors 8, 10 to 14, 17, 21, 29 and 30 push an error code; the others get a zero in its place
; (APM vol 2 §8.2 "Vectors").

%macro STUB 1
stub_%1:
  %if %1 = 8 || (%1 >= 10 && %1 <= 14) || %1 = 17 || %1 = 21 || %1 = 29 || %1 = 30
  %else
        push    0
  %endif
        push    %1
        jmp     trap_common
%endmacro

%assign vector 0
%rep 256
        STUB    vector
  %assign vector vector + 1
%endrep

trap_common:
        push    rax
        push    rcx
        push    rdx
        push    rbx
        push    rbp
        push    rsi
        push    rdi
        push    r8
        push    r9
        push    r10
        push    r11
        push    r12
        push    r13
        push    r14
        push    r15
        cld
        mov     rdi, rsp
        mov     rbx, rsp                ; kept across the call
        and     rsp, -16
        call    trap
        mov     rsp, rbx
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     r11
        pop     r10
        pop     r9
        pop     r8
        pop     rdi
        pop     rsi
        pop     rbp
        pop     rbx
        pop     rdx
        pop     rcx
        pop     rax
        add     rsp, 16                 ; vector and error code
        iretq

section .data.rel.ro progbits alloc noexec write align=8
global trap_stubs                       ; the address of each vector's stub
trap_stubs:
%assign vector 0
%rep 256
        dq      stub_ %+ vector
  %assign vector vector + 1
%endrep
