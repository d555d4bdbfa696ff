; tests/kernel/faults/bugs.asm — bugs that C++ cannot express: broken stack and frame pointers.

bits 64
default rel

section .text

; [[noreturn]] void plant_push_onto(u64 stack)
; The stack pointer becomes RDI and takes a push.
global plant_push_onto
plant_push_onto:
        mov     rsp, rdi
        push    rax
        ud2

; void plant_frame_pointer(u64 rbp, void (*function)())
; Calls with a broken frame pointer; functions save it and go on.
global plant_frame_pointer
plant_frame_pointer:
        push    rbp
        mov     rbp, rdi
        call    rsi
        pop     rbp
        ret

; void plant_machine_check()
; Enters the machine check's handler, on its stack, as the hardware would.
global plant_machine_check
plant_machine_check:
        int     18
        ret

; void plant_no_interrupt_table()
; As it is before there is one: every exception would be a triple fault.
global plant_no_interrupt_table
plant_no_interrupt_table:
        sub     rsp, 16
        mov     word [rsp], 0
        mov     qword [rsp + 2], 0
        lidt    [rsp]
        add     rsp, 16
        ret

; void plant_without_interrupts_of_any_kind(const bool *may_go)
; With the global interrupt flag clear not even an NMI comes (APM vol 2 §15.17 "Global Interrupt Flag, STGI and
; CLGI Instructions"). EFER.SVME is set.
global plant_without_interrupts_of_any_kind
plant_without_interrupts_of_any_kind:
        clgi
.wait:
        pause
        cmp     byte [rdi], 0
        je      .wait
        stgi
        ret
