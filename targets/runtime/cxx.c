// targets/runtime/cxx.c — for C++ targets only: operator new and delete, and uncaught exceptions.
//
// C with the Itanium ABI's names, so that no header of the C++ library is needed.
#include "targets/runtime/runtime.h"

_Noreturn void throw_bad_alloc(void) __asm__("_ZSt17__throw_bad_allocv");
typedef void (*handler)(void);
handler set_terminate(handler) __asm__("_ZSt13set_terminatePFvvE");
struct type_info {
    const void *vtable;
    const char *name;
};
const struct type_info *__cxa_current_exception_type(void);

static void *or_throw(void *p) {
    if (UNLIKELY(!p)) throw_bad_alloc();
    return p;
}

enum { usual_alignment = 16 };
#define NEW(symbol, family, parameters, alignment, result)                                                   \
    void *new_##symbol parameters __asm__("_Zn" #symbol);                                                    \
    void *new_##symbol parameters { return result(rl_allocate(size, alignment, family, CALLER())); }
#define DELETE(symbol, family, parameters)                                                                   \
    void delete_##symbol parameters __asm__("_Zd" #symbol);                                                  \
    void delete_##symbol parameters { rl_free(p, family, CALLER()); }

NEW(wm, family_new, (u64 size), usual_alignment, or_throw)
NEW(am, family_new_array, (u64 size), usual_alignment, or_throw)
NEW(wmRKSt9nothrow_t, family_new, (u64 size, const void *t __attribute__((unused))), usual_alignment, )
NEW(amRKSt9nothrow_t, family_new_array, (u64 size, const void *t __attribute__((unused))), usual_alignment, )
NEW(wmSt11align_val_t, family_new, (u64 size, u64 alignment), alignment, or_throw)
NEW(amSt11align_val_t, family_new_array, (u64 size, u64 alignment), alignment, or_throw)
NEW(wmSt11align_val_tRKSt9nothrow_t, family_new, (u64 size, u64 alignment), alignment, )
NEW(amSt11align_val_tRKSt9nothrow_t, family_new_array, (u64 size, u64 alignment), alignment, )
DELETE(lPv, family_new, (void *p))
DELETE(aPv, family_new_array, (void *p))
DELETE(lPvm, family_new, (void *p))
DELETE(aPvm, family_new_array, (void *p))
DELETE(lPvRKSt9nothrow_t, family_new, (void *p))
DELETE(aPvRKSt9nothrow_t, family_new_array, (void *p))
DELETE(lPvSt11align_val_t, family_new, (void *p))
DELETE(aPvSt11align_val_t, family_new_array, (void *p))
DELETE(lPvmSt11align_val_t, family_new, (void *p))
DELETE(aPvmSt11align_val_t, family_new_array, (void *p))

// The library's frames between the throw and here have no frame pointers, so the report starts at the throw.
static void uncaught(void) {
    const struct type_info *const type = __cxa_current_exception_type();
    const struct site thrown = {rl_hot.noreturn_pc, rl_hot.noreturn_sp, rl_hot.noreturn_bp};
    const bool known = type && thrown.pc;
    char text[RL_REPORT_TEXT] = {0};
    rl_append(text, type ? "uncaught exception of type " : "std::terminate was called");
    if (type) rl_append(text, type->name + (type->name[0] == '*'));
    rl_report_kind(known ? thrown : CALLER(), rl_kind_uncaught_exception, 0, 0, text);
}

// libgcc sorts all unwinding tables when the first exception is thrown, which takes millions of instructions.
// A lookup of any function makes it sort before the snapshot rather than in every case.
const void *_Unwind_Find_FDE(const void *pc, void *bases[3]);

__attribute__((constructor)) static void prepare_exceptions(void) {
    void *bases[3];
    _Unwind_Find_FDE((const void *)prepare_exceptions, bases);
    set_terminate(uncaught);
}
