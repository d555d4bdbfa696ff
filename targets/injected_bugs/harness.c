// targets/injected_bugs/harness.c — one bug of each kind, chosen by the input's first byte; bugs.json says
// what each must give.
//
// Volatile values hide the bugs from the compiler; noinline keeps each bug in a function that a report can
// name.
#include <assert.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BUG __attribute__((noinline)) static void

static const uint8_t *volatile input;
static volatile size_t input_size;
static volatile int sink;
static volatile int zero, one = 1;

static char *volatile block; // what the current bug allocated
static char *make(size_t size) { return block = malloc(size + (size_t)zero); }

// --- heap blocks
// ----------------------------------------------------------------------------------------------------
BUG heap_read_past(void) { sink = make(16)[16 + zero]; }
BUG heap_write_past(void) { make(24)[24 + zero] = 1; }
BUG heap_read_before(void) { sink = make(16)[-1 + zero]; }
BUG heap_write_before(void) { make(16)[-1 + zero] = 1; }
BUG heap_read_past_odd(void) { sink = make(13)[13 + zero]; }
BUG heap_read_across(void) { sink = *(volatile int *)(make(10) + 8 + zero); }
BUG heap_read_far_past(void) { sink = make(20000)[20000 + 1000 + zero]; }
BUG heap_read_empty(void) { sink = make(0)[1 + zero]; }
BUG calloc_write_past(void) {
    char *volatile p = calloc(3, 7);
    p[21] = 1;
}
BUG aligned_write_before(void) {
    char *volatile p = aligned_alloc(256, 256);
    p[-1] = 1;
}
BUG aligned_read_past(void) {
    void *p = NULL;
    if (posix_memalign(&p, 64, 100)) return;
    sink = ((char *volatile)p)[100 + zero];
}
BUG use_after_free_read(void) {
    make(40);
    free(block);
    sink = block[5];
}
BUG use_after_free_write(void) {
    make(40);
    free(block);
    block[39] = 1;
}
BUG use_after_realloc(void) {
    make(40);
    char *volatile moved = realloc(block, 80);
    moved[79] = 1;
    sink = block[0];
}
BUG use_after_many_frees(void) { // no block is reused before the arena is used up
    char *volatile first = make(1000);
    free(first);
    for (int i = 0; i < 20000; i++) free(make(1000));
    first[1] = 1;
}
BUG double_free(void) {
    make(8);
    free(block);
    free(block);
}
BUG realloc_after_free(void) {
    make(8);
    free(block);
    block = realloc(block, 16);
}
BUG free_inside(void) { free(make(64) + 16 + zero); }
BUG free_unaligned(void) { free(make(64) + 1 + zero); }
BUG free_stack(void) {
    char here[32];
    char *volatile p = here;
    free(p);
}
static char global_bytes[33] = {1};
BUG free_global(void) {
    char *volatile p = global_bytes;
    free(p);
}
BUG free_wild(void) { free((void *)(0x7000 + (size_t)zero)); }
BUG uninitialised_pointer(void) {
    char **volatile p = malloc(16);
    sink = *p[1];
}

// --- the stack
// ------------------------------------------------------------------------------------------------------
BUG stack_read_past(void) {
    volatile char here[10] = {0};
    sink = here[10 + zero];
}
BUG stack_write_past(void) {
    volatile char here[32] = {0};
    here[32 + zero] = 1;
}
BUG stack_read_before(void) {
    volatile char here[32] = {0};
    sink = here[-1 + zero];
}
BUG stack_write_between(void) { // between two variables
    volatile char low[8] = {0}, high[8] = {0};
    volatile char *p = (uintptr_t)low < (uintptr_t)high ? low : high;
    p[8 + zero] = 1;
    sink = low[0] + high[0];
}
BUG use_after_scope(void) {
    volatile char *p = NULL;
    for (int i = 0; i < one; i++) {
        volatile char inner[16] = {(char)i};
        p = inner;
    }
    sink = *p;
}
BUG alloca_write_past(void) {
    volatile char *p = __builtin_alloca(16 + (size_t)zero);
    p[16 + zero] = 1;
}
BUG variable_array_read_before(void) {
    volatile char here[20 + zero];
    here[0] = 1;
    sink = here[-1 + zero];
}
__attribute__((noinline)) static char *leak_stack(void) {
    char here[32];
    here[0] = 1;
    char *volatile p = here;
    return p;
}
BUG use_after_return(void) { sink = leak_stack()[zero]; }

// --- globals
// --------------------------------------------------------------------------------------------------------
static volatile char global_bss[17];
static volatile const char global_table[12] = {3, 1, 4, 1, 5};
BUG global_read_past(void) { sink = global_bytes[33 + zero]; }
BUG global_write_before(void) { ((volatile char *)global_bytes)[-1 + zero] = 1; }
BUG global_bss_write_past(void) { global_bss[17 + zero] = 1; }
BUG global_table_read_before(void) { sink = global_table[-1 + zero]; }
BUG literal_read_past(void) {
    const char *volatile p = "seven!!";
    sink = p[8];
}
BUG write_to_constant(void) { *(volatile char *)(uintptr_t)&global_table[2 + zero] = 1; }

// --- the input
// ------------------------------------------------------------------------------------------------------
BUG input_read_past(void) { sink = input[input_size]; }
BUG input_read_before(void) { sink = input[-1 + zero]; }

// --- mem* and str*
// --------------------------------------------------------------------------------------------------
BUG memcpy_read_past(void) {
    char here[64];
    memcpy(here, make(40), 41 + (size_t)zero);
    sink = here[0];
}
BUG memcpy_write_past(void) {
    char here[16];
    memcpy(here, make(64), 17 + (size_t)zero);
    sink = here[0];
}
BUG memmove_write_before(void) { memmove(make(32) - 1, block, 8 + (size_t)zero); }
BUG memset_past(void) { memset(make(100), 0, 101 + (size_t)zero); }
BUG memcmp_past(void) { sink = memcmp(make(20), global_bytes, 21 + (size_t)zero); }
BUG memchr_past(void) { sink = !memchr(make(20), 0, 21 + (size_t)zero); }
BUG memcpy_negative(void) { memcpy(make(8), global_bytes, (size_t)-1 - (size_t)zero); }
BUG memcpy_overlap(void) { memcpy(make(32) + 4 + zero, block, 8 + (size_t)zero); }
BUG strlen_past(void) {
    memset(make(8), 'a', 8);
    sink = (int)strlen(block);
}
BUG strcpy_past(void) { strcpy(make(7), &"seven!!"[zero]); }
BUG strncpy_past(void) { strncpy(make(7), "abc", 8 + (size_t)zero); }
BUG strcat_past(void) {
    strcpy(make(7), "abcd");
    strcat(block, &"efg"[zero]);
}
BUG strcmp_past(void) {
    memset(make(3), 'x', 3);
    sink = strcmp(block, &"xxxx"[zero]);
}
BUG strchr_past(void) {
    memset(make(3), 'x', 3);
    sink = !strchr(block, 'y' + zero);
}
BUG strstr_past(void) {
    memset(make(3), 'x', 3);
    sink = !strstr(block, "xxxxx");
}
BUG strdup_freed(void) {
    strcpy(make(8), "gone");
    free(block);
    block = strdup(block);
}
BUG atoi_past(void) {
    memset(make(3), '7', 3);
    sink = atoi(block);
}
BUG strtod_past(void) {
    char *end = NULL;
    memset(make(3), '7', 3);
    sink = (int)strtod(block, &end);
}
BUG snprintf_freed(void) { // inside the C library
    char here[32];
    strcpy(make(8), "gone");
    free(block);
    snprintf(here, sizeof(here), "%s", block);
    sink = here[0];
}

// --- programs that end themselves
// ----------------------------------------------------------------------------------
BUG call_abort(void) { abort(); }
BUG fail_assertion(void) { assert(zero == 1); }
BUG call_exit(void) { exit(3 + zero); }

// --- processor exceptions
// -----------------------------------------------------------------------------------
BUG null_read(void) { sink = *(volatile char *)(uintptr_t)zero; }
BUG null_write(void) { *(volatile int *)(uintptr_t)(zero + 24) = 1; }
BUG wild_read(void) { sink = *(volatile char *)(0x123456789000 + (uintptr_t)zero); }
BUG wild_write(void) { *(volatile char *)(0x50000000 + (uintptr_t)zero) = 1; }
BUG non_canonical_read(void) { sink = *(volatile char *)(0xbebebebebebebebe + (uintptr_t)zero); }
BUG call_null(void) { ((void (*volatile)(void))(uintptr_t)zero)(); }
BUG run_data(void) { ((void (*volatile)(void))(uintptr_t)global_bytes)(); }
__attribute__((noinline)) static int exhaust_stack(int depth) {
    return depth == -1 ? 0 : exhaust_stack(depth + 1) + sink;
}
BUG stack_exhaustion(void) { sink = exhaust_stack(zero); }
__attribute__((noinline)) static int exhaust_large(int depth) {
    volatile char large[30000] = {(char)depth};
    return depth == -1 ? 0 : exhaust_large(depth + 1) + large[zero];
}
BUG stack_exhaustion_large(void) { sink = exhaust_large(zero); }
BUG divide_by_zero(void) { sink = one / zero; }
BUG illegal_instruction(void) { __builtin_trap(); }
BUG breakpoint(void) { __asm__ volatile("int3"); }
BUG signed_overflow(void) { sink = one + INT32_MAX; }

// --- timeouts by the edge budget
// -------------------------------------------------------------------------------
BUG endless_loop(void) {
    while (one) {
    }
}
BUG endless_memset(void) {
    make(1 << 20);
    while (one) memset(block, 1, 1 << 20);
}
BUG endless_malloc(void) {
    while (one) make(1 << 10);
}

// --- correct code, which must not be reported
// ------------------------------------------------------------------------------
BUG sound_heap(void) {
    char *const p = malloc(100);
    for (int i = 0; i < 100; i++) assert((uint8_t)p[i] == 0xbe);
    memset(p, 7, 100);
    char *const q = realloc(p, 200);
    assert(q != p && q[99] == 7 && (uint8_t)q[100] == 0xbe);
    free(q);
    char *const zeros = calloc(10, 100);
    for (int i = 0; i < 1000; i++) assert(!zeros[i]);
    for (size_t alignment = 16; alignment <= 8192; alignment *= 2) {
        char *const aligned = memalign(alignment, alignment + 3);
        assert((uintptr_t)aligned % alignment == 0 && malloc_usable_size(aligned) == alignment + 3);
        memset(aligned, 1, alignment + 3);
        free(aligned);
    }
    block = malloc(SIZE_MAX - (size_t)zero);
    assert(!block);
    block = malloc((size_t)1 << 40);
    assert(!block);
    block = calloc(SIZE_MAX / 2, 3 + (size_t)zero);
    assert(!block);
    free(zeros);
    free(NULL);
}
BUG sound_exhaustion(void) { // four times the arena's first limit, in sizes that leave gaps
    char *kept[64] = {NULL};
    for (int i = 0; i < 4096; i++) {
        const size_t size = 60000 + (size_t)(i * 37 % 11000);
        char *const p = malloc(size);
        assert(p);
        p[0] = p[size - 1] = (char)i;
        free(kept[i % 64]);
        kept[i % 64] = p;
    }
    const size_t much = 200u << 20;
    char *const large = make(much);
    assert(large);
    large[0] = large[much - 1] = 1;
    assert(!make((size_t)1900 << 20));
    free(large);
    char *const zeros = calloc(1, 1 << 20);
    assert(zeros && !zeros[0] && !zeros[12345] && !zeros[(1 << 20) - 1]);
}
BUG sound_strings(void) {
    char *const s = make(32);
    assert(strlen(strcpy(s, "hello world")) == 11 && strnlen(s, 5) == 5 && strnlen(s, 50) == 11);
    assert(strchr(s, 'w') == s + 6 && !strchr(s, 'q') && strrchr(s, 'o') == s + 7 && strchr(s, 0) == s + 11);
    assert(strstr(s, "o w") == s + 4 && !strstr(s, "ow") && strstr(s, "") == s);
    assert(strcmp(s, "hello") > 0 && strncmp(s, "hello", 5) == 0 && strcmp("a", "b") < 0);
    assert(!strcasecmp(s, "HELLO World") && !strncasecmp(s, "HELP", 3) && strcasecmp(s, "help") < 0);
    assert(strspn(s, "helo") == 5 && strcspn(s, " ") == 5 && strpbrk(s, "xyzw") == s + 6);
    assert(!strcmp(strncat(strcpy(s, "ab"), "cdef", 2), "abcd") && !strcmp(strcat(s, "e"), "abcde"));
    memset(s, 'z', 32);
    assert(!strcmp(strncpy(s, "abc", 8), "abc") && !s[7] && s[8] == 'z');
    assert(memchr(s, 'c', 32) == s + 2 && !memchr(s, 'q', 32) && !memcmp(s, "abc", 4) &&
           memcmp(s, "abd", 3) < 0);
    for (int shift = -20; shift <= 20; shift++) { // overlapping memmove in both directions
        unsigned char from[128], expected[128];
        for (int i = 0; i < 128; i++) from[i] = expected[i] = (unsigned char)(i * 7);
        for (int i = 0; i < 70; i++) expected[30 + shift + i] = (unsigned char)((30 + i) * 7);
        memmove(from + 30 + shift, from + 30, 70 + (size_t)zero);
        for (int i = 0; i < 128; i++) assert(from[i] == expected[i]);
    }
    char text[64], *copy = strdup("key=value;"), *rest = NULL;
    assert(snprintf(text, sizeof(text), "%s %5.2f %d", copy, 2.5, -3) == 19 &&
           !strcmp(text, "key=value;  2.50 -3"));
    assert(!strcmp(strtok_r(copy, "=", &rest), "key") && !strcmp(strtok_r(NULL, ";", &rest), "value"));
    assert(strtol("0x1f", NULL, 0) == 31 && atoi("-12x") == -12);
}
BUG sound_compare(void) { // for comparison operands: all are compared, none is equal
    if (input_size > 8 && !memcmp((const char *)input + 1, "MAGIC!!", 7)) sink = 1;
    if (input_size > 8 && *(const uint32_t *)(const void *)(input + 4) == 0xfeedface) sink = 2;
    switch (input_size) {
    case 1000:
        sink = 3;
        break;
    case 70000:
        sink = 4;
        break;
    case 123456:
        sink = 5;
        break;
    }
}

static void (*const bugs[])(void) = {
    NULL,
    // 1
    heap_read_past,
    heap_write_past,
    heap_read_before,
    heap_write_before,
    heap_read_past_odd,
    heap_read_across,
    heap_read_far_past,
    heap_read_empty,
    calloc_write_past,
    aligned_write_before,
    aligned_read_past,
    use_after_free_read,
    use_after_free_write,
    use_after_realloc,
    use_after_many_frees,
    double_free,
    realloc_after_free,
    free_inside,
    free_unaligned,
    free_stack,
    free_global,
    free_wild,
    uninitialised_pointer,
    // 24
    stack_read_past,
    stack_write_past,
    stack_read_before,
    stack_write_between,
    use_after_scope,
    alloca_write_past,
    variable_array_read_before,
    use_after_return,
    // 32
    global_read_past,
    global_write_before,
    global_bss_write_past,
    global_table_read_before,
    literal_read_past,
    write_to_constant,
    input_read_past,
    input_read_before,
    // 40
    memcpy_read_past,
    memcpy_write_past,
    memmove_write_before,
    memset_past,
    memcmp_past,
    memchr_past,
    memcpy_negative,
    memcpy_overlap,
    strlen_past,
    strcpy_past,
    strncpy_past,
    strcat_past,
    strcmp_past,
    strchr_past,
    strstr_past,
    strdup_freed,
    atoi_past,
    strtod_past,
    snprintf_freed,
    // 59
    call_abort,
    fail_assertion,
    call_exit,
    null_read,
    null_write,
    wild_read,
    wild_write,
    non_canonical_read,
    call_null,
    run_data,
    stack_exhaustion,
    stack_exhaustion_large,
    divide_by_zero,
    illegal_instruction,
    breakpoint,
    signed_overflow,
    // 75
    endless_loop,
    endless_memset,
    endless_malloc,
    // 78
    sound_heap,
    sound_exhaustion,
    sound_strings,
    sound_compare,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    input = data;
    input_size = size;
    if (size && data[0] < sizeof(bugs) / sizeof(bugs[0]) && bugs[data[0]]) bugs[data[0]]();
    return 0;
}
