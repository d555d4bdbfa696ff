// targets/runtime/linux/linux.h — declarations shared by the files that answer a target's Linux system calls.
//
// They are linked into the target and run in ring 3, in the target's own address space, so a system call
// costs no exit, and all state (files, threads, clock) is memory of the snapshot: each case starts from it,
// and a reset restores it. Numbers, structures and errors are those of Linux's x86-64 interface
// (include/uapi), which never change. The hypervisor trusts nothing here: a target that overwrites this state
// harms its own case.
//
// SYSCALL enters the hypervisor's stub (guest/start.cpp), which comes back to rl_syscall_entry (entry.asm).
#pragma once

#include "targets/runtime/linux/errors.h"
#include "targets/runtime/runtime.h"

// threads.c: the registers of a thread while it does not run. entry.asm uses these offsets.
struct registers {
    u64 rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8, r9, r10, r11, r12, r13, r14, r15, rip, flags;
};
_Static_assert(offsetof(struct registers, rip) == 128 && offsetof(struct registers, flags) == 136,
               "entry.asm");

enum thread_state { thread_free, thread_ready, thread_waiting };
// What a waiting thread waits for, besides `wait_until`.
enum wait_reason { wait_nothing, wait_futex, wait_files };

struct thread {
    struct registers registers; // first: entry.asm
    u8 vectors[512] __attribute__((aligned(16)));
    u64 fs_base;
    u64 clear_tid; // address of a word to clear and wake when the thread ends, or 0
    u64 signal_mask, signal_pending;
    u64 saved_mask; // while sigsuspend waits
    u64 alternate_stack, alternate_stack_size;
    u64 wait_until; // on the virtual clock
    u64 wait_address;
    i64 timeout_result; // of the system call when wait_until passes
    u32 wait_bits, wait_reason;
    u32 state, id;
    u8 mask_saved;
};

enum { max_threads = 128, process_id = 2, user_id = 65534 };
#define NEVER UINT64_MAX

extern struct thread rl_threads[max_threads];
extern struct thread *rl_current;

// The system call's result comes when the thread runs again; the caller returns RL_BLOCKED.
#define RL_BLOCKED INT64_MIN
i64 rl_wait(enum wait_reason reason, u64 until, i64 timeout_result);
// The thread waits for files to change, then makes its system call again.
i64 rl_wait_for_files(u64 until, i64 timeout_result);
void rl_wake(struct thread *thread, i64 result);
void rl_wake_file_waiters(void);
// Afterwards rl_current is a thread that can run.
void rl_schedule(void);
void rl_give_way(void);
u32 rl_thread_count(void);
void rl_set_fs_base(u64 base); // of the running thread
u32 rl_wake_futex(u64 address, u32 count, u32 bits);

// vectors.c: `area` and `wanted` are images of FXSAVE in 64-bit mode, aligned to 16 bytes.
void rl_save_vectors(u8 *area);
bool rl_load_vectors(const u8 *wanted); // whether it had to execute FXRSTOR

// signals.c
void rl_deliver_signals(void);
void rl_raise(struct thread *thread, u32 signal);

// clock.c: nanoseconds of virtual time since the start.
extern u64 rl_clock_ns;
extern u64 rl_alarm_at;
#define FIRST_SECOND 1700000000ull // what the wall clock shows at the start
bool rl_get_timespec(u64 address, u64 *ns, i64 *error);
void rl_advance_clock(u64 to);

// entry.asm: memory of the target, whose address came from the target. False where it cannot be accessed.
u32 rl_user_copy(void *to, const void *from, u64 size);
static inline bool copy_in(void *to, u64 from, u64 size) {
    return !rl_user_copy(to, (const void *)from, size);
}
static inline bool copy_out(u64 to, const void *from, u64 size) {
    return !rl_user_copy((void *)to, from, size);
}
#define GIVE(address, object) (copy_out(address, &(object), sizeof(object)) ? 0 : -EFAULT)

// Fills memory of this library, without a call of memset, which checks the shadow.
static inline void clear(void *at, u64 size) {
    __asm__ volatile("rep stosb" : "+D"(at), "+c"(size) : "a"(0) : "memory");
}
static inline void copy(void *to, const void *from, u64 size) {
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size)::"memory");
}
static inline bool same_bytes(const char *a, const char *b, u64 size) {
    for (u64 i = 0; i < size; i++)
        if (a[i] != b[i]) return false;
    return true;
}
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define PAGE 4096ull
static inline u64 page_up(u64 n) { return (n + PAGE - 1) & ~(PAGE - 1); }

// answer.c
i64 rl_refuse(u64 number, const u64 *a,
              i64 error); // reports the call to the hypervisor and returns the error

// files.c
enum file_kind { kind_none, kind_file, kind_directory, kind_link, kind_device, kind_pipe, kind_event };
enum device { device_null, device_zero, device_random, device_full, device_input, device_output };
enum {
    max_files = 2048,
    max_entries = 4096,
    no_entry,
    longest_name = 255,
    longest_path = 4096,
    root_directory = 1
};

struct file { // an inode
    u32 kind, mode, links, opens;
    u64 size, capacity; // for a pipe: bytes in it
    u8 *data;
    u64 modified_ns, accessed_ns;
    u64 start; // of a pipe's bytes in its ring
    u32 device;
    u32 readers, writers; // of a pipe
    u32 parent;           // of a directory
    u32 generated;        // enum generated: the content is made when it is opened
};
struct entry { // of a directory
    u32 directory, file;
    u8 length;
    char name[longest_name];
};
extern struct file rl_files[max_files];
extern struct entry rl_entries[max_entries];
extern u64 rl_used_entries; // entries from here on are free

extern char rl_program_path[RL_PATH_SIZE];

void rl_files_start(void);
u32 rl_new_file(u32 kind, u32 mode); // 0: no room
void rl_release_file(u32 number);    // frees it when no entry and no descriptor refers to it
bool rl_grow_file(struct file *file, u64 size);
u8 *rl_take_storage(u64 size);
u32 rl_find_entry(u32 directory, const char *name, u64 length); // an index, or max_entries
i64 rl_add_entry(u32 directory, const char *name, u64 length, u32 file);
void rl_remove_entry(u32 entry);
i64 rl_read_file(struct file *file, u64 offset, u64 to, u64 size);
i64 rl_write_file(struct file *file, u64 offset, u64 from, u64 size);

// proc.c
enum generated {
    generated_nothing,
    generated_maps,
    generated_status,
    generated_stat,
    generated_cpuinfo,
    generated_meminfo,
    generated_cmdline
};
void rl_generate(struct file *file);

// paths.c
struct place {        // what a path leads to
    u32 directory;    // of its last part
    u32 file;         // 0: the last part does not exist
    u32 entry;        // of the last part; else max_entries: it is "/", "." or "..", or no_entry
    const char *name; // the last part, in a buffer that the next lookup of the same `slot` overwrites
    u64 length;
    bool wants_directory; // the path ends with a slash
};
enum path_slot { path_first, path_second };
// follow_parent: as follow_no, but whatever the last part is, it is no error yet. Linux looks at it only when
// it has found the directory of it, and of a call's other path. follow_create, and follow_create_no which is
// as follow_no: a file may be made, and a slash at the end is an error.
enum follow { follow_no, follow_yes, follow_parent, follow_create, follow_create_no };
// What a lookup of the last part gives after follow_parent: an error where its name is too long.
i64 rl_check_last(const struct place *place);
i64 rl_check_new(const struct place *place, u32 kind); // and where a file of this kind cannot be made there
i64 rl_resolve(i64 at, u64 path, enum follow follow, enum path_slot slot, struct place *place);
#define AT_FDCWD (-100)
#define HERE ((u64)AT_FDCWD) // as an argument of the calls that take a directory
extern u32 rl_working_directory;

// descriptors.c
enum { max_descriptors = 256 };
struct open_file {
    u32 file, flags, uses;
    u64 offset;
};
struct open_file *rl_open_file_of(u64 descriptor);   // NULL: bad descriptor
struct open_file *rl_usable_file_of(u64 descriptor); // NULL also for one of O_PATH, which only names a file
i64 rl_give_descriptor(u32 file, u32 flags, u64 least);
u32 rl_ready_events(const struct open_file *open); // POLLIN, POLLOUT, POLLHUP

// identity.c
i64 rl_give_random(u64 to, u64 size);

// pipes.c: the bytes moved, an error, or RL_BLOCKED
i64 rl_read_pipe(struct open_file *open, u64 to, u64 size);
i64 rl_write_pipe(struct open_file *open, u64 from, u64 size);
i64 rl_read_event(struct open_file *open, u64 to, u64 size);
i64 rl_write_event(struct open_file *open, u64 from, u64 size);

// output.c
extern struct rl_output rl_output;
i64 rl_print(u64 from, u64 size);

// mappings.c
u64 rl_mapping_end(void);
void rl_settle_mappings(void); // before any system call but mprotect

enum {
    O_ACCESS = 3,
    O_WRONLY = 1,
    O_RDWR = 2,
    O_CREAT = 0100,
    O_EXCL = 0200,
    O_TRUNC = 01000,
    O_APPEND = 02000,
    O_NONBLOCK = 04000,
    O_LARGEFILE = 0100000, // every open file has it
    O_DIRECTORY = 0200000,
    O_NOFOLLOW = 0400000,
    O_CLOEXEC = 02000000,
    O_PATH = 010000000,
    O_TMPFILE = 020200000
};

// Both bits of O_ACCESS together open a file for neither, and O_PATH for nothing.
static inline bool may_read(const struct open_file *open) {
    const u32 access = open->flags & O_ACCESS;
    return (access == 0 || access == O_RDWR) && !(open->flags & O_PATH);
}
static inline bool may_write(const struct open_file *open) {
    const u32 access = open->flags & O_ACCESS;
    return (access == O_WRONLY || access == O_RDWR) && !(open->flags & O_PATH);
}

// One function for each system call that is answered (calls.h): the six arguments, the result.
#define CALL(number, name) i64 rl_sys_##name(const u64 *a);
#include "targets/runtime/linux/calls.h"
#undef CALL
