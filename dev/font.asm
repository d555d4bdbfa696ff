; dev/font.asm — the font of dev/framebuffer.h: 128 glyphs of 16 bytes, made by tools/rl/building/font.py.
section .rodata
global dev_font
dev_font:
        incbin  "build/font.bin"
