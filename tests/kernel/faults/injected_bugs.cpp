// tests/kernel/faults/injected_bugs.cpp — see plants.h.
#include "tests/kernel/faults/injected_bugs.h"

#include "kernel/introspect/leak_check.h"
#include "tests/kernel/faults/inject.h"

namespace kernel {

namespace {

const Test *find(Text name) {
    for (const Plants &theme : {heap_plants, free_plants, pointer_plants, stack_plants, frame_plants,
                                lock_plants, error_plants, guest_plants, panic_plants, stuck_plants})
        for (const Test &planted : theme)
            if (name == planted.name) return &planted;
    return nullptr;
}

// What is not told at once is perhaps left over.
rstate::Result<> run_and_take_stock(const Test &planted, const TestContext &context) {
    const Balance before = Balance::now();
    TRY(planted.run(context), "doing what was planted", planted.name);
    TRY(before.all_given_back(), "looking what a planted bug has left behind", planted.name);
    return FAIL(test_failed, "a planted bug went unnoticed", planted.name);
}

} // namespace

rstate::Result<> plant(Text name, const TestContext &context) {
    const usize at = name.find('@');
    u64 core = 0;
    if (at != name.size() && !parse_number(name.from(at + 1), core))
        return FAIL(bad_arguments, "a plant's core is a number");
    const Test *planted = find(name.sub(0, at));
    if (planted == nullptr) return FAIL(bad_arguments, "there is no plant of this name");
    if (core >= context.args.core_count)
        return FAIL(bad_arguments, "there is no such core", core, context.args.core_count);
    rstate::Error error;
    run_on_core(static_cast<u32>(core), context.args.core_count, [&] {
        auto done = run_and_take_stock(*planted, context);
        error = done.take_error(); // made on that core, told by this one
    });
    return WRAP(std::move(error), "planting a bug on a core", core);
}

} // namespace kernel
