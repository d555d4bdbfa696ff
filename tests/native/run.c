// tests/native/run.c — see run.h: the few entries of AddressSanitizer's runtime that instrumented C
// needs, with a heap that is cleared after each case; a report jumps out of the harness.
#define _GNU_SOURCE
#include "tests/native/run.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

enum { heap_size = 256 << 20, red_zone = 64, stack_below = 2 << 20 };
static const uintptr_t live = 0x11ea9b10c, freed = 0xf4eedb10c;

static uint8_t *heap;
static size_t heap_used;
static int fill_byte, running;
static sigjmp_buf back;
static uintptr_t stack_top;
static struct native_result *result_now;

static uint8_t *shadow(uintptr_t address) { return (uint8_t *)((address >> 3) + 0x7fff8000); }
static uint8_t *shadow_of(const void *p) { return shadow((uintptr_t)p); }

static _Noreturn void end_case(enum native_ending ending) {
    result_now->ending = ending;
    running = 0;
    siglongjmp(back, 1);
}

void native_time_out(void) {
    if (running) end_case(native_timeout);
}

static _Noreturn void crash(const char *kind, uintptr_t pc, uintptr_t frame, uintptr_t address, int is_write,
                            int size) {
    if (!running) {
        fprintf(stderr, "%s outside of a case, at 0x%lx\n", kind, pc);
        abort();
    }
    struct native_result *const r = result_now;
    r->kind = kind, r->address = address, r->is_write = is_write, r->size = size;
    r->frames[0] = pc;
    for (int i = 1; i < 8 && frame > stack_top - stack_below * 4 && frame < stack_top; i++) {
        const uintptr_t *const saved = (const uintptr_t *)frame;
        r->frames[i] = saved[1];
        if (saved[0] <= frame) break;
        frame = saved[0];
    }
    end_case(native_crash);
}

#define PC ((uintptr_t)__builtin_return_address(0) - 1)
#define FRAME ((uintptr_t)__builtin_frame_address(0))

static _Noreturn void bad_access(uintptr_t pc, uintptr_t frame, uintptr_t address, int is_write,
                                 size_t size) {
    uint8_t mark = *shadow(address);
    if (mark < 8) mark = mark && shadow(address)[1] ? shadow(address)[1] : *shadow(address + size - 1);
    const char *const kind = mark == 0xfa   ? "heap-buffer-overflow"
                             : mark == 0xfd ? "heap-use-after-free"
                             : mark == 0xf9 ? "global-buffer-overflow"
                             : mark >= 0x80 ? "stack-buffer-overflow"
                                            : "heap-buffer-overflow";
    crash(kind, pc, frame, address, is_write, (int)size);
}

static void check(uintptr_t pc, uintptr_t frame, uintptr_t from, size_t size, int is_write) {
    if ((intptr_t)size < 0) crash("negative-size", pc, frame, from, is_write, 0);
    for (uintptr_t at = from; at < from + size; at = (at & ~7ul) + 8) {
        const int8_t mark = (int8_t)*shadow(at);
        const uintptr_t last = (from + size - 1) >> 3 == at >> 3 ? (from + size - 1) & 7 : 7;
        if (mark && (intptr_t)last >= mark) bad_access(pc, frame, at, is_write, size);
    }
}

#define REPORTS(size)                                                                                        \
    void __asan_report_load##size(uintptr_t a) { bad_access(PC, FRAME, a, 0, size); }                        \
    void __asan_report_store##size(uintptr_t a) { bad_access(PC, FRAME, a, 1, size); }
REPORTS(1)
REPORTS(2)
REPORTS(4)
REPORTS(8)
REPORTS(16)
void __asan_report_load_n(uintptr_t a, size_t size) { bad_access(PC, FRAME, a, 0, size); }
void __asan_report_store_n(uintptr_t a, size_t size) { bad_access(PC, FRAME, a, 1, size); }
void *__asan_memset(void *to, int byte, size_t size) {
    check(PC, FRAME, (uintptr_t)to, size, 1);
    return memset(to, byte, size);
}
void *__asan_memmove(void *to, const void *from, size_t size) {
    check(PC, FRAME, (uintptr_t)from, size, 0);
    check(PC, FRAME, (uintptr_t)to, size, 1);
    return memmove(to, from, size);
}
void *__asan_memcpy(void *to, const void *from, size_t size) {
    check(PC, FRAME, (uintptr_t)from, size, 0);
    check(PC, FRAME, (uintptr_t)to, size, 1);
    return memmove(to, from, size);
}

// Called for large ranges of stack shadow; clang writes small ones inline.
#define MARKS(value)                                                                                         \
    void __asan_set_shadow_##value(uintptr_t at, size_t size) { memset((void *)at, 0x##value, size); }
MARKS(00)
MARKS(f1)
MARKS(f2)
MARKS(f3)
MARKS(f5)
MARKS(f8)

// The harness's malloc family (-Dmalloc=native_malloc ...).
void *native_malloc(size_t size) {
    // As many bytes in front of a block as it has, so that a read far before it does not hit another block.
    const size_t whole = (size + 15) & ~15ul, lead = 32 + (whole < 8192 ? whole : 8192);
    if (size > heap_size || heap_used + lead + whole + red_zone > heap_size) return NULL;
    uint8_t *const block = heap + heap_used + lead;
    heap_used += lead + whole;
    memset(shadow_of(block - lead), 0xfa, lead / 8);
    memset(shadow_of(block), 0, whole / 8);
    memset(shadow_of(block + ((size + 7) & ~7ul)), 0xfa, (whole - ((size + 7) & ~7ul) + red_zone) / 8);
    if (size % 8) *shadow_of(block + (size & ~7ul)) = size % 8;
    ((uintptr_t *)block)[-2] = size, ((uintptr_t *)block)[-1] = live;
    memset(block, fill_byte, size < 4096 ? size : 4096); // as much as AddressSanitizer fills
    return block;
}
void native_free(void *p) {
    if (!p) return;
    uintptr_t *const block = p;
    if ((uint8_t *)p < heap || (uint8_t *)p >= heap + heap_used || block[-1] != live)
        crash("bad-free", PC, FRAME, (uintptr_t)p, 0, 0);
    block[-1] = freed;
    memset(shadow_of(p), 0xfd, (block[-2] + 7) / 8);
}
void *native_calloc(size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) return NULL;
    void *const p = native_malloc(bytes);
    return p ? memset(p, 0, bytes) : NULL;
}
void *native_realloc(void *p, size_t size) {
    void *const larger = native_malloc(size);
    if (!p || !larger) return larger;
    const size_t before = ((uintptr_t *)p)[-2];
    memcpy(larger, p, before < size ? before : size);
    native_free(p);
    return larger;
}

struct global {
    uintptr_t begin, size, size_with_red_zone;
    const char *name, *module;
    uintptr_t dynamic;
    void *location;
    uintptr_t odr;
};
static void start(void);
void __asan_init(void) { start(); }
void __asan_version_mismatch_check_v8(void) {}
void __asan_handle_no_return(void) {}
int __asan_option_detect_stack_use_after_return = 0;
void __asan_register_globals(struct global *g, uintptr_t count) {
    start();
    for (uintptr_t i = 0; i < count; i++) {
        const uintptr_t whole = (g[i].size + 7) & ~7ul;
        memset(shadow(g[i].begin + whole), 0xf9, (g[i].size_with_red_zone - whole) / 8);
        if (g[i].size % 8) *shadow(g[i].begin + (g[i].size & ~7ul)) = g[i].size % 8;
    }
}
void __asan_unregister_globals(struct global *g, uintptr_t count) { (void)g, (void)count; }
void __asan_register_elf_globals(uintptr_t *flag, struct global *begin, struct global *end) {
    if (!*flag) __asan_register_globals(begin, (uintptr_t)(end - begin));
    *flag = 1;
}
void __asan_unregister_elf_globals(uintptr_t *flag, struct global *begin, struct global *end) {
    (void)flag, (void)begin, (void)end;
}

static void on_signal(int number, siginfo_t *info, void *context) {
    const greg_t *const r = ((ucontext_t *)context)->uc_mcontext.gregs;
    const char *const kind = number == SIGFPE    ? "division-error"
                             : number == SIGABRT ? "abort"
                                                 : "wild-access";
    crash(kind, (uintptr_t)r[REG_RIP], (uintptr_t)r[REG_RBP], (uintptr_t)info->si_addr, 0, 0);
}

static void *map(void *at, size_t size, int fixed) {
    void *const p =
        mmap(at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | fixed, -1, 0);
    if (p == MAP_FAILED) perror("mmap"), exit(1);
    return p;
}

static void start(void) {
    if (heap) return;
    map((void *)0x7fff8000, 1ul << 44, MAP_FIXED_NOREPLACE);
    heap = map(NULL, heap_size, 0);
    static uint8_t signal_stack[1 << 16];
    const stack_t stack = {.ss_sp = signal_stack, .ss_size = sizeof(signal_stack)};
    sigaltstack(&stack, NULL);
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) sigaction(numbers[i], &action, NULL);
}

void native_run(int (*harness)(const uint8_t *, size_t), const uint8_t *data, size_t size, int fill,
                struct native_result *result) {
    start();
    memset(result, 0, sizeof(*result));
    result_now = result, fill_byte = fill, heap_used = 0, stack_top = FRAME;
    uint8_t *const input = native_malloc(size);
    if (size) memcpy(input, data, size);
    if (!sigsetjmp(back, 0)) {
        running = 1;
        result->value = harness(input, size);
        running = 0;
    } else {
        memset(shadow((stack_top - stack_below) & ~7ul), 0, stack_below / 8); // frames that never returned
    }
    memset(shadow_of(heap), 0xfa, (heap_used + red_zone) / 8);
}
