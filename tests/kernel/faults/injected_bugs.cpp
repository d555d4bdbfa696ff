// tests/kernel/faults/injected_bugs.cpp — the mode inject=NAME@CORE; see injected_bugs.h.
#include "tests/kernel/faults/injected_bugs.h"

#include "kernel/codes.h"
#include "kernel/introspect/leak_check.h"
#include "tests/kernel/faults/inject.h"

namespace kernel {

namespace {

const Test *find(Text name) {
    for (const BugList &theme : {heap_bugs, free_bugs, pointer_bugs, stack_bugs, frame_bugs, lock_bugs,
                                 error_bugs, guest_bugs, panic_bugs, stuck_bugs})
        for (const Test &bug : theme)
            if (name == bug.name) return &bug;
    return nullptr;
}

// A bug that is not reported at once may leave something behind.
rstate::Result<> run_and_check_leaks(const Test &bug, const TestContext &context) {
    const LeakCheck before = LeakCheck::count_now();
    TRY(bug.run(context), "running the injected bug", bug.name);
    TRY(before.check_all(), "checking for leaks after an injected bug", bug.name);
    return FAIL(test_failed, "an injected bug went unnoticed", bug.name);
}

// Returns only an error: the bug's own, or that nothing noticed it, or that there is no such bug.
rstate::Result<u32> inject(const ModeContext &context, Text name) {
    const usize at = name.find('@');
    u64 core = 0;
    if (at != name.size() && !parse_number(name.from(at + 1), core))
        return FAIL(bad_arguments, "inject=NAME@CORE needs a number after the @");
    const Test *bug = find(name.sub(0, at));
    if (bug == nullptr) return FAIL(bad_arguments, "no injected bug has the name that inject= gives");
    if (core >= context.args.core_count)
        return FAIL(bad_arguments, "the core that inject= gives does not exist", core,
                    context.args.core_count);
    rstate::Error error;
    run_on_core(static_cast<u32>(core), context.args.core_count, [&] {
        auto done = run_and_check_leaks(*bug, context);
        error = done.take_error(); // made on that core, reported by this one
    });
    return WRAP(std::move(error), "injecting a bug on a core", core);
}
RL_MODE("inject", inject);

} // namespace

} // namespace kernel
