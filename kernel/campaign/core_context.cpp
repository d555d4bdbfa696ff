// kernel/campaign/core_context.cpp — what each core has for itself during a campaign; see core_context.h.
#include "kernel/campaign/core_context.h"

namespace kernel {

rstate::Result<mm::OwnedArray<CoreContext>> make_core_contexts(u32 cores, const fuzz::WorkerSize &size,
                                                               Reporter &reporter) {
    auto contexts =
        TRY(mm::allocate_array<CoreContext>(world->allocator, cores), "allocating the cores' contexts");
    const u32 capacity = fuzz::outbox_capacity(size.max_len);
    const usize bytes = fuzz::Worker::memory(size) + fuzz::Outbox::memory(capacity);
    for (u32 core = 0; core < cores; ++core) {
        CoreContext &context = contexts[core];
        context.memory =
            TRY(mm::allocate_aligned(world->allocator, bytes), "allocating a core's tables", core, bytes);
        fuzz::Arena arena(mm::bytes_of(context.memory).from(fuzz::Worker::memory(size)));
        context.outbox =
            TRY(mm::allocate<fuzz::Outbox>(world->allocator, arena, capacity), "allocating an outbox", core);
        reporter.attach(core, *context.outbox);
    }
    return contexts;
}

rstate::Error take_errors(Span<CoreContext> contexts) {
    rstate::Error all;
    for (CoreContext &context : contexts) {
        if (!context.error.present()) continue;
        all =
            all.present() ? followed_by(std::move(all), std::move(context.error)) : std::move(context.error);
    }
    return all;
}

} // namespace kernel
