// tests/kernel/faults/bugs_pointers.cpp — injected bugs: null, wild, non-canonical and uninitialised
// pointers, and accesses without the permission.
#include "base/log.h"
#include "cpu/lock.h"
#include "tests/kernel/faults/inject.h"

namespace kernel {

namespace {

using enum Touch;

template <u64 address, Touch touch> rstate::Result<> at(const TestContext &) {
    touch_byte<touch>(byte_at(address));
    return rstate::done();
}

rstate::Result<> call(u64 address) {
    opaque(reinterpret_cast<void (*)()>(address))();
    return rstate::done();
}
template <u64 address> rstate::Result<> call_of(const TestContext &) { return call(address); }

template <u64 offset, Touch touch> rstate::Result<> through_fresh_memory(const TestContext &) {
    volatile u8 *victim = TRY(make_block(world->heap, 64, 8), "making a block");
    volatile u8 *const pointer = *reinterpret_cast<volatile u8 *volatile *>(victim + 16);
    touch_byte<touch>(pointer + offset);
    return rstate::done();
}
rstate::Result<> call_through_fresh_memory(const TestContext &) {
    volatile u8 *victim = TRY(make_block(world->heap, 64, 8), "making a block");
    return call(*reinterpret_cast<volatile u64 *>(victim + 16));
}
rstate::Result<> through_slack(const TestContext &) {
    PageHeap heap(world->space, PageHeap::Placement::at_start);
    volatile u8 *victim = TRY(make_block(heap, 64, 8), "making a block");
    touch_byte<read>(*reinterpret_cast<volatile u8 *volatile *>(victim + 64));
    return rstate::done();
}

// A fault under a lock: the handler must not call a pager, and its report takes locks itself.
constinit cpu::SpinLock outer("injected outer", 1), inner("injected inner", 2);
rstate::Result<> under_locks(const TestContext &) {
    const cpu::Guard first(outer), second(inner);
    touch_byte<write>(byte_at(0x18));
    return rstate::done();
}
rstate::Result<> in_a_log_section(const TestContext &) {
    const LogSection together;
    touch_byte<read>(byte_at(0xFFFF'9234'5678'9ABC));
    return rstate::done();
}

// A pager that fails, and one that itself touches a null pointer.
rstate::Result<> through_pager(const mm::Pager &pager) {
    const mm::Range range = TRY(world->space.reserve({1,
                                                      {"lazy", __FILE__, "", __LINE__},
                                                      mm::RangeKind::lazy,
                                                      mm::Owner::heap,
                                                      mm::read_write,
                                                      &pager,
                                                      0,
                                                      0}),
                                "reserving a lazy range");
    touch_byte<read>(byte_at(range.first.value()));
    return rstate::done();
}
rstate::Result<> pager_fails(const TestContext &) {
    return through_pager({nullptr,
                          [](void *, u64 page, u8 *) -> rstate::Result<void> {
                              return FAIL(test_failed, "the injected pager has nothing", page);
                          },
                          nullptr});
}
rstate::Result<> pager_touches_null(const TestContext &) {
    return through_pager({nullptr,
                          [](void *, u64, u8 *) -> rstate::Result<void> {
                              touch_byte<write>(byte_at(0x18));
                              return rstate::done();
                          },
                          nullptr});
}

rstate::Result<> write_code(const TestContext &context) {
    touch_byte<write>(byte_at(context.args.kernel_base));
    return rstate::done();
}
constexpr u8 constant[] = "constant";
rstate::Result<> write_constant(const TestContext &) {
    touch_byte<write>(byte_at(reinterpret_cast<u64>(opaque(constant))));
    return rstate::done();
}
rstate::Result<> write_bundle(const TestContext &context) {
    touch_byte<write>(byte_at(context.args.bundle));
    return rstate::done();
}
rstate::Result<> write_arguments(const TestContext &context) {
    touch_byte<write>(byte_at(reinterpret_cast<u64>(&context.args)));
    return rstate::done();
}
constexpr u8 ret = 0xC3;
rstate::Result<> execute_heap(const TestContext &) {
    volatile u8 *victim = TRY(make_block(world->heap, 64), "making a block");
    *victim = ret;
    return call(reinterpret_cast<u64>(victim));
}
rstate::Result<> execute_stack(const TestContext &) {
    volatile u8 code[16] = {ret};
    return call(reinterpret_cast<u64>(code));
}
rstate::Result<> execute_constant(const TestContext &) { return call(reinterpret_cast<u64>(opaque(&ret))); }

constexpr Test bugs[] = {
    {"null-read", at<0, read>},
    {"null-write", at<0x18, write>},
    {"null-plus-a-page", at<page_size + 1, write>},
    {"null-plus-a-mebibyte", at<1_MiB, read>},
    {"null-minus-8", at<~0ul - 7, read>},
    {"null-call", call_of<0>},
    {"null-write-under-locks", under_locks},
    {"wild-read-in-a-log-section", in_a_log_section},
    {"pager-fails", pager_fails},
    {"pager-touches-null", pager_touches_null},
    {"wild-low-half", at<0x0000'1234'5678'9ABC, write>},
    {"wild-high-half", at<0xFFFF'9234'5678'9ABC, read>},
    {"wild-call", call_of<0x0000'2345'6789'A000>},
    {"non-canonical-read", at<0x1234'5678'9ABC'DEF0, read>},
    {"non-canonical-write", at<0x8000'0000'0000'0000, write>},
    {"fresh-memory-read", through_fresh_memory<0, read>},
    {"fresh-memory-write-with-offset", through_fresh_memory<0x40, write>},
    {"fresh-memory-call", call_through_fresh_memory},
    {"slack-as-a-pointer", through_slack},
    {"code-write", write_code},
    {"constant-write", write_constant},
    {"bundle-write", write_bundle},
    {"arguments-write", write_arguments},
    {"heap-execution", execute_heap},
    {"stack-execution", execute_stack},
    {"constant-execution", execute_constant},
};

} // namespace

constinit const BugList pointer_bugs = bugs;

} // namespace kernel
