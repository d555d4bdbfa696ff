// targets/runtime/ubsan_value.c — values of the target's types, as UBSan's handlers get them, as text.
#include "targets/runtime/ubsan.h"

bool is_signed(const struct type *type) { return type->kind == type_integer && (type->info & 1); }
u32 width(const struct type *type) {
    return type->kind == type_integer ? 1u << (type->info >> 1) : type->info;
}

static unsigned __int128 bits(const struct type *type, value v) {
    if (width(type) > 64) return *(const unsigned __int128 *)v;
    return width(type) == 64 ? v : v & ((1ull << width(type)) - 1);
}

__int128 signed_value(const struct type *type, value v) {
    const u32 unused = 128 - width(type);
    const unsigned __int128 all = bits(type, v);
    return is_signed(type) ? (__int128)(all << unused) >> unused : (__int128)all;
}

bool is_negative(const struct type *type, value v) { return is_signed(type) && signed_value(type, v) < 0; }

// IEEE 754's binary16: a sign, five bits of exponent, ten of fraction.
static long double half_value(u16 of) {
    const u32 exponent = of >> 10 & 31, fraction = of & 1023;
    long double all = exponent == 31 ? fraction ? __builtin_nanl("") : __builtin_infl()
                                     : fraction + (exponent ? 1024.0L : 0.0L);
    for (u32 i = exponent ? exponent : 1; i < 25; i++) all /= 2;
    for (u32 i = 25; i < exponent; i++) all *= 2;
    return of >> 15 ? -all : all;
}

static long double float_value(const struct type *type, value v) {
    union {
        u64 bits;
        float narrow;
        double wide;
    } of = {v};
    switch (type->info) {
    case 16:
        return half_value((u16)v);
    case 32:
        return of.narrow;
    case 64:
        return of.wide;
    default:
        return *(const long double *)v;
    }
}

void text_value(struct text *text, const struct type *type, value v) {
    if (type->kind == type_float) return text_float(text, float_value(type, v));
    if (type->kind != type_integer) return text_add(text, "<unknown>");
    // What needs more than 64 bits is written in hexadecimal digits.
    if (is_signed(type)) {
        const __int128 all = signed_value(type, v);
        if (all == (i64)all) return text_signed(text, (i64)all);
    } else if (bits(type, v) <= UINT64_MAX) {
        return text_unsigned(text, (u64)bits(type, v));
    }
    text_hex(text, bits(type, v));
}
