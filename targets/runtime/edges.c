// targets/runtime/edges.c — the code that runs at each edge of the target, and the check of each comparison.
//
// Compiled to bitcode and inlined into the target, by the linker or, one object at a time, by raclette-cc: an
// edge then costs three instructions (clang's own counter increment and the two of pass_edge) and no
// register, a comparison two while operands are not recorded. Callers that are not compiled so find the same
// functions in callbacks.c.
#pragma GCC visibility push(                                                                                 \
    hidden) // of this program's own runtime, also where the program is a shared library
#include "targets/runtime/runtime.h"

// gnu_inline: nothing remains of it where nothing has inlined it.
#define HOOK extern inline __attribute__((used, gnu_inline, always_inline)) void

HOOK __sanitizer_cov_trace_pc(void) { pass_edge(); }

// preserve_most keeps the caller's registers, so that the cold call adds nothing to the hot path.
__attribute__((preserve_most)) void rl_compare(u64 a, u64 b, u32 size);
__attribute__((preserve_most)) void rl_compare_constant(u64 constant, u64 b, u32 size);
__attribute__((preserve_most)) void rl_compare_switch(u64 value, const u64 *cases);

#define COMPARISONS(bytes, type)                                                                             \
    HOOK __sanitizer_cov_trace_cmp##bytes(type a, type b) {                                                  \
        if (UNLIKELY(rl_hot.recording)) rl_compare(a, b, bytes);                                             \
    }                                                                                                        \
    HOOK __sanitizer_cov_trace_const_cmp##bytes(type constant, type b) {                                     \
        if (UNLIKELY(rl_hot.recording)) rl_compare_constant(constant, b, bytes);                             \
    }
COMPARISONS(1, u8)
COMPARISONS(2, u16)
COMPARISONS(4, u32)
COMPARISONS(8, u64)

HOOK __sanitizer_cov_trace_switch(u64 value, const u64 *cases) {
    if (UNLIKELY(rl_hot.recording)) rl_compare_switch(value, cases);
}

// CPUID in inline assembly becomes a call of cpuid.c: a macro of the assembler hides the instruction of its
// name in everything that is linked with this module. Bytes instead of LEA, which moves RSP over the caller's
// red zone and back: they mean the same in both syntaxes. The guard is for modules that each have this text.
__asm__(".ifndef rl_cpuid_is_a_macro\n"
        ".set rl_cpuid_is_a_macro, 1\n"
        ".irp name, cpuid, CPUID\n"
        ".macro \\name\n"
        ".byte 0x48, 0x8d, 0x64, 0x24, 0x80\n"
        "call rl_cpuid\n"
        ".byte 0x48, 0x8d, 0xa4, 0x24, 0x80, 0, 0, 0\n"
        ".endm\n"
        ".endr\n"
        ".endif\n");
