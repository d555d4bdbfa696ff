// targets/runtime/text.h — texts in memory of a fixed size: for reports and for what the runtime prints.
#pragma once

#include "targets/runtime/runtime.h"

// What does not fit is left out. `at` always ends with a zero.
struct text {
    char *at;
    u64 size, used;
};

static inline struct text text_in(char *at, u64 size) {
    if (size) at[0] = 0;
    return (struct text){at, size, 0};
}

void text_add(struct text *text, const char *more);
void text_character(struct text *text, char c);
void text_unsigned(struct text *text, u64 value);
void text_signed(struct text *text, i64 value);
void text_hex(struct text *text, unsigned __int128 value);
void text_pointer(struct text *text, u64 address);     // as AddressSanitizer prints one: 12 digits
void text_float(struct text *text, long double value); // as printf's %Lg

// Writes to the target's standard error.
void rl_say(const char *text);
// One frame of a stack, in a line: build.py symbolize names it.
void rl_say_frame(u32 number, u64 pc);
// The call stack from this site on, one line for each frame.
void rl_say_stack(struct site site);
