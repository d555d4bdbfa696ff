// targets/runtime/main.c — the target's main: initialises once, then runs one case for each return from the
// snapshot point.
#include "targets/runtime/leaks.h"
#include "targets/runtime/mutator.h"
#include "targets/runtime/runtime.h"

WEAK int LLVMFuzzerInitialize(int *count, char ***arguments);
WEAK int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

WEAK extern u8 __start___sancov_cntrs[], __stop___sancov_cntrs[];
extern u8 __stop___libfuzzer_extra_counters[];
WEAK extern const struct rl_edge_pc __start___sancov_pcs[], __stop___sancov_pcs[];
extern const u64 rl_comparisons, rl_comparison_capacity;
extern struct rl_output rl_output;
static const char target_name[] = RL_TARGET_NAME; // from the build

__attribute__((section(".rl_hot"))) struct rl_hot rl_hot = {.budget = INT64_MAX,
                                                            .fill = RL_DEFAULT_FILL,
                                                            .print_at_once = print_at_start,
                                                            .largest_block = RL_HEAP_SIZE};

COLD static u8 describe_stack[16384] __attribute__((aligned(16)));
static struct rl_control control;

static void print(const char *text) { rl_hypercall(RL_CALL_PRINT, (u64)text, rl_length(text)); }

static void fill_control(void) {
    const u64 edges = (u64)(__stop___sancov_cntrs - __start___sancov_cntrs);
    // The target's own counters (__libfuzzer_extra_counters) follow the edges' ones and have no place in
    // code.
    const u64 counters = (u64)(__stop___libfuzzer_extra_counters - __start___sancov_cntrs);
    const bool table = (u64)(__stop___sancov_pcs - __start___sancov_pcs) == edges;
    control.magic = RL_CONTROL_MAGIC;
    control.version = RL_ABI_VERSION;
    control.size = sizeof(control);
    control.input = RL_INPUT_START;
    control.input_capacity = RL_INPUT_CAPACITY;
    control.counters = (u64)__start___sancov_cntrs;
    control.counter_count = counters;
    control.pcs = table ? (u64)__start___sancov_pcs : 0;
    control.budget = (u64)&rl_hot.budget;
    control.comparisons = rl_comparisons;
    control.comparison_capacity = rl_comparison_capacity;
    control.comparison_count = (u64)&rl_hot.comparison_count;
    control.describe = (u64)rl_describe;
    control.describe_stack = (u64)(describe_stack + sizeof(describe_stack)) - 8;
    control.report = (u64)&rl_report;
    control.output = (u64)&rl_output;
    control.abilities = rl_mutator_abilities();
    control.schedule = (u64)&rl_schedule_seed;
    for (u32 i = 0; target_name[i] && i + 1 < sizeof(control.target); i++) control.target[i] = target_name[i];
}

// The memory around the input is poisoned once, before the snapshot; each case unpoisons only its own length.
static void open_input(u64 length) {
    if (UNLIKELY(rl_hot.input_length)) // only under host_run, which does not reset memory between cases
        rl_fill(shadow_of(RL_INPUT_START), shadow_heap, (rl_hot.input_length + 7) >> 3);
    rl_hot.input_length = (u32)length;
    unpoison(RL_INPUT_START, length);
}

int main(int count, char **arguments) {
    if (!LLVMFuzzerTestOneInput) {
        print("the target has no LLVMFuzzerTestOneInput");
        return 1;
    }
    rl_heap_start();
    rl_read_options();
    if (LLVMFuzzerInitialize) LLVMFuzzerInitialize(&count, &arguments);
    fill_control();
    rl_fill(__start___sancov_cntrs, 0,
            control.counter_count); // the edges of start-up are not coverage of a case
    for (;;) {
        struct resume resume;
        rl_end_slices();
        rl_snapshot_point(&control, &resume);
        rl_hot.budget = (i64)resume.budget;
        if (UNLIKELY(rl_hot.sliced)) rl_begin_slice();
        rl_record_comparisons(resume.flags & RL_FLAG_COMPARISONS);
        rl_hot.fill = (u8)(resume.flags >> RL_FLAG_FILL_SHIFT);
        rl_hot.print_at_once = (u8)(resume.flags & RL_FLAG_OUTPUT);
        open_input(resume.length);
        if (UNLIKELY(resume.flags & RL_FLAG_MUTATE)) {
            rl_run_mutator();
            continue;
        }
        const int value = LLVMFuzzerTestOneInput((const u8 *)RL_INPUT_START, resume.length);
        const u32 leak = (u8)(resume.flags >> RL_FLAG_LEAK_SHIFT);
        if (UNLIKELY(leak)) rl_report_leak(leak - 1);
        rl_hypercall(RL_CALL_DONE, (u64)(i64)value, 0);
    }
}
