// tests/runner/samples/sanitizer_api.c — calls what the sanitizers' headers declare, each function with an
// answer that is known. The input's first byte chooses a group; a wrong answer is a failed assertion.
#include <assert.h>
#include <sanitizer/allocator_interface.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/coverage_interface.h>
#include <sanitizer/lsan_interface.h>
#include <stdlib.h>
#include <string.h>

static char global_name[24];
static volatile size_t sink;

__attribute__((noinline)) static char *make(size_t size) { return malloc(size); }

static void poison(const uint8_t *data, size_t size) {
    char *block = make(64);
    assert(__asan_address_is_poisoned(data + size) == 1 && !__asan_address_is_poisoned(data));
    assert(!__asan_region_is_poisoned((void *)data, size));
    assert(__asan_region_is_poisoned(block, 65) == block + 64);
    __asan_poison_memory_region(block + 16, 16);
    assert(__asan_region_is_poisoned(block, 64) == block + 16);
    __asan_unpoison_memory_region(block + 16, 16);
    assert(!__asan_region_is_poisoned(block, 64));
    size_t scale, offset;
    __asan_get_shadow_mapping(&scale, &offset);
    assert(scale == 3 && ((uint8_t *)((uintptr_t)block >> scale))[offset] == 0);
    free(block);
}

static void locate(void) {
    char name[32], here[10];
    void *base;
    size_t size;
    char *block = make(30);
    assert(!strcmp(__asan_locate_address(block + 3, name, sizeof name, &base, &size), "heap"));
    assert(base == block && size == 30);
    assert(!strcmp(__asan_locate_address(global_name + 1, name, sizeof name, &base, &size), "global"));
    assert(base == global_name && size == 24 && !strcmp(name, "global_name"));
    assert(!strcmp(__asan_locate_address(here, name, sizeof name, &base, &size), "stack"));
    assert(!strcmp(__asan_locate_address((void *)0x100000000000, name, 0, NULL, NULL), "high shadow"));
    __asan_describe_address(block);
    free(block);
}

static void stacks(void) {
    void *trace[8];
    int thread = 7;
    char *block = make(10);
    size_t count = __asan_get_alloc_stack(block + 4, trace, 8, &thread);
    assert(count >= 2 && thread == 0 && (char *)trace[0] > (char *)make &&
           (char *)trace[0] < (char *)make + 64);
    assert(__asan_get_free_stack(block, trace, 8, &thread) == 0);
    assert(__asan_update_allocation_context(block) && !__asan_update_allocation_context(block + 1));
    void *again[8];
    assert(__asan_get_alloc_stack(block, again, 1, NULL) == 1 && again[0] != trace[0]);
    free(block);
    assert(__asan_get_free_stack(block, trace, 8, &thread) >= 1);
    __sanitizer_print_stack_trace();
    char text[64];
    __sanitizer_symbolize_pc(trace[0], "%p %L", text, sizeof text);
    assert(strstr(text, "0x") && strstr(text, "target+0x"));
    __sanitizer_symbolize_global(global_name + 2, "%g", text, sizeof text);
    assert(!strcmp(text, "global_name"));
    void *at;
    assert(__sanitizer_get_module_and_offset_for_pc(trace[0], text, sizeof text, &at) && text[0] && at);
    assert(!__sanitizer_get_module_and_offset_for_pc((void *)8, text, sizeof text, &at));
}

static void allocator(void) {
    size_t before = __sanitizer_get_current_allocated_bytes(), heap = __sanitizer_get_heap_size();
    size_t freed = __sanitizer_get_free_bytes();
    char *block = make(1000);
    assert(__sanitizer_get_current_allocated_bytes() == before + 1000 && __sanitizer_get_heap_size() > heap);
    assert(__sanitizer_get_ownership(block) && !__sanitizer_get_ownership(block + 16));
    assert(!__sanitizer_get_ownership(global_name) && !__sanitizer_get_ownership(NULL));
    assert(__sanitizer_get_allocated_size(block) == 1000 && __sanitizer_get_allocated_size(NULL) == 0);
    assert(__sanitizer_get_estimated_allocated_size(77) == 77 && __sanitizer_get_unmapped_bytes() == 0);
    free(block);
    assert(__sanitizer_get_current_allocated_bytes() == before && !__sanitizer_get_ownership(block));
    assert(__sanitizer_get_free_bytes() > freed);
    __sanitizer_purge_allocator();
    __sanitizer_print_memory_profile(90, 10);
    __asan_print_accumulated_stats();
}

static size_t told, told_freed;
static void on_malloc(const volatile void *p, size_t size) {
    if (p) told += size;
    free(malloc(3)); // a hook's own calls are not told
}
static void on_free(const volatile void *p) { told_freed += p != NULL; }
size_t weak_told;
void __sanitizer_malloc_hook(const volatile void *p, size_t size) { weak_told += size + !p; }

static void hooks(void) {
    weak_told = 0;
    free(make(40));
    assert(weak_told == 40);
    for (int i = 1; i <= 5; i++) assert(__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free) == i);
    assert(__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free) == 0);
    free(make(20));
    assert(told == 100 && told_freed == 5 && weak_told == 60);
    char *volatile zeroed = calloc(2, 4), *volatile copy = strdup("seven c");
    free(zeroed);
    free(copy);
    assert(told == 180 && told_freed == 15);
}

static void containers(void) {
    char *block = make(64);
    __sanitizer_annotate_contiguous_container(block, block + 64, block + 64, block + 21);
    assert(__sanitizer_verify_contiguous_container(block, block + 21, block + 64));
    assert(!__sanitizer_verify_contiguous_container(block, block + 30, block + 64));
    assert(__sanitizer_contiguous_container_find_bad_address(block, block + 30, block + 64) == block + 21);
    assert(__asan_address_is_poisoned(block + 21) && !__asan_address_is_poisoned(block + 20));
    __sanitizer_annotate_contiguous_container(block, block + 64, block + 21, block + 64);
    assert(__sanitizer_verify_contiguous_container(block, block + 64, block + 64));
    free(block);
}

static void common(const uint8_t *data) {
    char bytes[16] = {0};
    __sanitizer_unaligned_store16(bytes + 1, 0x0201);
    __sanitizer_unaligned_store32(bytes + 3, 0x04030201);
    __sanitizer_unaligned_store64(bytes + 7, 0x0807060504030201);
    assert(__sanitizer_unaligned_load16(bytes + 1) == 0x0201 && bytes[2] == 2);
    assert(__sanitizer_unaligned_load32(bytes + 3) == 0x04030201);
    assert(__sanitizer_unaligned_load64(bytes + 7) == 0x0807060504030201);
    __sanitizer_set_report_path("/tmp/report");
    assert(!strcmp(__sanitizer_get_report_path(), "/tmp/report"));
    __sanitizer_set_report_fd((void *)2);
    __sanitizer_sandbox_on_notify(NULL);
    __sanitizer_report_error_summary("one line");
    assert(__sanitizer_acquire_crash_state() == 1 && __sanitizer_acquire_crash_state() == 0);
    assert(!__asan_report_present() && !__asan_get_report_description());
    void *save = NULL;
    const void *bottom;
    size_t size;
    static char fiber[4096];
    __sanitizer_start_switch_fiber(&save, fiber, sizeof fiber);
    __sanitizer_finish_switch_fiber(save, &bottom, &size);
    assert((char *)bottom < bytes && (char *)bottom + size > bytes);
    __sanitizer_start_switch_fiber(NULL, bottom, size);
    __sanitizer_finish_switch_fiber(save, &bottom, &size);
    assert(bottom == fiber && size == sizeof fiber);
    __sanitizer_cov_dump();
    __sanitizer_dump_coverage(NULL, 0);
    __sanitizer_weak_hook_memcmp(NULL, data, "magic", 5, 1);
}

static void in_death(void) {
    // A second bug, in the callback: the first one is what is reported.
    assert(__asan_report_present() && __asan_get_report_access_type() == 1);
    assert(__asan_get_report_access_size() == 1 && __asan_get_report_pc() && __asan_get_report_bp());
    assert(!strcmp(__asan_get_report_description(), "heap-buffer-overflow") && __asan_get_report_sp());
    if (__asan_get_report_address() == global_name) abort();
    make(4)[5] = 1;
}
static void on_report(const char *text) {
    sink = !strstr(text, "ERROR: AddressSanitizer: heap-buffer-overflow");
}

static void death(void) {
    __asan_set_error_report_callback(on_report);
    __sanitizer_set_death_callback(in_death);
    char *volatile block = make(8);
    block[8] = 1;
}

static void report_error(void) {
    __asan_report_error(__builtin_return_address(0), __builtin_frame_address(0), __builtin_frame_address(0),
                        make(3) + 3, 1, 1);
}

static void unaligned_past(void) { sink = __sanitizer_unaligned_load32(make(6) + 3); }
static void size_of_nothing(void) { sink = __sanitizer_get_allocated_size(make(16) + 1); }

// What it asks for is seen in the runtime's answers.
const char *__asan_default_options(void) {
    return "symbolize=1:max_allocation_size_mb='1',allow_user_poisoning=true "
           "unknown:unknown=3:detect_leaks=0";
}
static void options(void) {
    char *volatile block = make(2 << 20);
    assert(!block);
    block = make(1 << 20);
    assert(block);
    assert(!__lsan_do_recoverable_leak_check());
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    switch (data[0]) {
    case 1:
        poison(data, size);
        break;
    case 2:
        locate();
        break;
    case 3:
        stacks();
        break;
    case 4:
        allocator();
        break;
    case 5:
        hooks();
        break;
    case 6:
        containers();
        break;
    case 7:
        common(data);
        break;
    case 8:
        options();
        break;
    case 20:
        death();
        break;
    case 21:
        report_error();
        break;
    case 22:
        unaligned_past();
        break;
    case 23:
        size_of_nothing();
        break;
    }
    return data[0] < 9 ? 100 + data[0] : 0;
}
