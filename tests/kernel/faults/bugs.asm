; tests/kernel/faults/bugs.asm — bugs that C++ cannot express: broken stack and frame pointers.

bits 64
default rel

section .text

; [[noreturn]] void inject_push_onto(u64 stack)
; Sets the stack pointer to RDI and pushes.
global inject_push_onto
inject_push_onto:
        mov     rsp, rdi
        push    rax
        ud2

; void inject_frame_pointer(u64 rbp, void (*function)())
; Calls the function with a broken frame pointer, which it saves like any other.
global inject_frame_pointer
inject_frame_pointer:
        push    rbp
        mov     rbp, rdi
        call    rsi
        pop     rbp
        ret

; void inject_machine_check()
; Enters the machine check's handler, on its stack, as the hardware would.
global inject_machine_check
inject_machine_check:
        int     18
        ret

; void inject_no_interrupt_table()
; As before the kernel has an IDT: every exception would be a triple fault.
global inject_no_interrupt_table
inject_no_interrupt_table:
        sub     rsp, 16
        mov     word [rsp], 0
        mov     qword [rsp + 2], 0
        lidt    [rsp]
        add     rsp, 16
        ret

; void inject_without_interrupts_of_any_kind(const bool *released)
; Waits with the global interrupt flag clear, when not even an NMI arrives (APM vol 2 §15.17 "Global
; Interrupt Flag, STGI and CLGI Instructions"). EFER.SVME is set.
global inject_without_interrupts_of_any_kind
inject_without_interrupts_of_any_kind:
        clgi
.wait:
        pause
        cmp     byte [rdi], 0
        je      .wait
        stgi
        ret
