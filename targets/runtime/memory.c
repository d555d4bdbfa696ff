// targets/runtime/memory.c — copying and filling, and the mem* functions the target calls, checked against
// the shadow.
#include "targets/runtime/runtime.h"

typedef u64 wide __attribute__((vector_size(16), aligned(1), may_alias));
typedef u64 word __attribute__((aligned(1), may_alias));
typedef u32 half __attribute__((aligned(1), may_alias));
typedef u16 quarter __attribute__((aligned(1), may_alias));

// Below 16 bytes: two moves that overlap in the middle.
static inline void copy_short(u8 *to, const u8 *from, u64 size) {
    if (size >= 8) {
        const u64 first = *(const word *)from, last = *(const word *)(from + size - 8);
        *(word *)to = first;
        *(word *)(to + size - 8) = last;
    } else if (size >= 4) {
        const u32 first = *(const half *)from, last = *(const half *)(from + size - 4);
        *(half *)to = first;
        *(half *)(to + size - 4) = last;
    } else if (size >= 2) {
        const u16 first = *(const quarter *)from, last = *(const quarter *)(from + size - 2);
        *(quarter *)to = first;
        *(quarter *)(to + size - 2) = last;
    } else if (size) {
        *to = *from;
    }
}

void rl_copy(void *to, const void *from, u64 size) {
    u8 *d = to;
    const u8 *s = from;
    if (size < 16) return copy_short(d, s, size);
    const wide last = *(const wide *)(s + size - 16);
    u8 *const end = d + size - 16;
    for (; d + 16 < end;
         d += 32, s += 32) { // ranges may overlap downwards: load before the store that follows
        const wide first = *(const wide *)s, second = *(const wide *)(s + 16);
        *(wide *)d = first;
        *(wide *)(d + 16) = second;
    }
    for (; d < end; d += 16, s += 16) *(wide *)d = *(const wide *)s;
    *(wide *)end = last;
}

// For ranges that overlap with the destination above the source.
static void copy_down(void *to, const void *from, u64 size) {
    if (size < 16) return copy_short(to, from, size);
    const wide first = *(const wide *)from;
    for (u64 left = size; left > 16; left -= 16)
        *(wide *)((u8 *)to + left - 16) = *(const wide *)((const u8 *)from + left - 16);
    *(wide *)to = first;
}

static void move(void *to, const void *from, u64 size) {
    if ((u64)to - (u64)from < size)
        copy_down(to, from, size);
    else
        rl_copy(to, from, size);
}

void rl_fill(void *to, u8 value, u64 size) {
    u8 *d = to;
    const u64 all = value * 0x0101010101010101ull;
    if (size >= 16) {
        const wide both = {all, all};
        u8 *const end = d + size - 16;
        for (; d + 48 < end; d += 64) {
            *(wide *)d = *(wide *)(d + 16) = both;
            *(wide *)(d + 32) = *(wide *)(d + 48) = both;
        }
        for (; d < end; d += 16) *(wide *)d = both;
        *(wide *)end = both;
    } else if (size >= 8) {
        *(word *)d = *(word *)(d + size - 8) = all;
    } else if (size >= 4) {
        *(half *)d = *(half *)(d + size - 4) = (u32)all;
    } else {
        for (u64 i = 0; i < size; i++) d[i] = value;
    }
}

static inline bool is_good(u64 address) {
    const signed char shadow = (signed char)*shadow_of(address);
    return !shadow || (signed char)(address & 7) < shadow;
}

// Whether a short range (1 to 64 bytes) is addressable: the common case.
static inline bool is_good_range(u64 address, u64 size) {
    const u64 last = address + size - 1;
    const u8 *s = shadow_of(address), *const end = shadow_of(last);
    while (s < end)
        if (*s++) return false;
    return is_good(last);
}

// The first poisoned byte of a range, or 0. All granules but the last must be whole; the last may be partial.
u64 rl_first_poisoned(u64 address, u64 size) {
    if (!size) return 0;
    const u64 last = address + size - 1;
    const u8 *s = shadow_of(address), *const end = shadow_of(last);
    while (s + 8 <= end && !*(const word *)s) s += 8;
    while (s < end && !*s) s++;
    if (s == end && is_good(last)) return 0;
    u64 at = ((u64)s - RL_SHADOW_OFFSET) << RL_SHADOW_SHIFT;
    if (at < address) at = address;
    while (at < last && is_good(at)) at++;
    return at;
}

static NOINLINE void check_closely(struct site site, const void *at, u64 size, enum rl_access access) {
    const u64 address = (u64)at;
    if (UNLIKELY(address + size < address)) rl_report_kind(site, rl_kind_negative_size, address, size, "");
    if (size >= 4096) spend(size >> 9);
    const u64 bad = rl_first_poisoned(address, size);
    if (UNLIKELY(bad)) rl_report_access(site, bad, size, access);
}

void rl_check(struct site site, const void *at, u64 size, enum rl_access access) {
    if (UNLIKELY(size - 1 >= 64 || !is_good_range((u64)at, size))) check_closely(site, at, size, access);
}

static inline void *checked_copy(struct site site, void *to, const void *from, u64 size) {
    const bool apart = (u64)to + size <= (u64)from || (u64)from + size <= (u64)to;
    if (UNLIKELY(!apart && to != from && size))
        rl_report_kind(site, rl_kind_param_overlap, (u64)to, size, "memcpy between overlapping ranges");
    rl_check(site, from, size, rl_access_read);
    rl_check(site, to, size, rl_access_write);
    rl_copy(to, from, size);
    return to;
}

static inline void *checked_move(struct site site, void *to, const void *from, u64 size) {
    rl_check(site, from, size, rl_access_read);
    rl_check(site, to, size, rl_access_write);
    move(to, from, size);
    return to;
}

static inline void *checked_fill(struct site site, void *to, int value, u64 size) {
    rl_check(site, to, size, rl_access_write);
    rl_fill(to, (u8)value, size);
    return to;
}

// Called by clang's instrumentation in place of the intrinsics, and by all other code.
void *__asan_memcpy(void *to, const void *from, u64 size) { return checked_copy(CALLER(), to, from, size); }
void *memcpy(void *restrict to, const void *restrict from, size_t size) {
    return checked_copy(CALLER(), to, from, size);
}
void *mempcpy(void *restrict to, const void *restrict from, size_t size) {
    return (u8 *)checked_copy(CALLER(), to, from, size) + size;
}
void *__asan_memmove(void *to, const void *from, u64 size) { return checked_move(CALLER(), to, from, size); }
void *memmove(void *to, const void *from, size_t size) { return checked_move(CALLER(), to, from, size); }
void bcopy(const void *from, void *to, size_t size) { checked_move(CALLER(), to, from, size); }
void *__asan_memset(void *to, int value, u64 size) { return checked_fill(CALLER(), to, value, size); }
void *memset(void *to, int value, size_t size) { return checked_fill(CALLER(), to, value, size); }
void bzero(void *to, size_t size) { checked_fill(CALLER(), to, 0, size); }
void explicit_bzero(void *to, size_t size) { checked_fill(CALLER(), to, 0, size); }

// Checks both ranges as a whole, even when the first byte differs, as AddressSanitizer does.
static inline int checked_compare(struct site site, const void *a, const void *b, u64 size) {
    rl_check(site, a, size, rl_access_read);
    rl_check(site, b, size, rl_access_read);
    if (UNLIKELY(rl_hot.recording)) rl_compared(site.pc, a, b, size);
    const u8 *x = a, *y = b;
    u64 i = 0;
    while (i + 8 <= size && *(const word *)(x + i) == *(const word *)(y + i)) i += 8;
    for (; i < size; i++)
        if (x[i] != y[i]) return x[i] < y[i] ? -1 : 1;
    return 0;
}
int memcmp(const void *a, const void *b, size_t size) { return checked_compare(CALLER(), a, b, size); }
int bcmp(const void *a, const void *b, size_t size) { return checked_compare(CALLER(), a, b, size); }

void *memchr(const void *in, int value, size_t size) {
    const u8 *const s = in;
    u64 i = 0;
    while (i < size && s[i] != (u8)value) i++;
    rl_check(CALLER(), in, i < size ? i + 1 : size, rl_access_read);
    return i < size ? (void *)(u64)(s + i) : NULL;
}

void *memrchr(const void *in, int value, size_t size) {
    const u8 *const s = in;
    rl_check(CALLER(), in, size, rl_access_read);
    for (u64 i = size; i-- > 0;)
        if (s[i] == (u8)value) return (void *)(u64)(s + i);
    return NULL;
}

void *memmem(const void *in, size_t size, const void *what, size_t length) {
    rl_check(CALLER(), in, size, rl_access_read);
    rl_check(CALLER(), what, length, rl_access_read);
    if (UNLIKELY(rl_hot.recording) && length && length <= size) rl_compared(CALLER().pc, in, what, length);
    for (u64 at = 0; at + length <= size; at++) {
        u64 i = 0;
        while (i < length && ((const u8 *)in)[at + i] == ((const u8 *)what)[i]) i++;
        if (i == length) return (void *)((u64)in + at);
        spend(1);
    }
    return NULL;
}
