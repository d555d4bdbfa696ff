// targets/runtime/host_run.c — runs a target under Linux as the hypervisor would, for tests without a virtual
// machine.
//
//   host_run [--budget N] [--fill BYTE] [--leak N] [--compare] [--count] [--start] [--repeat N]
//            [--mutate SEED [--max-len N]] TARGET.elf INPUT...
//
// It traces the target as a child process: it maps arenas, stack and shadow before the first instruction,
// replaces the one VMMCALL by UD2 and answers hypercalls at its SIGILL, calls `describe` after hardware
// exceptions, and prints one line of JSON for each case. It does not reset memory: with --repeat all cases
// share one process.
#define _GNU_SOURCE
#include "targets/runtime/abi.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static struct {
    uint64_t budget, flags;
    bool count, start, mutate;
    uint64_t seed;
    uint32_t max_len;
    int repeat;
} options = {
    .budget = 1000000000, .flags = RL_DEFAULT_FILL << RL_FLAG_FILL_SHIFT, .repeat = 1, .max_len = 4096};

static struct {
    pid_t pid;
    uint64_t entry, image_end, vmmcall; // from the ELF
    Elf64_Phdr headers[16];
    uint16_t header_count;
    uint64_t headers_at;
    struct rl_control control;
    int system_calls; // since the snapshot point
    uint64_t start_calls[256];
} target;

static _Noreturn void die(const char *what) {
    fprintf(stderr, "host_run: %s: %s\n", what, strerror(errno));
    if (target.pid) kill(target.pid, SIGKILL);
    exit(3);
}

static void check(bool good, const char *what) {
    if (!good) die(what);
}

static void get(uint64_t from, void *to, size_t size) {
    struct iovec here = {to, size}, there = {(void *)from, size};
    check(!size || process_vm_readv(target.pid, &here, 1, &there, 1, 0) == (ssize_t)size,
          "reading the target");
}

// Like get, for addresses that may be wrong because of the target's bug.
static uint64_t try_word(uint64_t from) {
    uint64_t word = 0;
    struct iovec here = {&word, 8}, there = {(void *)from, 8};
    return process_vm_readv(target.pid, &here, 1, &there, 1, 0) == 8 ? word : 0;
}

static void put(uint64_t to, const void *from, size_t size) {
    struct iovec here = {(void *)(uintptr_t)from, size}, there = {(void *)to, size};
    check(!size || process_vm_writev(target.pid, &here, 1, &there, 1, 0) == (ssize_t)size,
          "writing the target");
}

static struct user_regs_struct registers(void) {
    struct user_regs_struct regs;
    check(!ptrace(PTRACE_GETREGS, target.pid, 0, &regs), "PTRACE_GETREGS");
    return regs;
}

static void set_registers(const struct user_regs_struct *regs) {
    check(!ptrace(PTRACE_SETREGS, target.pid, 0, regs), "PTRACE_SETREGS");
}

static void *read_file(const char *path, size_t *size) {
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat about;
    check(file >= 0 && !fstat(file, &about), path);
    uint8_t *const data = malloc((size_t)about.st_size + 1);
    *size = 0;
    for (ssize_t n; (n = read(file, data + *size, (size_t)about.st_size - *size)) > 0;) *size += (size_t)n;
    close(file);
    return data;
}

static void read_elf(const char *path) {
    size_t size;
    const uint8_t *const file = read_file(path, &size);
    const Elf64_Ehdr *const elf = (const Elf64_Ehdr *)file;
    check(size > sizeof(*elf) && elf->e_machine == EM_X86_64 && elf->e_phnum <= 16,
          "not an ELF this can run");
    target.entry = elf->e_entry;
    target.header_count = elf->e_phnum;
    memcpy(target.headers, file + elf->e_phoff, sizeof(Elf64_Phdr) * elf->e_phnum);
    for (int i = 0; i < elf->e_phnum; i++) {
        const Elf64_Phdr *const p = &target.headers[i];
        if (p->p_type != PT_LOAD) continue;
        if (!p->p_offset) target.headers_at = p->p_vaddr + elf->e_phoff;
        if (p->p_vaddr + p->p_memsz > target.image_end) target.image_end = p->p_vaddr + p->p_memsz;
    }
    const Elf64_Shdr *const sections = (const Elf64_Shdr *)(file + elf->e_shoff);
    for (int i = 0; i < elf->e_shnum; i++) {
        if (sections[i].sh_type != SHT_SYMTAB) continue;
        const Elf64_Sym *const symbols = (const Elf64_Sym *)(file + sections[i].sh_offset);
        const char *const names = (const char *)file + sections[sections[i].sh_link].sh_offset;
        for (size_t s = 0; s < sections[i].sh_size / sizeof(Elf64_Sym); s++)
            if (!strcmp(names + symbols[s].st_name, "rl_vmmcall")) target.vmmcall = symbols[s].st_value;
    }
    check(target.vmmcall, "the target has no rl_vmmcall");
}

static int wait_for_stop(void) {
    int status;
    check(waitpid(target.pid, &status, 0) == target.pid, "waitpid");
    return status;
}

// Makes the target run one system call at its first instruction.
static uint64_t remote_call(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
    const struct user_regs_struct saved = registers();
    const long code = ptrace(PTRACE_PEEKTEXT, target.pid, saved.rip, 0);
    check(!ptrace(PTRACE_POKETEXT, target.pid, saved.rip, (code & ~0xffffL) | 0x050f), "writing SYSCALL");
    struct user_regs_struct regs = saved;
    regs.rax = (uint64_t)number;
    regs.rdi = a, regs.rsi = b, regs.rdx = c, regs.r10 = d;
    regs.r8 = UINT64_MAX, regs.r9 = 0;
    set_registers(&regs);
    check(!ptrace(PTRACE_SINGLESTEP, target.pid, 0, 0), "stepping");
    wait_for_stop();
    const uint64_t result = registers().rax;
    check(!ptrace(PTRACE_POKETEXT, target.pid, saved.rip, code), "restoring code");
    set_registers(&saved);
    return result;
}

static void map(uint64_t from, uint64_t to, int protection) {
    from &= ~4095ull, to = (to + 4095) & ~4095ull;
    const uint64_t flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
    check(remote_call(SYS_mmap, from, to - from, (uint64_t)protection, flags) == from, "mapping");
}

// The shadow of mapped memory is writable; everywhere else it reads as zero.
static void map_memory(void) {
    const uint64_t bases[] = {RL_ELF_BASE, RL_HEAP_BASE, RL_INPUT_BASE, RL_STACK_TOP - RL_STACK_SIZE};
    const uint64_t ends[] = {target.image_end, RL_HEAP_BASE + RL_HEAP_SIZE, RL_INPUT_BASE + RL_INPUT_SIZE,
                             RL_STACK_TOP};
    map(RL_SHADOW_OFFSET, RL_SHADOW_OFFSET + (1ull << 44), PROT_READ);
    for (int i = 0; i < 4; i++) {
        if (i) map(bases[i], ends[i], PROT_READ | PROT_WRITE);
        map(RL_SHADOW_OF(bases[i]), RL_SHADOW_OF(ends[i]), PROT_READ | PROT_WRITE);
    }
}

// argc, argv, an empty environment and the auxiliary vector, as Linux puts them at the top of the stack.
static void build_stack(void) {
    const uint64_t random_at = RL_STACK_TOP - 64, name_at = RL_STACK_TOP - 32;
    const uint64_t random_bytes[2] = {0x0123456789abcdef, 0xfedcba9876543210};
    const uint64_t words[] = {1,         name_at,
                              0,         0,
                              AT_PHDR,   target.headers_at,
                              AT_PHENT,  sizeof(Elf64_Phdr),
                              AT_PHNUM,  target.header_count,
                              AT_PAGESZ, 4096,
                              AT_BASE,   0,
                              AT_ENTRY,  target.entry,
                              AT_UID,    0,
                              AT_EUID,   0,
                              AT_GID,    0,
                              AT_EGID,   0,
                              AT_SECURE, 0,
                              AT_CLKTCK, 100,
                              AT_RANDOM, random_at,
                              AT_NULL,   0};
    put(random_at, random_bytes, sizeof(random_bytes));
    put(name_at, "target", 7);
    const uint64_t sp = (random_at - sizeof(words)) & ~15ull;
    put(sp, words, sizeof(words));
    struct user_regs_struct regs = registers();
    regs.rsp = sp;
    regs.rdx = 0;
    set_registers(&regs);
}

static void start(const char *path) {
    target.pid = fork();
    check(target.pid >= 0, "fork");
    if (!target.pid) {
        personality(ADDR_NO_RANDOMIZE);
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        execl(path, path, (char *)NULL);
        _exit(127);
    }
    check(WIFSTOPPED(wait_for_stop()), "starting the target");
    const int wanted = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD;
    check(!ptrace(PTRACE_SETOPTIONS, target.pid, 0, wanted), "PTRACE_SETOPTIONS");
    map_memory();
    build_stack();
    const long code = ptrace(PTRACE_PEEKTEXT, target.pid, target.vmmcall, 0);
    check((code & 0xffffff) == 0xd9010f, "no VMMCALL at rl_vmmcall");
    ptrace(PTRACE_POKETEXT, target.pid, target.vmmcall, (code & ~0xffffffL) | 0x900b0f); // UD2, NOP
}

struct stop {
    enum { stop_hypercall, stop_fault, stop_exit } what;
    struct user_regs_struct regs;
    int signal;
    uint64_t address, instructions;
};

// As guest/printer.cpp and guest/finding.cpp: a terminal obeys nothing of what a target says.
static char shown(char byte) { return byte >= ' ' && byte < 0x7f ? byte : '.'; }

static void print_text(uint64_t at, uint64_t length) {
    char text[512] = {0};
    get(at, text, length < sizeof(text) - 1 ? length : sizeof(text) - 1);
    for (char *c = text; *c; c++)
        if (*c != '\n') *c = shown(*c);
    fprintf(stderr, "target: %s\n", text);
}

// Continues the target until an event that the caller must handle.
static struct stop resume(bool stepping) {
    struct stop stop = {.what = stop_exit};
    for (bool inside = false;;) {
        check(!ptrace(stepping ? PTRACE_SINGLESTEP : PTRACE_SYSCALL, target.pid, 0, 0), "continuing");
        const int status = wait_for_stop();
        if (!WIFSTOPPED(status)) return stop;
        stop.signal = WSTOPSIG(status);
        if (stop.signal == (SIGTRAP | 0x80)) {
            inside = !inside;
            if (inside && target.system_calls < 256 && !target.control.magic)
                target.start_calls[target.system_calls] = registers().orig_rax;
            target.system_calls += inside;
            continue;
        }
        if (stepping && stop.signal == SIGTRAP) {
            stop.instructions++;
            continue;
        }
        stop.regs = registers();
        if (stop.signal == SIGILL && stop.regs.rip == target.vmmcall) {
            stop.what = stop_hypercall;
            if (stop.regs.rax != (RL_HYPERCALL | RL_CALL_PRINT)) return stop;
            print_text(stop.regs.rdi, stop.regs.rsi);
            stop.regs.rip += 3;
            set_registers(&stop.regs);
            continue;
        }
        siginfo_t info;
        check(!ptrace(PTRACE_GETSIGINFO, target.pid, 0, &info), "PTRACE_GETSIGINFO");
        stop.what = stop_fault;
        stop.address = info.si_code == SI_KERNEL ? UINT64_MAX : (uint64_t)info.si_addr;
        return stop;
    }
}

static void answer(struct stop *stop, uint64_t rax, uint64_t rdx, uint64_t rcx) {
    stop->regs.rip += 3;
    stop->regs.rax = rax, stop->regs.rdx = rdx, stop->regs.rcx = rcx;
    set_registers(&stop->regs);
}

static struct stop run_to_snapshot_point(void) {
    struct stop stop = resume(false);
    if (stop.what == stop_hypercall && stop.regs.rax == (RL_HYPERCALL | RL_CALL_SNAPSHOT)) {
        get(stop.regs.rdi, &target.control, sizeof(target.control));
        errno = EPROTO;
        check(target.control.magic == RL_CONTROL_MAGIC && target.control.version == RL_ABI_VERSION,
              "control block");
        return stop;
    }
    printf("{\"outcome\":\"no snapshot point\",\"signal\":%d,\"pc\":\"%#llx\",\"address\":\"%#" PRIx64
           "\"}\n",
           stop.signal, stop.regs.rip, stop.address);
    exit(0);
}

// A report from the exception, with the description of the address by the target's runtime.
static struct rl_report report_fault(struct stop *stop) {
    struct user_regs_struct regs = stop->regs;
    regs.rip = target.control.describe;
    regs.rdi = stop->signal == SIGSEGV || stop->signal == SIGBUS ? stop->address : stop->regs.rip;
    regs.rsp = target.control.describe_stack;
    regs.orig_rax = UINT64_MAX;
    set_registers(&regs);
    const struct stop described = resume(false);
    struct rl_report report = {0};
    if (described.what == stop_hypercall && described.regs.rax == (RL_HYPERCALL | RL_CALL_DESCRIBED))
        get(described.regs.rdi, &report, sizeof(report));
    const uint64_t code = try_word(stop->regs.rip);
    if (stop->signal == SIGFPE) report.kind = rl_kind_division_error;
    if (stop->signal == SIGTRAP) report.kind = rl_kind_breakpoint;
    if (stop->signal == SIGILL) report.kind = rl_kind_illegal_instruction;
    if (stop->signal == SIGILL && (code & 0xbfffffff) == 0x00b90f67) {
        report.kind = rl_kind_undefined_behaviour;
        strcpy(report.text, rl_undefined_name(code & 0x40000000 ? code >> 32 & 255 : 0));
    }
    report.pc = stop->regs.rip, report.sp = stop->regs.rsp, report.bp = stop->regs.rbp;
    return report;
}

static void print_frames(const char *key, const uint64_t *frames, int count) {
    printf(",\"%s\":[", key);
    for (int i = 0; i < count && (frames[i] || !i); i++)
        printf("%s\"%#" PRIx64 "\"", i ? "," : "", frames[i]);
    printf("]");
}

static bool is_code(uint64_t pc) {
    for (int i = 0; i < target.header_count; i++) {
        const Elf64_Phdr *const p = &target.headers[i];
        if (p->p_flags & PF_X && pc - p->p_vaddr < p->p_memsz) return true;
    }
    return false;
}

static void print_report(const struct rl_report *r) {
    uint64_t frames[8] = {r->pc}, bp = r->bp;
    int first = 1;
    if (!is_code(r->pc))
        frames[first++] =
            try_word(r->sp) - 1; // after a jump to this address: the return address is on top of the stack
    for (int i = first; i < 8 && bp >= RL_STACK_TOP - RL_STACK_SIZE && bp < RL_STACK_TOP - 16; i++) {
        const uint64_t pc = try_word(bp + 8), next = try_word(bp);
        if (pc) frames[i] = pc - 1;
        if (next <= bp) break;
        bp = next;
    }
    printf(",\"kind\":\"%s\",\"access\":\"%s\",\"address\":\"%#" PRIx64 "\",\"access_size\":%" PRIu64
           ",\"region\":\"%s\",\"region_base\":\"%#" PRIx64 "\",\"region_size\":%" PRIu64
           ",\"offset\":%" PRId64 ",\"text\":\"",
           rl_kind_name(r->kind), rl_access_name(r->access), r->address, r->size, rl_region_name(r->region),
           r->region_base, r->region_size, r->offset);
    for (size_t i = 0; i < sizeof(r->text) && r->text[i]; i++)
        printf(r->text[i] == '"' || r->text[i] == '\\' ? "\\%c" : "%c", shown(r->text[i]));
    printf("\"");
    print_frames("frames", frames, 8);
    if (r->alloc_frames[0]) print_frames("alloc", r->alloc_frames, RL_REPORT_FRAMES);
    if (r->free_frames[0]) print_frames("free", r->free_frames, RL_REPORT_FRAMES);
}

// The pages of each area that differ from the snapshot point: a reset would have to restore them.
enum { areas = 6, area_pages = 1024 };
struct area {
    const char *name;
    uint64_t base;
    size_t pages;
    uint8_t *before;
};

// False for the gaps between segments.
static bool read_page(const struct area *area, size_t page, uint8_t *to) {
    struct iovec here = {to, 4096}, there = {(void *)(area->base + page * 4096), 4096};
    return process_vm_readv(target.pid, &here, 1, &there, 1, 0) == 4096;
}

static void list_areas(struct area list[areas]) {
    uint64_t data = target.image_end, stack = RL_STACK_TOP - 256 * 4096;
    for (int i = 0; i < target.header_count; i++)
        if (target.headers[i].p_type == PT_LOAD && target.headers[i].p_flags & PF_W &&
            target.headers[i].p_vaddr < data)
            data = target.headers[i].p_vaddr;
    data &= ~4095ull;
    const struct area all[areas] = {
        {"data", data, (target.image_end - data + 4095) / 4096, NULL},
        {"stack", stack, 256, NULL},
        {"stack_shadow", RL_SHADOW_OF(stack), 32, NULL},
        {"heap", RL_HEAP_BASE, area_pages, NULL},
        {"heap_shadow", RL_SHADOW_OF(RL_HEAP_BASE), area_pages / 8, NULL},
        {"input_shadow", RL_SHADOW_OF(RL_INPUT_BASE), 64, NULL},
    };
    memcpy(list, all, sizeof(all));
    for (int i = 0; i < areas; i++) {
        list[i].before = calloc(list[i].pages, 4096);
        for (size_t p = 0; p < list[i].pages; p++) (void)read_page(&list[i], p, list[i].before + p * 4096);
    }
}

static void print_dirty(struct area list[areas]) {
    uint8_t page[4096];
    printf(",\"dirty\":{");
    for (int i = 0; i < areas; i++) {
        int dirty = 0;
        for (size_t p = 0; p < list[i].pages; p++) {
            if (read_page(&list[i], p, page)) dirty += !!memcmp(page, list[i].before + p * 4096, 4096);
        }
        printf("%s\"%s\":%d", i ? "," : "", list[i].name, dirty);
        free(list[i].before);
    }
    printf("}");
}

static void print_start(void) {
    printf("{\"outcome\":\"snapshot point\",\"system_calls\":[");
    for (int i = 0; i < target.system_calls && i < 256; i++)
        printf("%s%" PRIu64, i ? "," : "", target.start_calls[i]);
    printf("]}\n");
}

static void print_operands(uint64_t count) {
    struct rl_comparison pair;
    printf(",\"operands\":[");
    for (uint64_t i = 0; i < count && i < 64; i++) {
        get(target.control.comparisons + i * sizeof(pair), &pair, sizeof(pair));
        printf("%s[%" PRIu64 ",%" PRIu64 ",%u,%u]", i ? "," : "", pair.a, pair.b, pair.size, pair.flags);
    }
    printf("]");
}

static void print_case(const struct stop *stop) {
    uint8_t *const counters = malloc(target.control.counter_count + 1);
    get(target.control.counters, counters, target.control.counter_count);
    uint64_t edges = 0, comparisons = 0;
    int64_t budget = 0;
    for (uint64_t i = 0; i < target.control.counter_count; i++) edges += counters[i] != 0;
    free(counters);
    get(target.control.budget, &budget, 8);
    get(target.control.comparison_count, &comparisons, 8);
    printf(",\"edges\":%" PRIu64 ",\"counters\":%" PRIu64 ",\"passed\":%" PRId64 ",\"comparisons\":%" PRIu64
           ",\"system_calls\":%d",
           edges, target.control.counter_count, (int64_t)options.budget - budget, comparisons,
           target.system_calls);
    if (comparisons) print_operands(comparisons);
    if (options.count) printf(",\"instructions\":%" PRIu64, stop->instructions);
}

static void run_case(struct stop *point, const char *path) {
    size_t size;
    uint8_t *const input = read_file(path, &size);
    errno = E2BIG;
    check(size <= target.control.input_capacity, path);
    put(target.control.input, input, size);
    free(input);
    struct area list[areas];
    if (options.count) list_areas(list);
    target.system_calls = 0;
    answer(point, size, options.budget, options.flags);
    struct stop stop = resume(options.count);
    const uint64_t number = stop.what == stop_hypercall ? stop.regs.rax & 0xffff : 0;
    const char *const names[] = {"", "", "done", "crash", "timeout"};
    const char *const outcome = stop.what == stop_fault  ? "crash"
                                : stop.what == stop_exit ? "exit"
                                                         : names[number];
    printf("{\"input\":\"%s\",\"size\":%zu,\"outcome\":\"%s\"", path, size, outcome);
    print_case(&stop);
    if (options.count) print_dirty(list);
    if (number == RL_CALL_DONE) printf(",\"value\":%d", (int)stop.regs.rdi);
    struct rl_report report;
    if (number == RL_CALL_CRASH) get(stop.regs.rdi, &report, sizeof(report));
    if (stop.what == stop_fault) report = report_fault(&stop);
    if (!strcmp(outcome, "crash")) print_report(&report);
    printf("}\n");
    *point = stop;
}

// Runs the target's own mutator on the input and prints what it makes.
static void run_mutator(struct stop *point, const char *path) {
    size_t size;
    uint8_t *const input = read_file(path, &size);
    const struct rl_mutation asked = {.seed = options.seed,
                                      .count = 8,
                                      .max_len = options.max_len,
                                      .room = options.max_len + 65536,
                                      .size = (uint32_t)size};
    put(target.control.input, &asked, sizeof(asked));
    put(target.control.input + sizeof(asked), input, size);
    free(input);
    answer(point, sizeof(asked) + size, options.budget, options.flags | RL_FLAG_MUTATE);
    *point = resume(false);
    struct rl_mutants mutants = {0, 0};
    const bool mutated = point->what == stop_hypercall && point->regs.rax == (RL_HYPERCALL | RL_CALL_MUTATED);
    if (mutated) get(point->regs.rdi, &mutants, sizeof(mutants));
    printf("{\"outcome\":\"%s\",\"mutants\":[", mutated ? "mutated" : "failed");
    uint8_t *const bytes = malloc(mutants.size + 1);
    get(mutants.at, bytes, mutants.size);
    for (uint64_t at = 0; at + 4 <= mutants.size;) {
        uint32_t length;
        memcpy(&length, bytes + at, 4);
        printf("%s\"", at ? "," : "");
        for (uint32_t i = 0; i < length; i++) printf("%02x", bytes[at + 4 + i]);
        printf("\"");
        at += 4 + length;
    }
    free(bytes);
    printf("]}\n");
}

// Only after a case that ended normally can the process run another one.
static void run_input(const char *elf, const char *path) {
    target.system_calls = 0;
    memset(&target.control, 0, sizeof(target.control));
    start(elf);
    struct stop stop = run_to_snapshot_point();
    if (options.start) print_start();
    if (options.mutate) run_mutator(&stop, path);
    for (int i = 0; i < options.repeat && !options.mutate; i++) {
        run_case(&stop, path);
        if (stop.what != stop_hypercall || stop.regs.rax != (RL_HYPERCALL | RL_CALL_DONE)) break;
        answer(&stop, 0, 0, 0);
        stop = run_to_snapshot_point();
    }
    kill(target.pid, SIGKILL);
    waitpid(target.pid, NULL, 0);
}

int main(int count, char **words) {
    int i = 1;
    for (; i < count && words[i][0] == '-'; i++) {
        if (!strcmp(words[i], "--compare")) options.flags |= RL_FLAG_COMPARISONS;
        if (!strcmp(words[i], "--count")) options.count = true;
        if (!strcmp(words[i], "--start")) options.start = true;
        if (!strcmp(words[i], "--budget") && i + 1 < count) options.budget = strtoull(words[++i], NULL, 0);
        if (!strcmp(words[i], "--repeat") && i + 1 < count) options.repeat = atoi(words[++i]);
        if (!strcmp(words[i], "--max-len") && i + 1 < count) options.max_len = (uint32_t)atoi(words[++i]);
        if (!strcmp(words[i], "--mutate") && i + 1 < count) {
            options.mutate = true;
            options.seed = strtoull(words[++i], NULL, 0);
        }
        if (!strcmp(words[i], "--leak") && i + 1 < count)
            options.flags |= strtoull(words[++i], NULL, 0) << RL_FLAG_LEAK_SHIFT;
        if (!strcmp(words[i], "--fill") && i + 1 < count)
            options.flags = (options.flags & ~(255ull << RL_FLAG_FILL_SHIFT)) |
                            (strtoull(words[++i], NULL, 0) & 255) << RL_FLAG_FILL_SHIFT;
    }
    if (count - i < 2) {
        fprintf(stderr,
                "usage: host_run [--budget N] [--fill BYTE] [--leak N] [--compare] [--count] [--start] "
                "[--repeat N] [--mutate SEED [--max-len N]] ELF INPUT...\n");
        return 2;
    }
    read_elf(words[i]);
    for (int input = i + 1; input < count; input++) run_input(words[i], words[input]);
    return 0;
}
