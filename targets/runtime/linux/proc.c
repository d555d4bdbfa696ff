// targets/runtime/linux/proc.c — the contents of the files in /proc, made when one is opened.
#include "targets/runtime/linux/linux.h"

extern const u8 __executable_start[], etext[], end[]; // by the linker

static void append(struct file *file, const char *text) {
    const u64 at = file->size, length = rl_length(text);
    if (rl_grow_file(file, at + length)) copy(file->data + at, text, length);
}

static void append_hex(struct file *file, u64 value) {
    char digits[17] = {0};
    u32 at = 16;
    do digits[--at] = "0123456789abcdef"[value & 15];
    while (value >>= 4);
    append(file, digits + at);
}

static void append_range(struct file *file, u64 from, u64 to, const char *rights, const char *name) {
    append_hex(file, from & ~(PAGE - 1));
    append(file, "-");
    append_hex(file, page_up(to));
    append(file, rights);
    append(file, name);
    append(file, "\n");
}

static void make_maps(struct file *file) {
    append_range(file, (u64)__executable_start, (u64)etext, " r-xp 00000000 00:01 1 ", rl_program_path);
    append_range(file, (u64)etext, (u64)end, " rw-p 00000000 00:01 1 ", rl_program_path);
    append_range(file, RL_BREAK_BASE, RL_BREAK_BASE + RL_BREAK_SIZE, " rw-p 00000000 00:00 0 ", "[heap]");
    if (rl_mapping_end() > RL_MAPPING_BASE)
        append_range(file, RL_MAPPING_BASE, rl_mapping_end(), " rw-p 00000000 00:00 0 ", "");
    append_range(file, RL_STACK_TOP - RL_STACK_SIZE, RL_STACK_TOP, " rw-p 00000000 00:00 0 ", "[stack]");
}

void rl_generate(struct file *file) {
    file->size = 0;
    switch (file->generated) {
    case generated_maps:
        return make_maps(file);
    case generated_status:
        return append(
            file,
            "Name:\ttarget\nUmask:\t0022\nState:\tR (running)\nTgid:\t2\nPid:\t2\nPPid:\t1\nTracerPid:\t0\n"
            "Uid:\t65534\t65534\t65534\t65534\nGid:\t65534\t65534\t65534\t65534\nVmPeak:\t    8192 kB\n"
            "VmSize:\t    8192 kB\nVmRSS:\t    4096 kB\nThreads:\t1\nCpus_allowed_list:\t0\n");
    case generated_stat:
        return append(file, "2 (target) R 1 2 2 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 0 8388608 1024 "
                            "18446744073709551615 0 0 0 "
                            "0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n");
    case generated_cpuinfo:
        return append(file,
                      "processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel name\t: Raclette\ncpu cores\t: 1\n"
                      "flags\t\t: fpu tsc msr cx8 cmov mmx fxsr sse sse2\n\n");
    case generated_meminfo:
        return append(
            file, "MemTotal:        4194304 kB\nMemFree:         3145728 kB\nMemAvailable:    3145728 kB\n");
    case generated_cmdline:
        append(file, rl_program_path);
        if (rl_grow_file(file, file->size + 1)) file->data[file->size - 1] = 0;
        return;
    default:
        return;
    }
}
