// targets/runtime/fake_stack.c — heap frames for functions, so that a use of their variables after return is
// found.
//
// Used by targets compiled with -fsanitize-address-use-after-return=always. Frames have one of eleven sizes.
// Each size has 64 KiB, whose frames are used in turn, so a frame stays poisoned for long after its function
// returned. When no frame of a size is free, the function uses the real stack, which is not checked after its
// return.
#include "targets/runtime/leaks.h"

enum { classes = 11, smallest_shift = 6, class_shift = 16 };

COLD static u8 frames[classes][1 << class_shift] __attribute__((aligned(4096)));
COLD static u8 taken[classes][1 << (class_shift - smallest_shift)];
static u16 next_frame[classes];

// 0: never. Read by code compiled for the other mode, which decides at run time.
int __asan_option_detect_stack_use_after_return = 0;

static inline u64 take(u32 class) {
    const u32 shift = smallest_shift + class, count = 1u << (class_shift - shift);
    for (u32 tries = 0; tries < count; tries++) {
        const u32 i = next_frame[class];
        next_frame[class] = (u16)((i + 1) & (count - 1));
        if (taken[class][i]) continue;
        taken[class][i] = 1;
        const u64 frame = (u64)&frames[class][i << shift];
        rl_fill(shadow_of(frame), 0, 1ull << (shift - 3));
        *(u8 **)(frame + (1ull << shift) - 8) =
            &taken[class][i]; // inline code clears this flag to release the frame
        return frame;
    }
    return 0;
}

static inline void give_back(u64 frame, u32 class) {
    const u32 shift = smallest_shift + class;
    rl_fill(shadow_of(frame), shadow_stack_returned, 1ull << (shift - 3));
    **(u8 **)(frame + (1ull << shift) - 8) = 0;
}

#define CLASS(n)                                                                                             \
    u64 __asan_stack_malloc_##n(u64 size) { return (void)size, take(n); }                                    \
    u64 __asan_stack_malloc_always_##n(u64 size) { return (void)size, take(n); }                             \
    void __asan_stack_free_##n(u64 frame, u64 size) { (void)size, give_back(frame, n); }
CLASS(0)
CLASS(1)
CLASS(2)
CLASS(3)
CLASS(4)
CLASS(5)
CLASS(6)
CLASS(7)
CLASS(8)
CLASS(9)
CLASS(10)

// The start of the frame that holds the address, or 0.
u64 rl_fake_frame(u64 address) {
    const u64 at = address - (u64)frames;
    if (at >= sizeof(frames)) return 0;
    return address & ~((1ull << (smallest_shift + (at >> class_shift))) - 1);
}

u64 rl_fake_frame_size(u64 address) {
    return 1ull << (smallest_shift + ((address - (u64)frames) >> class_shift));
}

// A target that switches stacks by itself asks for these.
void *__asan_get_current_fake_stack(void) { return frames; }
void *__asan_addr_is_in_fake_stack(void *fake_stack, void *address, void **begin, void **end) {
    const u64 frame = fake_stack ? rl_fake_frame((u64)address) : 0;
    if (!frame) return NULL;
    if (begin) *begin = (void *)frame;
    if (end) *end = (void *)(frame + rl_fake_frame_size(frame));
    return (void *)frame;
}

void rl_each_taken_frame(void (*visit)(u64 begin, u64 end)) {
    for (u32 class = 0; class < classes; class ++) {
        const u32 shift = smallest_shift + class;
        for (u32 i = 0; i < 1u << (class_shift - shift); i++)
            if (taken[class][i])
                visit((u64)&frames[class][i << shift], (u64)&frames[class][i << shift] + (1u << shift));
    }
}
