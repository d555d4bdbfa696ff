// targets/runtime/options.c — the options that a target gives for the sanitizers whose runtimes this one
// replaces. An option that has no meaning here is ignored.
#include "targets/runtime/runtime.h"

struct rl_options rl_options = {.null_when_too_large = true,
                                .detect_leaks = true,
                                .dealloc_mismatch = true,
                                .container_overflow = true,
                                .user_poisoning = true,
                                .halt_on_undefined = true};

WEAK const char *__asan_default_options(void);
WEAK const char *__asan_default_options(void) { return ""; }
WEAK const char *__lsan_default_options(void);
WEAK const char *__lsan_default_options(void) { return ""; }
WEAK const char *__ubsan_default_options(void);
WEAK const char *__ubsan_default_options(void) { return ""; }

static bool equal(const char *a, u64 length, const char *b) {
    u64 i = 0;
    while (i < length && b[i] && a[i] == b[i]) i++;
    return i == length && !b[i];
}

static bool is_separator(char c) { return c == ':' || c == ',' || c == ' ' || (c >= '\t' && c <= '\r'); }

struct value {
    const char *at;
    u64 length;
};

static void set_switch(bool *option, struct value value) {
    if (equal(value.at, value.length, "1") || equal(value.at, value.length, "true") ||
        equal(value.at, value.length, "yes"))
        *option = true;
    if (equal(value.at, value.length, "0") || equal(value.at, value.length, "false") ||
        equal(value.at, value.length, "no"))
        *option = false;
}

static u64 number(struct value value) {
    u64 all = 0;
    for (u64 i = 0; i < value.length; i++) {
        if (value.at[i] < '0' || value.at[i] > '9' || all > UINT64_MAX / 16) return 0;
        all = all * 10 + (u64)(value.at[i] - '0');
    }
    return all;
}

static void set_largest(struct value value) {
    const u64 mebibytes = number(value);
    rl_hot.largest_block = mebibytes && mebibytes < RL_HEAP_SIZE >> 20 ? mebibytes << 20 : RL_HEAP_SIZE;
}

enum source { source_address, source_undefined };

static void set(enum source source, const char *name, u64 length, struct value value) {
    static const struct {
        const char *name;
        bool *option;
    } switches[] = {
        {"allocator_may_return_null", &rl_options.null_when_too_large},
        {"detect_leaks", &rl_options.detect_leaks},
        {"alloc_dealloc_mismatch", &rl_options.dealloc_mismatch},
        {"detect_container_overflow", &rl_options.container_overflow},
        {"allow_user_poisoning", &rl_options.user_poisoning},
        {"silence_unsigned_overflow", &rl_options.silence_unsigned_overflow},
    };
    for (u32 i = 0; i < sizeof(switches) / sizeof(switches[0]); i++)
        if (equal(name, length, switches[i].name)) set_switch(switches[i].option, value);
    if (equal(name, length, "max_allocation_size_mb")) set_largest(value);
    // UBSan goes on unless it is told to halt; AddressSanitizer's option of the same name is another matter.
    if (source == source_undefined && equal(name, length, "halt_on_error"))
        set_switch(&rl_options.halt_on_undefined, value);
    if (source == source_address && equal(name, length, "detect_stack_use_after_return")) {
        bool wanted = false;
        set_switch(&wanted, value);
        __asan_option_detect_stack_use_after_return = wanted;
    }
}

// name=value:name='value' ...
static void parse(enum source source, const char *at) {
    while (at && *at) {
        while (is_separator(*at)) at++;
        const char *const name = at;
        while (*at && *at != '=' && !is_separator(*at)) at++;
        const u64 length = (u64)(at - name);
        if (*at != '=') continue;
        const char quote = at[1] == '\'' || at[1] == '"' ? at[1] : 0;
        at += quote ? 2 : 1;
        struct value value = {at, 0};
        while (*at && (quote ? *at != quote : !is_separator(*at))) at++;
        value.length = (u64)(at - value.at);
        if (quote && *at) at++;
        set(source, name, length, value);
    }
}

void rl_read_options(void) {
    static bool read;
    if (read) return;
    read = true;
    parse(source_address, __asan_default_options());
    parse(source_address, __lsan_default_options());
    parse(source_undefined, __ubsan_default_options());
}
