// targets/runtime/interface_common.c — sanitizer/common_interface_defs.h and coverage_interface.h: what every
// sanitizer has.
#include "targets/runtime/text.h"

WEAK extern u8 __start___sancov_cntrs[], __stop___sancov_cntrs[];

// Reports go to the hypervisor. The path is kept for __sanitizer_get_report_path only.
static char report_path[256];
void __sanitizer_set_report_path(const char *path) {
    struct text text = text_in(report_path, sizeof(report_path));
    if (path) text_add(&text, path);
}
void __sanitizer_set_report_fd(void *descriptor) { (void)descriptor; }
const char *__sanitizer_get_report_path(void) { return report_path; }

void __sanitizer_sandbox_on_notify(void *arguments) { (void)arguments; }

WEAK void __sanitizer_report_error_summary(const char *summary);
WEAK void __sanitizer_report_error_summary(const char *summary) {
    rl_say("SUMMARY: ");
    rl_say(summary ? summary : "");
    rl_say("\n");
}

int __sanitizer_acquire_crash_state(void) {
    static bool taken;
    const bool first = !taken;
    taken = true;
    return first;
}

// The target means these accesses, but they are accesses all the same.
#define UNALIGNED(bits)                                                                                      \
    typedef u##bits unaligned##bits __attribute__((aligned(1), may_alias));                                  \
    u##bits __sanitizer_unaligned_load##bits(const void *p) {                                                \
        rl_check(CALLER(), p, bits / 8, rl_access_read);                                                     \
        return *(const unaligned##bits *)p;                                                                  \
    }                                                                                                        \
    void __sanitizer_unaligned_store##bits(void *p, u##bits value) {                                         \
        rl_check(CALLER(), p, bits / 8, rl_access_write);                                                    \
        *(unaligned##bits *)p = value;                                                                       \
    }
UNALIGNED(16)
UNALIGNED(32)
UNALIGNED(64)

void __sanitizer_print_stack_trace(void) { rl_say_stack(CALLER()); }

int __sanitizer_get_module_and_offset_for_pc(void *pc, char *module, size_t module_size, void **offset) {
    if (!rl_is_code((u64)pc)) return 0;
    if (module && module_size) {
        struct text text = text_in(module, module_size);
        text_add(&text, "target");
    }
    if (offset) *offset = (void *)((u64)pc - RL_ELF_BASE);
    return 1;
}

// The target has no symbol table in its memory: an address stands for the function.
static void write_pc(struct text *text, u64 pc, char what) {
    switch (what) {
    case 'n':
        return text_add(text, "0");
    case 'm':
        return text_add(text, "target");
    case 'o':
        return text_hex(text, pc - RL_ELF_BASE);
    case 'p':
        return text_pointer(text, pc);
    case 'L':
    case 'M':
        text_add(text, "(target+");
        text_hex(text, pc - RL_ELF_BASE);
        return text_add(text, ")");
    case 'F':
        return text_add(text, "in <null>");
    case 's':
    case 'S':
    case 'f':
        return text_add(text, "<null>");
    case 'l':
    case 'c':
    case 'q':
        return text_add(text, "0");
    default:
        return text_character(text, what);
    }
}

void __sanitizer_symbolize_pc(void *pc, const char *format, char *out, size_t out_size) {
    struct text text = text_in(out, out_size);
    for (; *format; format++)
        if (*format == '%' && format[1])
            write_pc(&text, (u64)pc, *++format);
        else
            text_character(&text, *format);
}

void __sanitizer_symbolize_global(void *data, const char *format, char *out, size_t out_size) {
    u64 base = 0, size = 0;
    const char *name = "";
    const bool known = rl_find_global((u64)data, &base, &size, &name);
    struct text text = text_in(out, out_size);
    for (; known && *format; format++)
        if (*format != '%' || !format[1])
            text_character(&text, *format);
        else if (*++format == 'g')
            text_add(&text, name);
        else if (*format == 's')
            text_add(&text, "<null>");
        else if (*format == 'l')
            text_add(&text, "0");
        else
            text_character(&text, *format);
}

// libFuzzer has these functions; a target calls them from comparisons of its own.
static void compared(u64 pc, const char *a, const char *b, u64 limit, int result) {
    if (!rl_hot.recording || !result) return;
    u64 length = 0;
    while (length < limit && a[length] && b[length]) length++;
    rl_compared(pc, a, b, length);
}
static void searched(u64 pc, const char *in, const char *what) {
    u64 length = 0;
    while (in[length] && what[length]) length++;
    if (rl_hot.recording && !what[length]) rl_compared(pc, in, what, length);
}
#define HOOK(name, parameters, statement)                                                                    \
    WEAK void __sanitizer_weak_hook_##name parameters;                                                       \
    WEAK void __sanitizer_weak_hook_##name parameters {                                                      \
        (void)pc, (void)result;                                                                              \
        statement;                                                                                           \
    }
HOOK(memcmp, (void *pc, const void *a, const void *b, size_t size, int result),
     if (rl_hot.recording && result) rl_compared((u64)pc, a, b, size))
HOOK(strncmp, (void *pc, const char *a, const char *b, size_t size, int result),
     compared((u64)pc, a, b, size, result))
HOOK(strncasecmp, (void *pc, const char *a, const char *b, size_t size, int result),
     compared((u64)pc, a, b, size, result))
HOOK(strcmp, (void *pc, const char *a, const char *b, int result),
     compared((u64)pc, a, b, UINT64_MAX, result))
HOOK(strcasecmp, (void *pc, const char *a, const char *b, int result),
     compared((u64)pc, a, b, UINT64_MAX, result))
HOOK(strstr, (void *pc, const char *a, const char *b, char *result), searched((u64)pc, a, b))
HOOK(strcasestr, (void *pc, const char *a, const char *b, char *result), searched((u64)pc, a, b))
HOOK(memmem, (void *pc, const void *a, size_t size, const void *b, size_t length, void *result),
     if (rl_hot.recording && length <= size) rl_compared((u64)pc, a, b, length))

void __libfuzzer_is_present(void) {}

// A case's coverage is read from the counters; the machine has no file for it.
void __sanitizer_cov_dump(void) {}
void __sanitizer_dump_coverage(const u64 *pcs, u64 count) { (void)pcs, (void)count; }
void __sanitizer_cov_reset(void) {
    for (u8 *at = __start___sancov_cntrs; at < __stop___sancov_cntrs; at++)
        if (*at) *at = 0;
}
