// tests/kernel/faults/inject.h — what the injected bugs share: heap blocks at chosen places, and accesses
// that the compiler cannot optimise away.
#pragma once

#include "kernel/smp/jobs.h"
#include "kernel/world.h"
#include "tests/kernel/faults/injected_bugs.h"

namespace kernel {

template <class T> T *opaque(T *pointer) {
    T *volatile hidden = pointer;
    return hidden;
}
inline volatile u8 *byte_at(u64 address) { return opaque(reinterpret_cast<volatile u8 *>(address)); }

enum class Touch { read, write };
template <Touch touch> [[gnu::always_inline]] inline void touch_byte(volatile u8 *byte) {
    if constexpr (touch == Touch::read)
        static_cast<void>(*byte);
    else
        *byte = 1;
}

// The caller's line is the allocation's site.
inline rstate::Result<volatile u8 *> make_block(PageHeap &heap, u64 size, u64 alignment = 1,
                                                const char *file = __builtin_FILE(),
                                                u32 line = __builtin_LINE()) {
    const mm::AllocationSite site{"victim", file, "", line};
    return opaque(
        pointer_to<volatile u8>(TRY(heap.allocate(size, alignment, site), "allocating a victim", size)));
}

// The caller is the site of the free.
[[gnu::noinline]] inline void free_block(PageHeap &heap, volatile u8 *block, u64 size) {
    heap.free(virt_of(const_cast<u8 *>(block)), size, __builtin_return_address(0));
}

// Runs on one core, while the others wait. On core 0 it is not within a job, so it may start one.
template <class Function> void run_on_core(u32 core, u32 cores, Function &&function) {
    if (core == 0) return function();
    struct Context {
        u32 core;
        Function &function;
    } context{core, function};
    run_on_cores(cores, {[](void *given) {
                             auto &its = *static_cast<Context *>(given);
                             if (current_core() == its.core) its.function();
                         },
                         &context});
}

} // namespace kernel
