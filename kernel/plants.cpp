// kernel/plants.cpp — see plants.h.
#include "kernel/plants.h"

#include "kernel/jobs.h"
#include "kernel/target.h"
#include "kernel/tiny_guest.h"
#include "svm/plant.h"

namespace kernel {

namespace {

rstate::Result<> refused_vmrun(const TestContext &) {
    constexpr u8 vmmcall[] = {0x0F, 0x01, 0xD9};
    auto core = TRY(start_svm(), "switching SVM on");
    TinyGuest guest = TRY(TinyGuest::make(*core, vmmcall), "making a guest");
    svm::Plant(guest.machine()).refused_by_the_processor();
    TRY(guest.machine().run(), "running a guest whose VMCB is broken");
    return rstate::done();
}

// The compiler must not see through what is planted.
template <class T> T *opaque(T *pointer) {
    T *volatile hidden = pointer;
    return hidden;
}

rstate::Result<volatile u8 *> block_of(u64 size) {
    constexpr mm::AllocationSite site{"bytes", "kernel/plants.cpp", "block_of", 0};
    return opaque(pointer_to<volatile u8>(TRY(world->heap.allocate(size, 1, site), "allocating")));
}

rstate::Result<> use_after_free(const TestContext &) {
    volatile u8 *block = TRY(block_of(100), "making a block");
    world->heap.free(virt_of(const_cast<u8 *>(block)), 100, __builtin_return_address(0));
    block[5] = 1;
    return rstate::done();
}

rstate::Result<> overflow(const TestContext &) {
    volatile u8 *block =
        TRY(block_of(page_size), "making a block"); // a whole page: either placement ends at its end
    block[page_size] = 1;
    return rstate::done();
}

rstate::Result<> double_free(const TestContext &) {
    volatile u8 *block = TRY(block_of(100), "making a block");
    for (u32 i = 0; i < 2; ++i)
        world->heap.free(virt_of(const_cast<u8 *>(block)), 100, __builtin_return_address(0));
    return rstate::done();
}

rstate::Result<> null_write(const TestContext &) {
    *opaque(reinterpret_cast<volatile u8 *>(0x18)) = 1;
    return rstate::done();
}

rstate::Result<> code_write(const TestContext &context) {
    *opaque(reinterpret_cast<volatile u8 *>(context.args.kernel_base)) = 1;
    return rstate::done();
}

rstate::Result<> non_canonical_read(const TestContext &) {
    static_cast<void>(*opaque(reinterpret_cast<volatile u8 *>(mm::fresh_word)));
    return rstate::done();
}

[[gnu::noinline]] u64 recurse(u64 depth) {
    volatile u8 frame[1000] = {};
    frame[depth % sizeof frame] = 1;
    return depth == ~0ul ? 0 : recurse(depth + 1) + frame[0];
}
rstate::Result<> stack_overflow(const TestContext &) {
    if (recurse(0) == 1) return FAIL(test_failed, "the stack did not overflow");
    return rstate::done();
}

rstate::Result<> failed_check(const TestContext &context) {
    CHECK(context.args.core_count > max_cores, "this is planted", context.args.core_count, max_cores);
    return rstate::done();
}

rstate::Result<> failed_check_on_the_last_core(const TestContext &context) {
    run_on_cores(context.args.core_count, {[](void *count) {
                                               const u32 cores = *static_cast<const u32 *>(count);
                                               if (current_core() != cores - 1)
                                                   for (;;) cpu::pause();
                                               CHECK(cores > max_cores, "this is planted on the last core",
                                                     cores);
                                           },
                                           const_cast<u32 *>(&context.args.core_count)});
    return rstate::done();
}

rstate::Result<> dropped_error(const TestContext &) {
    { rstate::Result<> result = FAIL(test_failed, "an error that nobody looks at"); }
    return FAIL(test_failed, "the end of a planted failure", rstate::dropped_errors());
}

constexpr Test plants[] = {
    {"vmrun", refused_vmrun},
    {"use-after-free", use_after_free},
    {"overflow", overflow},
    {"double-free", double_free},
    {"null-write", null_write},
    {"code-write", code_write},
    {"non-canonical-read", non_canonical_read},
    {"stack-overflow", stack_overflow},
    {"check", failed_check},
    {"check-on-last-core", failed_check_on_the_last_core},
    {"dropped-error", dropped_error},
};

} // namespace

rstate::Result<> plant(Text name, const TestContext &context) {
    for (const Test &planted : plants)
        if (name == planted.name) {
            TRY(planted.run(context), "doing what was planted", planted.name);
            return FAIL(test_failed, "a planted failure did not fail", planted.name);
        }
    return FAIL(bad_arguments, "there is no plant of this name");
}

} // namespace kernel
