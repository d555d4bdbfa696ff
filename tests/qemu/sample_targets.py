"""Sample targets for boot scenarios: a few lines of C each, built as every target is, in a temporary folder."""
import struct
import subprocess
import tempfile
from pathlib import Path

from tools.rl.building import brought_files, targets
from tools.rl.building.description import Target
from tools.rl.common import BUILD, ROOT


def run(command):
    done = subprocess.run(command, cwd=ROOT, shell=True, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise subprocess.SubprocessError(f"{command}\n{done.stderr}")


LOADED = struct.pack("<I", 1)            # PT_LOAD


def built(source, language="c", libc="musl", cflags=()):
    """A function that gives the ELF of this harness."""
    def build():
        with tempfile.TemporaryDirectory(dir=str(BUILD)) as folder:
            relative = str(Path(folder).relative_to(ROOT))
            harness = "harness.cpp" if language == "c++" else "harness.c"
            (Path(folder) / harness).write_text(source)
            target = Target("sample", relative, language, libc, (f"{relative}/{harness}",), cflags=tuple(cflags),
                            build_dir=relative)
            for edge in targets.edges(target):
                (ROOT / edge["outputs"][0]).parent.mkdir(parents=True, exist_ok=True)
                run(edge["command"])
            return (ROOT / target.stripped).read_bytes()
    return build


ENTRY = "int LLVMFuzzerTestOneInput(const unsigned char *data, unsigned long size)"

UNKNOWN_CALL = f"""
#include <sys/syscall.h>
#include <unistd.h>
{ENTRY} {{ return syscall(SYS_mount, "from", "/the/path", 3, 0, 0) == 0 && data && size; }}
"""

UNKNOWN_CALL_AT_START = f"""
#include <sys/syscall.h>
#include <unistd.h>
int LLVMFuzzerInitialize(int *count, char ***words) {{ return (int)syscall(SYS_ptrace, 1, 2, 3) + !count + !words; }}
{ENTRY} {{ return data && size; }}
"""


# Files, directories, pipes, time and signals: a case that finds a wrong answer aborts. No system call needs an exit.
FILES_AND_SIGNALS = f"""
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#define MUST(condition) do {{ if (!(condition)) abort(); }} while (0)
static volatile int signals;
static int calls; /* of a case: a reset must bring it back to 0 */
static void count_signal(int number) {{ signals += number; }}
static void through_a_file(const unsigned char *data, unsigned long size) {{
    unsigned char back[64] = {{0}};
    struct stat about;
    MUST(access("/tmp/one", F_OK) == -1 && errno == ENOENT);
    FILE *file = fopen("/tmp/one", "wb");
    MUST(file && fwrite(data, 1, size, file) == size && fclose(file) == 0);
    MUST(stat("/tmp/one", &about) == 0 && S_ISREG(about.st_mode) && about.st_size == (off_t)size);
    int number = open("/tmp/one", O_RDONLY);
    MUST(number > 2 && read(number, back, sizeof back) == (ssize_t)(size < 64 ? size : 64));
    MUST(memcmp(back, data, size < 64 ? size : 64) == 0 && close(number) == 0);
    MUST(mkdir("/tmp/sub", 0755) == 0 && rename("/tmp/one", "/tmp/sub/two") == 0);
    DIR *directory = opendir("/tmp/sub");
    int entries = 0;
    while (readdir(directory)) entries++;
    MUST(entries == 3 && closedir(directory) == 0 && rmdir("/tmp/sub") == -1 && errno == ENOTEMPTY);
}}
static void through_a_pipe(void) {{
    int ends[2];
    char byte = 0;
    MUST(pipe(ends) == 0 && write(ends[1], "x", 1) == 1 && read(ends[0], &byte, 1) == 1 && byte == 'x');
    MUST(close(ends[1]) == 0 && read(ends[0], &byte, 1) == 0 && close(ends[0]) == 0);
}}
{ENTRY} {{
    struct timespec before, behind, second = {{1, 0}};
    MUST(calls++ == 0);
    through_a_file(data, size);
    through_a_pipe();
    MUST(clock_gettime(CLOCK_MONOTONIC, &before) == 0 && nanosleep(&second, NULL) == 0);
    MUST(clock_gettime(CLOCK_MONOTONIC, &behind) == 0 && behind.tv_sec > before.tv_sec);
    signal(SIGUSR1, count_signal);
    signal(SIGALRM, count_signal);
    MUST(raise(SIGUSR1) == 0 && signals == SIGUSR1);
    alarm(5);
    MUST(pause() == -1 && errno == EINTR && signals == SIGUSR1 + SIGALRM);
    printf("%lu bytes\\n", size);
    return 0;
}}
"""

OVERFLOWS = f"""
#include <stdlib.h>
{ENTRY} {{
    volatile char *block = malloc(8);
    int sum = size != 0 && data[0] == 'C' ? block[8] : 0;
    free((void *)block);
    return sum < 0 && size > 100 ? -1 : 0;
}}
"""

# Two defects: one at the end of a recursion of some depth, and a recursion without an end. The size of its frames, and
# so the function in which the stack ends, is of the input's choice.
RECURSION = f"""
#include <stdlib.h>
static volatile int steps;
static void odd(int depth);
__attribute__((noinline)) static void even(int depth) {{
    if (depth == 0) abort();
    odd(depth - 1);
    steps++;
}}
__attribute__((noinline)) static void odd(int depth) {{
    even(depth - 1);
    steps++;
}}
static void pong(int size);
__attribute__((noinline)) static void ping(int size) {{
    volatile char room[256 + size];
    room[size] = 1;
    pong(size);
    steps += room[size];
}}
__attribute__((noinline)) static void pong(int size) {{
    volatile char room[16];
    room[size & 15] = 1;
    ping(size);
    steps += room[size & 15];
}}
{ENTRY} {{
    if (size == 2 && data[0] == 'R') even((data[1] | 2) & ~1);
    if (size == 2 && data[0] == 'S') ping(data[1]);
    return 0;
}}
"""

# Prints in each case, also what a terminal would obey, and crashes for some inputs.
PRINTS = f"""
#include <stdio.h>
#include <stdlib.h>
{ENTRY} {{
    fprintf(stderr, "one ");
    fprintf(stderr, "line of %lu\\n\\033[2Jescape\\n", size);
    if (size && data[0] == 'A') abort();
    return 0;
}}
"""

# What the bundle brings is there before the snapshot and in each case, whatever the case before wrote into it.
BROUGHT_FILES = f"""
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#define MUST(condition) do {{ if (!(condition)) abort(); }} while (0)
static char name[64];
static void must_hold(const char *path, const char *text) {{
    char back[64] = {{0}};
    int number = open(path, O_RDONLY);
    MUST(number > 2 && read(number, back, sizeof back - 1) == (ssize_t)strlen(text));
    MUST(strcmp(back, text) == 0 && close(number) == 0);
}}
int LLVMFuzzerInitialize(int *count, char ***words) {{
    char folder[64], exe[64] = {{0}};
    must_hold("/etc/app.conf", "level=3\\n");
    must_hold("beside.bin", "beside");
    MUST(*count == 1 && strcmp((*words)[0], "/out/stb_image") == 0 && getcwd(folder, sizeof folder));
    MUST(strcmp(folder, "/out") == 0 && readlink("/proc/self/exe", exe, sizeof exe) == 14);
    MUST(strcmp(exe, (*words)[0]) == 0);
    return 0;
}}
{ENTRY} {{
    struct stat about;
    unsigned char back[256];
    must_hold("/etc/app.conf", "level=3\\n");
    DIR *directory = opendir("/data");
    int entries = 0;
    while (readdir(directory)) entries++;
    MUST(entries == 4 && closedir(directory) == 0); /* ., .., large and empty */
    MUST(stat("/data/empty", &about) == 0 && S_ISDIR(about.st_mode));
    MUST(stat("/data/large", &about) == 0 && about.st_size == {24 << 20});
    int number = open("/data/large", O_RDWR);
    MUST(pread(number, back, sizeof back, {(24 << 20) - 256}) == 256);
    for (int i = 0; i < 256; i++) MUST(back[i] == i);
    MUST(pwrite(number, "x", 1, {(24 << 20) - 256}) == 1 && close(number) == 0);
    number = open("/etc/app.conf", O_WRONLY | O_APPEND);
    MUST(write(number, data, size) == (ssize_t)size && close(number) == 0);
    MUST(rename("beside.bin", "/data/empty/moved") == 0 && name[0]++ == 0);
    must_hold("/data/empty/moved", "beside");
    return 0;
}}
"""
BROUGHT = (brought_files.record("/etc/app.conf", b"level=3\n") + brought_files.record("/out/beside.bin", b"beside") +
           brought_files.record("/data/large", bytes(range(256)) * (24 << 12)) +
           brought_files.record("/data/empty/", b""))

# Bad pointers and numbers from the input, to calls that must not mind; and rights of pages.
ANY_CALL = f"""
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#define MUST(condition) do {{ if (!(condition)) abort(); }} while (0)
static char *closed;
int LLVMFuzzerInitialize(int *count, char ***words) {{
    closed = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return count && words ? 0 : 1;
}}
{ENTRY} {{
    long a[7] = {{0}};
    memcpy(a, data, size < sizeof a ? size : sizeof a);
    MUST(read(0, closed, 8) == 0 && write(1, closed, 8) == -1 && errno == EFAULT);
    MUST(getcwd(closed, 4096) == NULL && errno == EFAULT && access(closed, 0) == -1 && errno == EFAULT);
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(page != MAP_FAILED && page[0] == 0);
    page[0] = 1;
    MUST(mprotect(page, 4096, PROT_READ) == 0 && munmap(page + 4096, 4096) == 0 && page[0] == 1);
    MUST(munmap(page + 4096, 4096) == 0);
    static const short numbers[] = {{SYS_ioctl, SYS_futex, SYS_mprotect, SYS_munmap, SYS_mremap, SYS_fcntl, SYS_poll,
                                    SYS_madvise, SYS_lseek, SYS_ptrace, SYS_getdents64, SYS_readv, SYS_rt_sigaction,
                                    SYS_prlimit64}};
    short number = numbers[(unsigned char)a[6] % (sizeof numbers / sizeof *numbers)];
    if (number == SYS_futex && (a[1] & 127) % 9 == 0) a[3] = (long)"0123456789abcde"; /* a wait ends */
    if (number == SYS_poll) a[2] &= 1023;
    if ((number == SYS_mprotect || number == SYS_munmap || number == SYS_madvise || number == SYS_mremap) && a[6] & 256)
        a[0] = (long)page;
    syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    return 0;
}}
"""


# Every number of a system call, with values that no call expects. Some end the target: a finding each, and no more.
EVERY_CALL = f"""
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
static char *closed, room[4096];
int LLVMFuzzerInitialize(int *count, char ***words) {{
    closed = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return count && words ? 0 : 1;
}}
{ENTRY} {{
    long values[] = {{0, 1, 2, 3, 4096, -1, (long)1 << 63, 0x7fffffff, (long)closed, (long)closed + 4095, (long)room,
                     (long)(room + 4090), (long)LLVMFuzzerTestOneInput, 0x4141414141414141,
                     (long)&size + (8 << 20), 1 << 30}};
    long a[6] = {{0}};
    if (size < 8) return 0;
    for (int i = 0; i < 6; i++) a[i] = values[data[2 + i] % (sizeof values / sizeof *values)];
    syscall(data[0] | (data[1] & 3) << 8, a[0], a[1], a[2], a[3], a[4], a[5]);
    return 0;
}}
"""

# Three threads that pass a token around by a condition variable, and one by a pipe.
THREADS = f"""
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int turn, turns, ends[2];
static __thread int own;
static void *play(void *me) {{
    for (int i = 0; i < 5; i++) {{
        pthread_mutex_lock(&lock);
        while (turn != (int)(long)me) pthread_cond_wait(&changed, &lock);
        turn = (turn + 1) % 3, turns++, own++;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&lock);
    }}
    return (void *)(long)own;
}}
static void *send(void *byte) {{ return (void *)(long)write(ends[1], byte, 1); }}
{ENTRY} {{
    pthread_t threads[4];
    void *played;
    char byte = 0;
    if (size && data[0] == 'D') {{ /* each waits for the other: a finding */
        pthread_mutex_lock(&lock);
        pthread_create(threads, NULL, play, NULL);
        pthread_join(threads[0], NULL);
    }}
    if (pipe(ends)) abort();
    for (long i = 0; i < 3; i++)
        if (pthread_create(&threads[i], NULL, play, (void *)i)) abort();
    if (pthread_create(&threads[3], NULL, send, "x") || read(ends[0], &byte, 1) != 1 || byte != 'x') abort();
    for (int i = 0; i < 3; i++)
        if (pthread_join(threads[i], &played) || (long)played != 5) abort();
    if (pthread_join(threads[3], &played) || turns != 15 || own) abort();
    return 0;
}}
"""


CUSTOM_MUTATOR = (ROOT / "tests/runner/samples/custom_mutator.c").read_text()

# What libFuzzer's users take for granted: 100 MiB of heap, 4 MiB of stack, long seeds. What is too much gives NULL.
LARGE = f"""
#include <stdlib.h>
#define MUST(condition) do {{ if (!(condition)) __builtin_trap(); }} while (0)
static int (*volatile again)(int);
static char *volatile kept;
static int down(int depth) {{
    volatile char frame[4096];
    frame[depth & 4095] = (char)depth;
    return (depth ? again(depth - 1) : 0) + frame[depth & 4095];
}}
{ENTRY} {{
    if (size >= 10000 && data[9999] == 'e') abort(); /* the long seed came whole */
    if (!size || data[0] != 'L') return 0;
    kept = malloc(100ul << 20);
    MUST(kept);
    kept[(100ul << 20) - 1] = 1;
    free(kept);
    kept = malloc(1ul << 40);
    MUST(!kept);
    again = down;
    return down(900) == 1 << 30;
}}
"""

# Prints in each case more than a serial line sends beside a record; only a long input aborts.
LOUD = f"""
#include <stdio.h>
#include <stdlib.h>
{ENTRY} {{
    for (int i = 0; i < 20; i++) printf("line %d of a case with %lu bytes, and a few more words\\n", i, size);
    if (size >= 30000 && data[7] == 'x') abort();
    return 0;
}}
"""

# One input is slow, one has no end, one takes all memory; each is two bytes away from a seed.
OVERRUNS = f"""
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static volatile unsigned sink;
static char *volatile kept;
#define APART __attribute__((noinline)) static void
APART slow(void) {{ for (unsigned i = 0; i < 3000000; i++) if ((sink += i) == 77) sink++; }}
APART endless(void) {{ for (;;) if (++sink == 5) sink += 2; }}
APART greedy(void) {{ while ((kept = malloc(1 << 20))) memset(kept, 1, 1 << 20); }}
{ENTRY} {{
    if (size < 2) return 0;
    if (data[0] == 's' && data[1] == 'l') slow();
    if (data[0] == 'e' && data[1] == 'n' && write(1, "so far\\n", 7) == 7) endless();
    if (data[0] == 'g' && data[1] == 'r') greedy();
    return 0;
}}
"""

# Asks for the processor's features in each case, and aborts when an answer, a flag or the red zone is not as the
# instruction leaves it. What is compared with is the instruction in bytes, which the assembler does not replace.
CPUID_IN_A_CASE = f"""
#include <cpuid.h>
#include <stdlib.h>
#include <string.h>
struct answer {{ unsigned long a, b, c, d, flags; }};
#define ASK(name, instruction)                                                                                 \\
    static struct answer name(unsigned long leaf, unsigned long subleaf) {{                                      \\
        struct answer x = {{leaf, 0, subleaf, 0, 0}};                                                            \\
        __asm__ volatile("xor %%ebx, %%ebx; not %%rbx; mov %%rbx, %%rdx; stc; " instruction                     \\
                         "; lea -128(%%rsp), %%rsp; pushf; pop %4; lea 128(%%rsp), %%rsp"                       \\
                         : "+a"(x.a), "=b"(x.b), "+c"(x.c), "=d"(x.d), "=r"(x.flags) : : "memory");             \\
        return x;                                                                                              \\
    }}
ASK(replaced, "cpuid")
ASK(capitals, "CPUID")
ASK(intel, ".intel_syntax noprefix; cpuid; .att_syntax")
ASK(real, ".byte 0x0f, 0xa2")
__attribute__((noinline)) static unsigned in_a_leaf_function(unsigned x) {{
    volatile unsigned zone[24];
    for (unsigned i = 0; i < 24; ++i) zone[i] = x + i;
    unsigned a, b, c, d, sum = 0;
    __cpuid(0, a, b, c, d);
    for (unsigned i = 0; i < 24; ++i) sum += zone[i] - i;
    return sum;
}}
static void compare(unsigned long leaf, unsigned long subleaf) {{
    const struct answer wanted = real(leaf, subleaf);
    const struct answer got[] = {{replaced(leaf, subleaf), capitals(leaf, subleaf), intel(leaf, subleaf)}};
    for (int i = 0; i < 3; ++i) if (memcmp(&got[i], &wanted, sizeof wanted)) abort();
}}
int LLVMFuzzerInitialize(int *count, char ***words) {{
    for (unsigned long leaf = 0; leaf < 64; ++leaf) for (unsigned long high = 0; high < 3; ++high)
        compare(leaf | high << 30 | high << 33, leaf * 3);
    return count && words ? 0 : 1;
}}
{ENTRY} {{
    if (in_a_leaf_function((unsigned)size) != 24 * (unsigned)size) abort();
    for (int i = 0; i < 5; ++i) replaced(1, 7);
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !__builtin_cpu_supports("sse4.2")) abort();
    if (size && data[0] == 'r') real(1, 0);
    return 0;
}}
"""


SLOW = f"""
static volatile unsigned spins;
{ENTRY} {{
    for (unsigned i = 0; i < 500000; i++) spins += i;
    return data && size == 0;
}}"""

SMALLEST = f"{ENTRY} {{ return size && data[0] == 0; }}"


def touching(mebibytes):
    """A target with so much memory, all of it written before the snapshot point."""
    return f"""
static volatile char large[{mebibytes} << 20];
int LLVMFuzzerInitialize(int *count, char ***words) {{
    for (unsigned long at = 0; at < sizeof large; at += 4096) large[at] = (char)(at >> 12 | 1);
    return count && words ? 0 : 1;
}}
{ENTRY} {{ return data && size; }}
"""


GREEDY = f"""
#include <stdlib.h>
{ENTRY} {{
    if (size == 0 || data[0] != 'm') return 0;
    for (volatile char *block; (block = malloc(1 << 16)) != NULL;)
        for (unsigned at = 0; at < 1 << 16; at += 1 << 12) block[at] = 1;
    return 0;
}}
"""


def enlarged(elf, mebibytes):
    """() -> that ELF with so much zeroed memory behind its data: what build.py would refuse to build."""
    def make():
        data = bytearray(elf())
        at, = struct.unpack_from("<Q", data, 32)
        size, count = struct.unpack_from("<HH", data, 54)
        segments = [header for header in range(at, at + size * count, size) if data[header:header + 4] == LOADED]
        last = max(segments, key=lambda header: struct.unpack_from("<Q", data, header + 16))
        struct.pack_into("<Q", data, last + 40, mebibytes << 20)
        return bytes(data)
    return make
