// targets/runtime/asan.c — the functions that clang's AddressSanitizer instrumentation calls: reports,
// checks, shadow of the stack. guest/layout.h has the shadow's layout.
#include "targets/runtime/runtime.h"

void __asan_init(void) {
    rl_heap_start();
    rl_find_hooks();
    rl_read_options();
}
void __asan_version_mismatch_check_v8(void) {}
void __asan_before_dynamic_init(const char *module) { (void)module; }
void __asan_after_dynamic_init(void) {}

// Called after a failed inline check; and the whole check as a call, for functions with thousands of
// accesses.
#define ACCESS(size)                                                                                         \
    void __asan_report_load##size(u64 address) {                                                             \
        rl_report_access(CALLER(), address, size, rl_access_read);                                           \
    }                                                                                                        \
    void __asan_report_store##size(u64 address) {                                                            \
        rl_report_access(CALLER(), address, size, rl_access_write);                                          \
    }                                                                                                        \
    void __asan_load##size(u64 address) {                                                                    \
        if (UNLIKELY(rl_first_poisoned(address, size)))                                                      \
            rl_report_access(CALLER(), address, size, rl_access_read);                                       \
    }                                                                                                        \
    void __asan_store##size(u64 address) {                                                                   \
        if (UNLIKELY(rl_first_poisoned(address, size)))                                                      \
            rl_report_access(CALLER(), address, size, rl_access_write);                                      \
    }
// With -asan-force-experiment, whose number says only which experiment it was.
#define EXPERIMENT(size)                                                                                     \
    void __asan_report_exp_load##size(u64 address, u32 number) {                                             \
        (void)number, rl_report_access(CALLER(), address, size, rl_access_read);                             \
    }                                                                                                        \
    void __asan_report_exp_store##size(u64 address, u32 number) {                                            \
        (void)number, rl_report_access(CALLER(), address, size, rl_access_write);                            \
    }                                                                                                        \
    void __asan_exp_load##size(u64 address, u32 number) {                                                    \
        (void)number, rl_check(CALLER(), (void *)address, size, rl_access_read);                             \
    }                                                                                                        \
    void __asan_exp_store##size(u64 address, u32 number) {                                                   \
        (void)number, rl_check(CALLER(), (void *)address, size, rl_access_write);                            \
    }
EXPERIMENT(1)
EXPERIMENT(2)
EXPERIMENT(4)
EXPERIMENT(8)
EXPERIMENT(16)
ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)

void __asan_report_load_n(u64 address, u64 size) {
    rl_report_access(CALLER(), address, size, rl_access_read);
}
void __asan_report_store_n(u64 address, u64 size) {
    rl_report_access(CALLER(), address, size, rl_access_write);
}
void __asan_loadN(u64 address, u64 size) { rl_check(CALLER(), (void *)address, size, rl_access_read); }
void __asan_storeN(u64 address, u64 size) { rl_check(CALLER(), (void *)address, size, rl_access_write); }
void __asan_report_exp_load_n(u64 address, u64 size, u32 number) {
    (void)number, rl_report_access(CALLER(), address, size, rl_access_read);
}
void __asan_report_exp_store_n(u64 address, u64 size, u32 number) {
    (void)number, rl_report_access(CALLER(), address, size, rl_access_write);
}
void __asan_exp_loadN(u64 address, u64 size, u32 number) {
    (void)number, rl_check(CALLER(), (void *)address, size, rl_access_read);
}
void __asan_exp_storeN(u64 address, u64 size, u32 number) {
    (void)number, rl_check(CALLER(), (void *)address, size, rl_access_write);
}

// Long runs of stack shadow, which clang does not write inline.
#define SET_SHADOW(value)                                                                                    \
    void __asan_set_shadow_##value(u64 at, u64 size) { rl_fill((void *)at, 0x##value, size); }
SET_SHADOW(00)
SET_SHADOW(f1)
SET_SHADOW(f2)
SET_SHADOW(f3)
SET_SHADOW(f5)
SET_SHADOW(f8)

// For variables whose scope ends and whose shadow clang does not write inline.
void __asan_poison_stack_memory(u64 address, u64 size) {
    rl_fill(shadow_of(address), shadow_stack_scope, (size + 7) >> 3);
}
void __asan_unpoison_stack_memory(u64 address, u64 size) { unpoison(address, size); }

// alloca: a red zone of 32 bytes below; above, padding to a multiple of 32 and 32 more bytes.
void __asan_alloca_poison(u64 address, u64 size) {
    const u64 end = address + size, red = (end + 31) & ~31ull;
    rl_fill(shadow_of(address - 32), shadow_alloca_left, 4);
    rl_fill(shadow_of((end + 7) & ~7ull), shadow_alloca_right, (red - ((end + 7) & ~7ull)) >> 3);
    if (end & 7) *shadow_of(end) = (u8)(end & 7);
    rl_fill(shadow_of(red), shadow_alloca_right, 4);
}

void __asan_allocas_unpoison(u64 top, u64 bottom) {
    if (!top || top > bottom) return;
    rl_fill(shadow_of(top), 0, (bottom - top) >> 3);
}

// The stack that runs: a target that switches stacks by itself says so before and after
// (sanitizer/common_interface_defs.h).
struct stack {
    u64 bottom, size;
};
static struct stack running = {RL_STACK_TOP - RL_STACK_SIZE, RL_STACK_SIZE}, coming;

void __sanitizer_start_switch_fiber(void **fake_stack, const void *bottom, size_t size) {
    if (fake_stack) *fake_stack = NULL; // frames off the stack belong to all stacks
    coming = (struct stack){(u64)bottom, size};
}

void __sanitizer_finish_switch_fiber(void *fake_stack, const void **old_bottom, size_t *old_size) {
    (void)fake_stack;
    if (old_bottom) *old_bottom = (const void *)running.bottom;
    if (old_size) *old_size = running.size;
    running = coming;
}

// Unpoisons the stack below a throw or longjmp, whose frames would stay poisoned. The call site is kept for
// rl_kind_uncaught_exception.
void __asan_handle_no_return(void) {
    const struct site site = CALLER();
    rl_hot.noreturn_pc = site.pc;
    rl_hot.noreturn_sp = site.sp;
    rl_hot.noreturn_bp = site.bp;
    const u64 from = site.sp & ~7ull;
    if (from - running.bottom < running.size)
        rl_fill(shadow_of(from), 0, (running.bottom + running.size - from) >> 3);
}

// The interface for programs that poison their own memory, declared in sanitizer/asan_interface.h.
void __asan_poison_memory_region(const volatile void *at, size_t size) {
    const u64 address = ((u64)at + 7) & ~7ull, end = ((u64)at + size) & ~7ull;
    if (address < end && rl_options.user_poisoning)
        rl_fill(shadow_of(address), shadow_user, (end - address) >> 3);
}

void __asan_unpoison_memory_region(const volatile void *at, size_t size) {
    const u64 address = (u64)at & ~7ull;
    if (size && rl_options.user_poisoning) unpoison(address, (u64)at + size - address);
}

int __asan_address_is_poisoned(const volatile void *at) { return rl_first_poisoned((u64)at, 1) != 0; }
void *__asan_region_is_poisoned(void *at, size_t size) { return (void *)rl_first_poisoned((u64)at, size); }

void __asan_poison_cxx_array_cookie(u64 address) { *shadow_of(address) = shadow_array_cookie; }
u64 __asan_load_cxx_array_cookie(const u64 *at) { return *shadow_of((u64)at) == shadow_freed ? 0 : *at; }

// The container's storage from new_middle to end becomes poisoned.
void __sanitizer_annotate_contiguous_container(const void *begin, const void *end, const void *old_middle,
                                               const void *new_middle) {
    (void)old_middle;
    if (!rl_options.container_overflow) return;
    const u64 middle = (u64)new_middle, stop = (u64)end & ~7ull, poisoned = (middle + 7) & ~7ull;
    rl_fill(shadow_of((u64)begin), 0, (middle - (u64)begin) >> 3);
    if (poisoned < stop) rl_fill(shadow_of(poisoned), shadow_container, (stop - poisoned) >> 3);
    if (middle & 7) *shadow_of(middle) = (u8)(middle & 7);
}

// The first address in the container's storage whose state is not the announced one, or null.
const void *__sanitizer_contiguous_container_find_bad_address(const void *begin, const void *middle,
                                                              const void *end) {
    const u64 stop = (u64)end & ~7ull;
    if (!rl_options.container_overflow) return NULL;
    const u64 bad = rl_first_poisoned((u64)begin, (u64)middle - (u64)begin);
    if (bad) return (const void *)bad;
    for (u64 at = (u64)middle; at < stop; at++)
        if (!rl_first_poisoned(at, 1)) return (const void *)at;
    return NULL;
}

int __sanitizer_verify_contiguous_container(const void *begin, const void *middle, const void *end) {
    return !__sanitizer_contiguous_container_find_bad_address(begin, middle, end);
}

// Called by coverage instrumentation at start-up; not needed, the linker's section symbols give the same.
void __sanitizer_cov_8bit_counters_init(u8 *start, u8 *stop) { (void)start, (void)stop; }
void __sanitizer_cov_pcs_init(const u64 *start, const u64 *stop) { (void)start, (void)stop; }
