; tests/kernel/unit/touch.asm — one memory access at a known address, so that a test recognises its fault and skips it.

bits 64
section .text

; void touch_read(const volatile void *byte)
global touch_read, touch_read_at, touch_read_behind
touch_read:
touch_read_at:
        mov     al, [rdi]
touch_read_behind:
        ret

; void touch_write(volatile void *byte)
global touch_write, touch_write_at, touch_write_behind
touch_write:
touch_write_at:
        mov     byte [rdi], 1
touch_write_behind:
        ret
