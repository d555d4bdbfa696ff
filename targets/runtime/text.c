// targets/runtime/text.c — see text.h.
#include "targets/runtime/text.h"

void text_character(struct text *text, char c) {
    if (text->used + 1 >= text->size) return;
    text->at[text->used++] = c;
    text->at[text->used] = 0;
}

void text_add(struct text *text, const char *more) {
    while (*more) text_character(text, *more++);
}

static void decimal(struct text *text, u64 value, u32 least) {
    char reversed[20];
    u32 count = 0;
    do reversed[count++] = (char)('0' + value % 10);
    while ((value /= 10) || count < least);
    while (count) text_character(text, reversed[--count]);
}

void text_unsigned(struct text *text, u64 value) { decimal(text, value, 1); }

void text_signed(struct text *text, i64 value) {
    if (value < 0) text_character(text, '-');
    decimal(text, value < 0 ? -(u64)value : (u64)value, 1);
}

static void hexadecimal(struct text *text, unsigned __int128 value, u32 least) {
    u32 count = least;
    while (count < 32 && value >> (4 * count)) count++;
    text_add(text, "0x");
    while (count) text_character(text, "0123456789abcdef"[(u32)(value >> (4 * --count)) & 15]);
}

void text_hex(struct text *text, unsigned __int128 value) { hexadecimal(text, value, 1); }
void text_pointer(struct text *text, u64 address) { hexadecimal(text, address, 12); }

enum { significant = 6 }; // digits of %g

// Scales a positive number to [100000, 1000000) and returns the power of ten of its first digit.
static int scale(long double *value) {
    static const long double steps[] = {1e1L,   1e2L,   1e4L,   1e8L,    1e16L,   1e32L,  1e64L,
                                        1e128L, 1e256L, 1e512L, 1e1024L, 1e2048L, 1e4096L};
    int exponent = significant - 1;
    for (int i = 12; i >= 0; i--)
        if (*value >= 1e5L * steps[i]) *value /= steps[i], exponent += 1 << i;
    while (*value >= 1e6L) *value /= 10, exponent++;
    for (int i = 12; i >= 0; i--)
        if (*value * steps[i] < 1e6L) *value *= steps[i], exponent -= 1 << i;
    return exponent;
}

void text_float(struct text *text, long double value) {
    if (value != value) return text_add(text, __builtin_signbit(value) ? "-nan" : "nan");
    if (__builtin_signbit(value)) text_character(text, '-'), value = -value;
    if (value > __LDBL_MAX__) return text_add(text, "inf");
    if (value == 0) return text_character(text, '0');
    int exponent = scale(&value);
    u64 whole = (u64)(value + 0.5L);
    if (whole >= 1000000) whole /= 10, exponent++;
    char all[significant];
    for (int i = significant; i-- > 0; whole /= 10) all[i] = (char)('0' + whole % 10);
    int last = significant - 1;
    while (last > 0 && all[last] == '0') last--;
    const bool plain = exponent >= -4 && exponent < significant;
    int point = plain ? exponent : 0; // the digit in front of the point
    if (point < 0) text_add(text, "0.");
    for (int i = point + 1; i < 0; i++) text_character(text, '0');
    for (int i = 0; i <= last || i <= point; i++) {
        text_character(text, all[i]);
        if (i == point && i < last) text_character(text, '.');
    }
    if (plain) return;
    text_add(text, exponent < 0 ? "e-" : "e+");
    decimal(text, (u64)(exponent < 0 ? -exponent : exponent), 2);
}

void rl_say(const char *text) {
    u64 length = 0;
    while (text[length]) length++;
    u64 result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(1), "D"(2), "S"(text), "d"(length)
                     : "rcx", "r11", "memory");
}

void rl_say_frame(u32 number, u64 pc) {
    char line[64];
    struct text text = text_in(line, sizeof(line));
    text_add(&text, "    #");
    text_unsigned(&text, number);
    text_add(&text, " target ");
    text_hex(&text, pc);
    text_add(&text, "\n");
    rl_say(line);
}

void rl_say_stack(struct site site) {
    enum { most_frames = 32 };
    u64 frames[most_frames];
    const u32 count = rl_walk(site, frames, most_frames);
    for (u32 i = 0; i < count; i++) rl_say_frame(i, frames[i]);
}
