// hw/memory.cpp — the four memory functions that a freestanding compiler may call on its own.
#include "base/types.h"

extern "C" {

void *memcpy(void *to, const void *from, usize count) {
    void *const result = to;
    usize words = count / 8, rest = count % 8;
    asm volatile("rep movsq; mov %3, %2; rep movsb"
                 : "+D"(to), "+S"(from), "+c"(words)
                 : "r"(rest)
                 : "memory");
    return result;
}

void *memset(void *to, int value, usize count) {
    void *const result = to;
    const u64 pattern = static_cast<u8>(value) * 0x0101010101010101ul;
    usize words = count / 8;
    const usize rest = count % 8;
    asm volatile("rep stosq; mov %2, %1; rep stosb"
                 : "+D"(to), "+c"(words)
                 : "r"(rest), "a"(pattern)
                 : "memory");
    return result;
}

void *memmove(void *to, const void *from, usize count) {
    u8 *t = static_cast<u8 *>(to);
    const u8 *f = static_cast<const u8 *>(from);
    if (t <= f || t >= f + count) return memcpy(to, from, count);
    // Backwards, so that the overlapping end is read before it is overwritten.
    const u8 *last = f + count - 1;
    u8 *target = t + count - 1;
    asm volatile("std; rep movsb; cld" : "+D"(target), "+S"(last), "+c"(count) : : "memory");
    return to;
}

int memcmp(const void *a, const void *b, usize count) {
    const u8 *x = static_cast<const u8 *>(a), *y = static_cast<const u8 *>(b);
    for (usize i = 0; i < count; ++i)
        if (x[i] != y[i]) return x[i] < y[i] ? -1 : 1;
    return 0;
}

usize strlen(const char *text) {
    usize length = 0;
    while (text[length] != 0) ++length;
    return length;
}
}
