// tests/native/filesystem_calls.c — see filesystem_calls.h: what the library needs of the rest of the
// runtime, the hypervisor and the linker.
#include "targets/runtime/linux/linux.h"

long syscall(long number, ...);
void *mmap(void *address, size_t size, int protection, int flags, int file, long offset);
int printf(const char *format, ...);
_Noreturn void exit(int status);
long rl_test_call(unsigned long number, const unsigned long *arguments);
void rl_test_start(void);

enum { read_write = 3, private_anonymous_here = 0x100022, process_vm_readv = 310, getpid = 39 };

struct rl_hot rl_hot;

u64 rl_hypercall(u32 number, u64 first, u64 second) {
    printf("the library makes hypercall %u (%#lx, %#lx)\n", number, first, second);
    exit(3);
}
void rl_resume_thread(void) { exit(3); }

// The kernel copies, so a bad address is an error as in a target.
u32 rl_user_copy(void *to, const void *from, u64 size) {
    struct {
        const void *base;
        u64 length;
    } local = {to, size}, remote = {from, size};
    if (!size) return 0;
    return syscall(process_vm_readv, syscall(getpid), &local, 1ul, &remote, 1ul, 0ul) != (long)size;
}

static void map(u64 address, u64 size) {
    if (mmap((void *)address, size, read_write, private_anonymous_here, -1, 0) == (void *)address) return;
    printf("no memory at %#lx\n", address);
    exit(2);
}

void rl_test_start(void) {
    map(RL_FILES_BASE, RL_FILES_SIZE);
    map(RL_STACK_TOP - 4096, 4096);
    copy((void *)RL_PATH, "/out/test", 10);
    rl_files_start();
}

typedef i64 (*call)(const u64 *a);
#define CALL(number, name) [number] = rl_sys_##name,
static const call calls[] = {
#include "targets/runtime/linux/calls.h"
};

long rl_test_call(unsigned long number, const unsigned long *arguments) {
    const i64 result = calls[number](arguments);
    rl_threads[0].signal_pending = 0; // of a pipe without a reader
    if (result == RL_BLOCKED) {
        printf("call %lu waits\n", number);
        exit(3);
    }
    return result;
}
