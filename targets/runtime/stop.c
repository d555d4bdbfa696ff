// targets/runtime/stop.c — the ways in which a target ends itself: abort, a failed assertion, exit.
#include "targets/runtime/runtime.h"

static void append_number(char *text, u64 value) {
    char digits[21] = {0};
    u32 i = 20;
    do digits[--i] = (char)('0' + value % 10);
    while (value /= 10);
    rl_append(text, digits + i);
}

_Noreturn void abort(void) { rl_report_kind(CALLER(), rl_kind_abort, 0, 0, ""); }

// The C libraries' assert; they differ only in the type of the line.
_Noreturn void __assert_fail(const char *expression, const char *file, u32 line, const char *function) {
    char text[RL_REPORT_TEXT] = {0};
    rl_append(text, file);
    rl_append(text, ":");
    append_number(text, line);
    rl_append(text, " ");
    rl_append(text, function ? function : "");
    rl_append(text, ": ");
    rl_append(text, expression);
    rl_report_kind(CALLER(), rl_kind_assertion_failure, 0, 0, text);
}

_Noreturn void __stack_chk_fail(void) {
    rl_report_kind(CALLER(), rl_kind_stack_buffer_overflow, 0, 0, "the stack protector's canary has changed");
}

// An exit of the harness is a finding, as for libFuzzer. Before the snapshot point it ends the target.
static _Noreturn void leave(struct site site, int status) {
    if (rl_hot.budget + rl_hot.held < INT64_MAX / 2)
        rl_report_kind(site, rl_kind_exit, 0, 0, "the target called exit");
    for (;;) {
        u64 result;
        __asm__ volatile("syscall" : "=a"(result) : "a"(231), "D"(status) : "rcx", "r11", "memory");
    }
}
_Noreturn void _exit(int status) { leave(CALLER(), status); }
_Noreturn void _Exit(int status) { leave(CALLER(), status); }
