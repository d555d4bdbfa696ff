; stage2/exceptions.asm — the smallest interrupt table: it reports the 32 exceptions and ignores interrupts.

bits 64
default rel

extern report_exception           ; [[noreturn]] void report_exception(u64 vector, const Frame &)
global load_exception_table
global fill_exception_table

VECTORS         equ 256
EXCEPTIONS      equ 32
STUB_BYTES      equ 4               ; small enough that a short jump passes all of them
INTERRUPT_GATE  equ 0x8E00      ; present, ring 0, 64-bit interrupt gate: APM vol 2 §4.8.4 "Gate Descriptors"

section .text
; void load_exception_table()
load_exception_table:
        lea     rdi, [table]
        push    rdi
        push    word VECTORS * 16 - 1
        lidt    [rsp]                   ; the limit, then the address
        add     rsp, 10
        lea     rsi, [stubs]
        mov     edx, STUB_BYTES
        call    fill_exception_table
        lea     esi, [interrupt]
        mov     ecx, VECTORS - EXCEPTIONS
        xor     edx, edx
        jmp     fill_exception_table.gate

; void fill_exception_table(void *table, u64 first, u64 step)  — a gate for each exception: to first, first + step ...
; Its handlers lie below 4 GiB, so a gate's upper half stays zero.
fill_exception_table:
        mov     ecx, EXCEPTIONS
.gate:  mov     [rdi], si               ; offset, bits 15 to 0
        mov     [rdi + 2], cs
        mov     eax, esi
        mov     ax, INTERRUPT_GATE
        mov     [rdi + 4], eax          ; bits 31 to 16 above it
        add     esi, edx
        add     rdi, 16
        loop    .gate
        ret

interrupt:
        iretq

; The processor aligns the stack to 16 bytes, then pushes five words, or six with an error code (APM vol 2 §8.9.3
; "Interrupt Stack Frame"); the stub pushes the vector.
stubs:
%assign vector 0
%rep EXCEPTIONS
        push    vector
        jmp     short entered
%assign vector vector + 1
%endrep
entered:
        pop     rdi
        test    spl, 8
        jz      .whole
        push    0                       ; in the error code's place
.whole: mov     rsi, rsp
        call    report_exception

section .bss
        alignb  16
table:  resb    VECTORS * 16
