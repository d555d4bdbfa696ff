// tests/runner/samples/leaks.c — blocks that stay allocated, reached or not; the input's first byte chooses.
#include <sanitizer/lsan_interface.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct node {
    struct node *next;
    char room[40];
};
static struct node *volatile kept;
static __thread void *volatile of_thread;
static uintptr_t hidden[2];
static volatile size_t size_of = 24;

__attribute__((noinline)) static void *take(size_t size) { return malloc(size); }
__attribute__((noinline)) static void *take_other(size_t size) { return calloc(1, size); }
__attribute__((noinline)) static void clear_stack(void) {
    volatile char room[2000];
    memset((char *)room, 0, sizeof room);
}
__attribute__((noinline)) static void run(uint8_t which) {
    struct node *node;
    switch (which) {
    case 1:
        take(size_of);
        break;
    case 2:
        take(size_of), take_other(100), take_other(50);
        break;
    case 3:
        free(take(size_of));
        break;
    case 4:
        kept = take(48), kept->next = take(48), kept->next->next = take(48);
        break;
    case 5:
        of_thread = take(size_of);
        break;
    case 6:
        node = take(48), node->next = take_other(48), node->next->next = node;
        break;
    case 7:
        __lsan_disable(), take(size_of), __lsan_enable();
        break;
    case 8:
        __lsan_ignore_object(take(size_of));
        break;
    case 9:
        hidden[0] = ~(uintptr_t)take(size_of);
        break;
    case 10:
        kept = (struct node *)((char *)take(48) + 47);
        break;
    case 11:
        node = take(48), __lsan_register_root_region(&hidden, sizeof hidden), hidden[1] = (uintptr_t)node;
        break;
    case 12:
        take(size_of), __lsan_do_leak_check();
        break;
    case 13:
        take(size_of), hidden[0] = 1 + (uintptr_t)__lsan_do_recoverable_leak_check();
        break;
    case 14:
        hidden[0] = 1 + (uintptr_t)__lsan_do_recoverable_leak_check();
        break;
    case 15:
        for (int i = 0; i < 300; i++) take((size_t)i);
        break;
    case 16:
        take(0);
        break;
    }
}
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    run(data[0]);
    clear_stack();
    return data[0] == 13 || data[0] == 14 ? (int)hidden[0] - 1 : 0;
}
