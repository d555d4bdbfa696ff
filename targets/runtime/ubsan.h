// targets/runtime/ubsan.h — what clang's UndefinedBehaviorSanitizer instrumentation passes to its handlers,
// in clang 14's layout.
#pragma once

#include "targets/runtime/text.h"

struct location {
    const char *file;
    u32 line, column;
};

struct type {
    u16 kind;    // type_integer ...
    u16 info;    // of an integer: bit 0 signed, above it the logarithm of its bits; of a float: its bits
    char name[]; // with quotes
};
enum { type_integer = 0, type_float = 1 };

typedef u64 value; // the bits of a value of up to 64 bits, else its address

bool is_signed(const struct type *type);
u32 width(const struct type *type);
bool is_negative(const struct type *type, value v);
__int128 signed_value(const struct type *type, value v);
void text_value(struct text *text, const struct type *type, value v);

// ubsan_type.c: whether the object at this address is a `type` (a std::type_info) or derives from it there.
bool rl_is_object_of(u64 object, const void *type);
bool rl_same_type(const void *a, const void *b);
