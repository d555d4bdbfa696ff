// tests/native/filesystem.c — the library that answers a target's system calls against the kernel that runs
// this test: random sequences of calls on files, directories and pipes have the same results in both.
//
//   filesystem FOLDER FIRST_SEED SEQUENCES CALLS [verbose]
//
// Each sequence runs in a process of its own, in an empty folder that is its root (chroot), as an
// unprivileged user. The library keeps its files at the addresses that it has in a target. Descriptors get
// the same numbers in both, so results are compared as they are.
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/native/filesystem_calls.h"

enum { descriptors = 256, first_descriptor = 3, last_descriptor = 14, user = 65534 };
enum { most_bytes = 1 << 17 };

static unsigned long state;
static int verbose;
static char history[1 << 20];
static size_t history_used;

static unsigned long draw(unsigned long below) { // xorshift64*
    state ^= state >> 12, state ^= state << 25, state ^= state >> 27;
    return (state * 0x2545f4914f6cdd1d >> 33) % below;
}
static int one_in(unsigned long n) { return draw(n) == 0; }
#define ANY(...) ((const unsigned long[]){__VA_ARGS__}[draw(sizeof((unsigned long[]){__VA_ARGS__}) / 8)])

static void die(const char *what) {
    perror(what);
    exit(2);
}

static void not_allowed(const char *what) {
    printf("a root of its own is not allowed here: %s: %s\n", what, strerror(errno));
    exit(4);
}

// Two buffers of each kind: what the library reads and writes, and what the kernel does.
static unsigned char data[2][most_bytes];
static struct stat stats[2];
static char *closed; // a page without rights

static char path_text[2][5000];
static const char *random_path(int which) {
    static const char *const parts[] = {"a", "b", "c", "d", "a", "b", ".", "..", "tmp", "link"};
    char *const text = path_text[which];
    if (one_in(60)) return one_in(2) ? closed : (const char *)8;
    size_t used = (size_t)sprintf(text, "%s", one_in(8) ? "/" : one_in(20) ? "//tmp/" : "");
    const unsigned long count = one_in(60) ? 0 : 1 + draw(3);
    for (unsigned long i = 0; i < count; i++) {
        if (one_in(80)) {
            const size_t length = ANY(254, 255, 256, 1000);
            memset(text + used, 'n', length);
            used += length;
        } else {
            used += (size_t)sprintf(text + used, "%s", parts[draw(10)]);
        }
        if (i + 1 < count) used += (size_t)sprintf(text + used, "%s", one_in(10) ? "//" : "/");
    }
    if (one_in(12)) text[used++] = '/';
    text[used] = 0;
    return text;
}

static unsigned long random_descriptor(void) {
    return one_in(40) ? ANY(255, 256, ~0ul, 0x100000003) : first_descriptor + draw(last_descriptor - 2);
}

// What one call gave: its result, and what it wrote.
static void compare(const char *call, const unsigned long *a, long ours, long theirs, size_t bytes) {
    const int same = ours == theirs && (theirs < 0 || !bytes || memcmp(data[0], data[1], bytes) == 0);
    char *const at = history + history_used;
    history_used += (size_t)snprintf(at, sizeof(history) - history_used,
                                     "%s(%#lx, %#lx, %#lx, %#lx) \"%.40s\" \"%.40s\" = %ld%s%s\n", call, a[0],
                                     a[1], a[2], a[3], path_text[0], path_text[1], theirs,
                                     theirs < 0 ? " " : "", theirs < 0 ? strerrorname_np((int)-theirs) : "");
    if (history_used > sizeof(history) - 4096) history_used = 0;
    if (verbose) fputs(at, stderr);
    if (same) return;
    size_t start = history_used, lines = 0;
    while (start > 0 && (history[start - 1] != '\n' || ++lines < 40)) start--;
    printf("%s\nthe library gives %ld%s%s\n", history + start, ours, ours < 0 ? " " : "",
           ours < 0         ? strerrorname_np((int)-ours)
           : ours == theirs ? ", with other bytes"
                            : "");
    exit(1);
}

// The same call with the same arguments in both; `arguments` may refer to buffers of each.
static long both(const char *name, long number, const unsigned long *ours, const unsigned long *theirs,
                 size_t bytes) {
    const long mine = rl_test_call((unsigned long)number, ours);
    long real = syscall(number, theirs[0], theirs[1], theirs[2], theirs[3], theirs[4]);
    if (real == -1) real = -errno;
    compare(name, theirs, mine, real, real > 0 && bytes > (size_t)real ? (size_t)real : bytes);
    return real;
}
static long plain(const char *name, long number, unsigned long a, unsigned long b, unsigned long c,
                  unsigned long d) {
    const unsigned long arguments[6] = {a, b, c, d};
    return both(name, number, arguments, arguments, 0);
}
#define P(path) ((unsigned long)(path))

static void compare_stat(const char *name, long number, unsigned long first) {
    const unsigned long ours[6] = {first, P(&stats[0])}, theirs[6] = {first, P(&stats[1])};
    if (both(name, number, ours, theirs, 0) < 0) return;
    long fields[2][3];
    for (int i = 0; i < 2; i++) {
        const int sized = S_ISREG(stats[i].st_mode) || S_ISLNK(stats[i].st_mode);
        fields[i][0] = stats[i].st_mode;
        fields[i][1] = sized ? stats[i].st_size : 0;
        fields[i][2] = S_ISDIR(stats[i].st_mode) ? 0 : (long)stats[i].st_nlink; // file systems differ in them
    }
    static const char *const names[] = {"st_mode", "st_size", "st_nlink"};
    for (int i = 0; i < 3; i++) compare(names[i], theirs, fields[0][i], fields[1][i], 0);
}

static mode_t kind_of(unsigned long descriptor) {
    struct stat about;
    return fstat((int)descriptor, &about) == 0 ? about.st_mode & S_IFMT : 0;
}

static ino_t inode_of(unsigned long descriptor) {
    struct stat about;
    return fstat((int)descriptor, &about) == 0 ? about.st_ino : 0;
}

static int by_name(const void *a, const void *b) { return strcmp(a, b); }

// All names in a directory, sorted: the order is the file system's own.
static void list(unsigned long descriptor) {
    enum { most_names = 64, name_size = 300 };
    static char names[2][most_names][name_size];
    size_t counts[2] = {0, 0};
    memset(names, 0, sizeof(names));
    for (int side = 0; side < 2; side++) {
        const unsigned long seek[6] = {descriptor, 0, SEEK_SET},
                            a[6] = {descriptor, P(data[side]), ANY(600, 4096)};
        if (side ? syscall(SYS_lseek, seek[0], 0, SEEK_SET) : rl_test_call(SYS_lseek, seek)) return;
        for (;;) {
            const long got =
                side ? syscall(SYS_getdents64, a[0], a[1], a[2]) : rl_test_call(SYS_getdents64, a);
            if (got <= 0) break;
            for (long at = 0; at < got && counts[side] < most_names;) {
                const struct dirent64 *const entry = (const void *)(data[side] + at);
                if (entry->d_type != DT_CHR) // devices are made in the library alone
                    snprintf(names[side][counts[side]++], name_size, "%s %d", entry->d_name, entry->d_type);
                at += entry->d_reclen;
            }
        }
        qsort(names[side], counts[side], name_size, by_name);
    }
    const unsigned long about[6] = {descriptor};
    compare("names in a directory", about, (long)counts[0], (long)counts[1], 0);
    for (size_t i = 0; i < counts[0]; i++)
        if (strcmp(names[0][i], names[1][i]) != 0) {
            printf("\"%s\" is \"%s\" in the library\n", names[1][i], names[0][i]);
            compare("name", about, 0, 1, 0);
        }
}

static void open_something(void) {
    unsigned long flags =
        ANY(O_RDONLY, O_WRONLY, O_RDWR, 3) |
        (one_in(2) ? ANY(O_CREAT, O_CREAT | O_EXCL, O_CREAT | O_TRUNC) : 0) |
        (one_in(5) ? ANY(O_TRUNC, O_APPEND, O_DIRECTORY, O_NOFOLLOW, O_CLOEXEC, O_PATH) : 0);
    if (flags & O_CREAT) flags &= ~(unsigned long)O_DIRECTORY; // kernels differ in both together
    const unsigned long mode = ANY(0644, 0600, 0666, 0755, 0444);
    const long got =
        one_in(4) ? plain("openat", SYS_openat, one_in(2) ? random_descriptor() : (unsigned long)AT_FDCWD,
                          P(random_path(0)), flags, mode)
                  : plain("open", SYS_open, P(random_path(0)), flags, mode, 0);
    if (got > last_descriptor) plain("close", SYS_close, (unsigned long)got, 0, 0, 0);
}

static void make_pipe(void) {
    int ends[2][2] = {{0}};
    const unsigned long flags = O_NONBLOCK | (one_in(4) ? O_CLOEXEC : 0);
    const unsigned long ours[6] = {P(ends[0]), flags}, theirs[6] = {P(ends[1]), flags};
    if (both("pipe2", SYS_pipe2, ours, theirs, 0)) return;
    compare("the pipe's reader", theirs, ends[0][0], ends[1][0], 0);
    compare("the pipe's writer", theirs, ends[0][1], ends[1][1], 0);
    for (int i = 0; i < 2; i++)
        if (ends[1][i] > last_descriptor) plain("close", SYS_close, (unsigned long)ends[1][i], 0, 0, 0);
}

static void move_bytes(void) {
    const unsigned long number = ANY(SYS_read, SYS_write, SYS_pread64, SYS_pwrite64),
                        descriptor = random_descriptor();
    unsigned long size = one_in(8) ? ANY(0, 4095, 4096, 5000, 65536, 100000) : draw(100);
    if (kind_of(descriptor) == S_IFIFO)
        size %= 128; // when a pipe is full depends on pages in Linux, on bytes here
    const unsigned long offset = one_in(10) ? ANY(~0ul, 1ul << 40, 1 << 20) : draw(200);
    const int reads = number == SYS_read || number == SYS_pread64, positioned = number >= SYS_pread64;
    unsigned long sides[2][6];
    if (offset > 1 << 20 && !reads) return; // more than the library's files hold
    for (size_t i = 0; i < size; i++) data[0][i] = data[1][i] = (unsigned char)(reads ? 0xee : draw(256));
    const int bad = one_in(50) && reads; // after a bad write ext4's file may be longer
    for (int i = 0; i < 2; i++) {
        const unsigned long a[6] = {descriptor, bad ? P(closed) : P(data[i]), size, positioned ? offset : 0};
        memcpy(sides[i], a, sizeof(a));
    }
    both(reads ? "read" : "write", (long)number, sides[0], sides[1], reads ? size : 0);
}

static void on_descriptor(void) {
    const unsigned long descriptor = random_descriptor();
    switch (draw(9)) {
    case 0: {
        const int directory = kind_of(descriptor) == S_IFDIR; // file systems differ
        plain("lseek", SYS_lseek, descriptor, one_in(5) ? ANY(~0ul, 1ul << 20, 5000) : draw(100),
              directory ? SEEK_SET : ANY(0, 1, 2, 9), 0);
        break;
    }
    case 1:
        plain("ftruncate", SYS_ftruncate, descriptor, one_in(5) ? ANY(~0ul, 10000) : draw(100), 0, 0);
        break;
    case 2:
        plain("close", SYS_close, descriptor, 0, 0, 0);
        break;
    case 3: {
        const long got = plain("dup", SYS_dup, descriptor, 0, 0, 0);
        if (got > last_descriptor) plain("close", SYS_close, (unsigned long)got, 0, 0, 0);
        break;
    }
    case 4:
        plain("dup3", one_in(2) ? SYS_dup2 : SYS_dup3, descriptor, one_in(9) ? ANY(256, ~0ul) : 3 + draw(10),
              ANY(0, 0, O_CLOEXEC, 1), 0);
        break;
    case 5:
        switch (draw(4)) {
        case 0:
            plain("fcntl F_GETFD", SYS_fcntl, descriptor, F_GETFD, 0, 0);
            break;
        case 1:
            plain("fcntl F_SETFD", SYS_fcntl, descriptor, F_SETFD, draw(2), 0);
            break;
        case 2:
            plain("fcntl F_SETFL", SYS_fcntl, descriptor, F_SETFL, O_NONBLOCK | ANY(0, O_APPEND), 0);
            break;
        default: {
            const long got =
                plain("fcntl F_DUPFD", SYS_fcntl, descriptor, ANY(F_DUPFD, F_DUPFD_CLOEXEC), draw(12) + 3, 0);
            if (got > last_descriptor) plain("close", SYS_close, (unsigned long)got, 0, 0, 0);
        }
        }
        break;
    case 6:
        plain("fcntl F_GETFL", SYS_fcntl, descriptor, F_GETFL, 0, 0);
        break;
    case 7:
        compare_stat("fstat", SYS_fstat, descriptor);
        break;
    default:
        if (one_in(2))
            plain("fchdir", SYS_fchdir, descriptor, 0, 0, 0);
        else
            list(descriptor);
    }
}

static void on_path(void) {
    const char *const path = random_path(0);
    switch (draw(15)) {
    case 0:
    case 1:
        plain("mkdir", SYS_mkdir, P(path), ANY(0755, 0700, 0777), 0, 0);
        break;
    case 2:
        plain("rmdir", SYS_rmdir, P(path), 0, 0, 0);
        break;
    case 3:
        plain("unlink", SYS_unlink, P(path), 0, 0, 0);
        break;
    case 4:
    case 5:
        plain("rename", SYS_rename, P(path), P(random_path(1)), 0, 0);
        break;
    case 6:
        plain("link", SYS_link, P(path), P(random_path(1)), 0, 0);
        break;
    case 7:
        plain("symlink", SYS_symlink, P(path), P(random_path(1)), 0, 0);
        break;
    case 8: {
        const unsigned long size = one_in(4) ? draw(6) : 200;
        const unsigned long ours[6] = {P(path), P(data[0]), size}, theirs[6] = {P(path), P(data[1]), size};
        both("readlink", SYS_readlink, ours, theirs, 200);
        break;
    }
    case 9:
        compare_stat(one_in(2) ? "stat" : "stat ", SYS_stat, P(path));
        break;
    case 10:
        compare_stat("lstat", SYS_lstat, P(path));
        break;
    case 11:
        plain("access", SYS_access, P(path), one_in(10) ? 9 : draw(8), 0, 0);
        break;
    case 12:
        plain("truncate", SYS_truncate, P(path), one_in(9) ? ~0ul : draw(100), 0, 0);
        break;
    case 13:
        plain("chdir", SYS_chdir, P(path), 0, 0, 0);
        break;
    default: {
        const unsigned long size = one_in(4) ? draw(8) : 4096;
        const unsigned long ours[6] = {P(data[0]), size}, theirs[6] = {P(data[1]), size};
        both("getcwd", SYS_getcwd, ours, theirs, 4096);
    }
    }
}

static unsigned long random_folder(void) { return one_in(2) ? (unsigned long)AT_FDCWD : random_descriptor(); }

// Calls that name a directory by its descriptor.
static void at_folder(void) {
    const char *const path = random_path(0);
    const unsigned long at = random_folder();
    switch (draw(6)) {
    case 0:
        plain("mkdirat", SYS_mkdirat, at, P(path), 0755, 0);
        break;
    case 1:
        plain("unlinkat", SYS_unlinkat, at, P(path), ANY(0, AT_REMOVEDIR, 1), 0);
        break;
    case 2: {
        const unsigned long a[6] = {at, P(path), random_folder(), P(random_path(1)), ANY(0, 1, 8)};
        both("renameat2", SYS_renameat2, a, a, 0);
        break;
    }
    case 3: {
        const unsigned long a[6] = {at, P(path), random_folder(), P(random_path(1)),
                                    ANY(0, AT_SYMLINK_FOLLOW)};
        both("linkat", SYS_linkat, a, a, 0);
        break;
    }
    case 4: {
        const unsigned long ours[6] = {at, P(path), P(data[0]), 200},
                            theirs[6] = {at, P(path), P(data[1]), 200};
        both("readlinkat", SYS_readlinkat, ours, theirs, 200);
        break;
    }
    default:
        plain("faccessat", SYS_faccessat, at, P(path), draw(8), 0);
    }
}

static void move_vectors(void) {
    const unsigned long number = ANY(SYS_readv, SYS_writev, SYS_preadv, SYS_pwritev),
                        descriptor = random_descriptor();
    const int reads = number == SYS_readv || number == SYS_preadv;
    const unsigned long first = draw(60), second = draw(60), count = one_in(20) ? ANY(1025, ~0ul) : draw(3);
    const unsigned long offset = number >= SYS_preadv ? (one_in(10) ? ~0ul : draw(100)) : 0;
    struct iovec vectors[2][2];
    for (int i = 0; i < 2; i++) {
        memset(data[i], reads ? 0xee : (int)first, first + second);
        vectors[i][0] = (struct iovec){data[i], first};
        vectors[i][1] = (struct iovec){data[i] + first, second};
    }
    const unsigned long ours[6] = {descriptor, P(vectors[0]), count, offset};
    const unsigned long theirs[6] = {descriptor, P(vectors[1]), count, offset};
    both(reads ? "readv" : "writev", (long)number, ours, theirs, reads ? first + second : 0);
}

static void between_files(void) {
    const unsigned long from = random_descriptor(), to = random_descriptor(), size = draw(100);
    unsigned long offsets[2] = {0};
    switch (draw(6)) {
    case 0:
        offsets[0] = offsets[1] = draw(100);
        // Not from a file into itself: how much comes depends on when Linux looks at its size. Not into a
        // pipe: it gets the file's pages there, and later writes to the file show in them.
        if (kind_of(from) == S_IFREG && kind_of(to) == S_IFREG && inode_of(from) != inode_of(to)) {
            const unsigned long ours[6] = {to, from, P(&offsets[0]), size},
                                theirs[6] = {to, from, P(&offsets[1]), size};
            both("sendfile", SYS_sendfile, ours, theirs, 0);
            compare("sendfile's offset", theirs, (long)offsets[0], (long)offsets[1], 0);
        }
        break;
    case 1:
        if (kind_of(from) == S_IFREG) plain("fchmod", SYS_fchmod, from, ANY(0644, 0444, 0200, 0777), 0, 0);
        break;
    case 2:
        plain("fsync", one_in(2) ? SYS_fsync : SYS_fdatasync, from, 0, 0, 0);
        break;
    case 3: {
        const long got = plain("memfd_create", SYS_memfd_create, P("name"), ANY(0, 1, 0x100), 0, 0);
        if (got > last_descriptor) plain("close", SYS_close, (unsigned long)got, 0, 0, 0);
        break;
    }
    case 4:
        plain("umask", SYS_umask, ANY(022, 027, 077, 0), 0, 0, 0);
        plain("umask", SYS_umask, 022, 0, 0, 0);
        break;
    default:
        plain("fallocate", SYS_fallocate, from, 0, one_in(9) ? ~0ul : draw(100), draw(100));
    }
}

static void run_sequence(unsigned long calls) {
    for (unsigned long i = 0; i < calls; i++) {
        path_text[0][0] = path_text[1][0] = 0;
        switch (draw(13)) {
        case 10:
            at_folder();
            break;
        case 11:
            move_vectors();
            break;
        case 12:
            between_files();
            break;
        case 0:
        case 1:
            open_something();
            break;
        case 2:
        case 3:
        case 4:
            move_bytes();
            break;
        case 5:
        case 6:
            on_descriptor();
            break;
        case 7:
            if (one_in(3)) make_pipe();
            break;
        default:
            on_path();
        }
    }
}

static void write_file(const char *path, const char *text) {
    const int file = open(path, O_WRONLY);
    if (file < 0 || write(file, text, strlen(text)) != (ssize_t)strlen(text)) not_allowed(path);
    close(file);
}

// As root by itself, as another user by a name space of users. Afterwards there are no privileges.
static void change_root(void) {
    const uid_t before = getuid();
    if (before != 0) {
        char map[64];
        snprintf(map, sizeof(map), "%u %u 1", user, before);
        if (unshare(CLONE_NEWUSER)) not_allowed("unshare");
        write_file("/proc/self/uid_map", map);
    }
    if (chroot(".") || chdir("/tmp")) not_allowed("chroot");
    if (before == 0 && (setgid(user) || setuid(user))) die("setuid");
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
    if (syscall(SYS_capset, &header, none)) die("capset");
}

// The directories that the library has from the start; the sequence begins in /tmp.
static void enter(const char *folder) {
    static const char *const there[] = {"tmp", "home",    "etc",  "var",       "var/tmp",
                                        "dev", "dev/shm", "proc", "proc/self", "out"};
    if (mkdir(folder, 0755) || chdir(folder)) die(folder);
    umask(0);
    for (size_t i = 0; i < sizeof(there) / sizeof(*there); i++)
        if (mkdir(there[i], strstr(there[i], "tmp") || strstr(there[i], "shm") ? 01777 : 0755)) die(there[i]);
    umask(022);
    for (size_t i = 0; getuid() == 0 && i < sizeof(there) / sizeof(*there); i++)
        if (chown(there[i], user, user)) die("chown");
    if (getuid() == 0 && chown(".", user, user)) die("chown");
    change_root();
    const struct rlimit limit = {descriptors, descriptors};
    if (setrlimit(RLIMIT_NOFILE, &limit) || signal(SIGPIPE, SIG_IGN) == SIG_ERR) die("setrlimit");
    for (int i = first_descriptor; i < descriptors; i++) close(i);
    const unsigned long tmp[6] = {P("/tmp")};
    rl_test_start();
    if (rl_test_call(SYS_chdir, tmp)) exit(2);
}

int main(int count, char **words) {
    if (count < 5) return fprintf(stderr, "filesystem FOLDER FIRST_SEED SEQUENCES CALLS [verbose]\n"), 2;
    const unsigned long first = strtoul(words[2], NULL, 0), sequences = strtoul(words[3], NULL, 0);
    verbose = count > 5;
    closed = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (unsigned long seed = first; seed < first + sequences; seed++) {
        const pid_t child = fork();
        int status = 0;
        if (child == 0) {
            char folder[4000];
            snprintf(folder, sizeof(folder), "%s/%lu", words[1], seed);
            state = seed * 0x9e3779b97f4a7c15 + 1;
            enter(folder);
            run_sequence(strtoul(words[4], NULL, 0));
            exit(0);
        }
        if (child < 0 || waitpid(child, &status, 0) < 0) die("fork");
        if (status) return printf("seed %lu\n", seed), WIFEXITED(status) ? WEXITSTATUS(status) : 3;
    }
    return 0;
}
