// targets/runtime/ubsan.c — the functions that UBSan's checks call when a program is compiled with
// -fsanitize=undefined and without traps. Each makes the message that UBSan's own runtime prints; it becomes
// the report's text.
//
// Two forms of each handler: NAME, where the program may go on, and NAME_abort. A check of what the language
// defines (an unsigned overflow, an implicit conversion) only says so in the first form; every other one ends
// the case in both, unless the target sets halt_on_error=0.
#include "targets/runtime/ubsan.h"

enum recover { recover_never, recover_undefined, recover_defined };

static const char *current_message;
static struct location current_location;

WEAK void __ubsan_on_report(void);
WEAK void __ubsan_on_report(void) {}

// For debuggers and for __ubsan_on_report.
void __ubsan_get_current_report_data(const char **kind, const char **message, const char **file, u32 *line,
                                     u32 *column, char **address) {
    *kind = "undefined-behavior";
    *message = current_message ? current_message : "";
    *file = current_location.file;
    *line = current_location.line;
    *column = current_location.column;
    *address = NULL;
}

struct message {
    struct text text;
    char room[RL_REPORT_TEXT];
};

static void begin(struct message *m, const struct location *at) {
    m->text = text_in(m->room, sizeof(m->room));
    text_add(&m->text, at->file ? at->file : "<unknown>");
    if (at->line) {
        text_character(&m->text, ':');
        text_unsigned(&m->text, at->line);
        if (at->column) text_character(&m->text, ':'), text_unsigned(&m->text, at->column);
    }
    text_add(&m->text, ": runtime error: ");
}

// Whether this place has not been reported yet; the compiler keeps locations in writable memory for this.
static bool take(struct location *at, struct location *taken) {
    *taken = *at;
    at->column = UINT32_MAX;
    return taken->column != UINT32_MAX;
}

static void finish(struct site site, struct message *m, enum recover recover, u64 address,
                   const struct location *at) {
    current_message = m->room;
    current_location = *at;
    __ubsan_on_report();
    const bool ends =
        recover == recover_never || (recover == recover_undefined && rl_options.halt_on_undefined);
    if (ends) rl_report_kind(site, rl_kind_undefined_behaviour, address, 0, m->room);
    rl_say(m->room);
    rl_say("\n");
}

#define BEGIN(where)                                                                                         \
    struct location at;                                                                                      \
    struct message m;                                                                                        \
    if (!take(where, &at) && recover != recover_never) return;                                               \
    begin(&m, &at)
#define ADD(more) text_add(&m.text, more)
#define ADD_VALUE(type, v) text_value(&m.text, type, v)
#define ADD_POINTER(v) text_pointer(&m.text, v)
#define ADD_NUMBER(v) text_unsigned(&m.text, v)
#define END(address) finish(site, &m, recover, address, &at)

// The two functions of a handler: `parameters` and `arguments` as (type name, ...) and (, name, ...).
#define HANDLER(name, parameters, arguments)                                                                 \
    void __ubsan_handle_##name parameters {                                                                  \
        const struct site site = CALLER();                                                                   \
        const enum recover recover = recover_undefined;                                                      \
        handle_##name arguments;                                                                             \
    }                                                                                                        \
    void __ubsan_handle_##name##_abort parameters {                                                          \
        const struct site site = CALLER();                                                                   \
        const enum recover recover = recover_never;                                                          \
        handle_##name arguments;                                                                             \
    }
#define HANDLE(name, ...) static void handle_##name(struct site site, enum recover recover, __VA_ARGS__)

// --- arithmetic
struct overflow {
    struct location at;
    const struct type *type;
};

static enum recover unless_defined(enum recover recover, bool defined) {
    return recover == recover_undefined && defined ? recover_defined : recover;
}

static void overflow(struct site site, enum recover recover, struct overflow *data, const char *operation,
                     value left, value right) {
    const bool of_signed = is_signed(data->type);
    recover = unless_defined(recover, !of_signed);
    if (!of_signed && rl_options.silence_unsigned_overflow && recover != recover_never) return;
    BEGIN(&data->at);
    ADD(of_signed ? "signed integer overflow: " : "unsigned integer overflow: ");
    ADD_VALUE(data->type, left);
    ADD(operation);
    ADD_VALUE(data->type, right);
    ADD(" cannot be represented in type ");
    ADD(data->type->name);
    END(0);
}
#define OVERFLOW(name, operation)                                                                            \
    HANDLE(name, struct overflow *data, value left, value right) {                                           \
        overflow(site, recover, data, operation, left, right);                                               \
    }                                                                                                        \
    HANDLER(name, (struct overflow * data, value left, value right), (site, recover, data, left, right))
OVERFLOW(add_overflow, " + ")
OVERFLOW(sub_overflow, " - ")
OVERFLOW(mul_overflow, " * ")

HANDLE(negate_overflow, struct overflow *data, value old) {
    const bool of_signed = is_signed(data->type);
    recover = unless_defined(recover, !of_signed);
    if (!of_signed && rl_options.silence_unsigned_overflow && recover != recover_never) return;
    BEGIN(&data->at);
    ADD("negation of ");
    ADD_VALUE(data->type, old);
    ADD(" cannot be represented in type ");
    ADD(data->type->name);
    if (of_signed) ADD("; cast to an unsigned type to negate this value to itself");
    END(0);
}
HANDLER(negate_overflow, (struct overflow * data, value old), (site, recover, data, old))

HANDLE(divrem_overflow, struct overflow *data, value left, value right) {
    BEGIN(&data->at);
    if (is_signed(data->type) && signed_value(data->type, right) == -1) {
        ADD("division of ");
        ADD_VALUE(data->type, left);
        ADD(" by -1 cannot be represented in type ");
        ADD(data->type->name);
    } else {
        ADD("division by zero");
    }
    END(0);
}
HANDLER(divrem_overflow, (struct overflow * data, value left, value right),
        (site, recover, data, left, right))

struct shift {
    struct location at;
    const struct type *left, *right;
};
HANDLE(shift_out_of_bounds, struct shift *data, value left, value right) {
    BEGIN(&data->at);
    const bool negative = is_negative(data->right, right);
    if (negative || signed_value(data->right, right) >= width(data->left)) {
        ADD("shift exponent ");
        ADD_VALUE(data->right, right);
        if (negative) {
            ADD(" is negative");
        } else {
            ADD(" is too large for ");
            ADD_NUMBER(width(data->left));
            ADD("-bit type ");
            ADD(data->left->name);
        }
    } else if (is_negative(data->left, left)) {
        ADD("left shift of negative value ");
        ADD_VALUE(data->left, left);
    } else {
        ADD("left shift of ");
        ADD_VALUE(data->left, left);
        ADD(" by ");
        ADD_VALUE(data->right, right);
        ADD(" places cannot be represented in type ");
        ADD(data->left->name);
    }
    END(0);
}
HANDLER(shift_out_of_bounds, (struct shift * data, value left, value right),
        (site, recover, data, left, right))

// --- conversions
struct conversion {
    struct location at;
    const struct type *from, *to;
    u8 kind;
};
HANDLE(float_cast_overflow, struct conversion *data, value from) {
    BEGIN(&data->at);
    ADD_VALUE(data->from, from);
    ADD(" is outside the range of representable values of type ");
    ADD(data->to->name);
    END(0);
}
HANDLER(float_cast_overflow, (struct conversion * data, value from), (site, recover, data, from))

static void add_side(struct message *m, const struct type *type) {
    text_add(&m->text, " (");
    text_unsigned(&m->text, width(type));
    text_add(&m->text, is_signed(type) ? "-bit, signed)" : "-bit, unsigned)");
}
HANDLE(implicit_conversion, struct conversion *data, value from, value to) {
    recover = unless_defined(recover, true);
    BEGIN(&data->at);
    ADD("implicit conversion from type ");
    ADD(data->from->name);
    ADD(" of value ");
    ADD_VALUE(data->from, from);
    add_side(&m, data->from);
    ADD(" to type ");
    ADD(data->to->name);
    ADD(" changed the value to ");
    ADD_VALUE(data->to, to);
    add_side(&m, data->to);
    END(0);
}
HANDLER(implicit_conversion, (struct conversion * data, value from, value to),
        (site, recover, data, from, to))

HANDLE(load_invalid_value, struct overflow *data, value v) {
    BEGIN(&data->at);
    ADD("load of value ");
    ADD_VALUE(data->type, v);
    ADD(", which is not a valid value for type ");
    ADD(data->type->name);
    END(0);
}
HANDLER(load_invalid_value, (struct overflow * data, value v), (site, recover, data, v))

// --- pointers
static const char *const checks[] = {"load of",
                                     "store to",
                                     "reference binding to",
                                     "member access within",
                                     "member call on",
                                     "constructor call on",
                                     "downcast of",
                                     "downcast of",
                                     "upcast of",
                                     "cast to virtual base of",
                                     "_Nonnull binding to",
                                     "dynamic operation on"};
static const char *check_name(u8 kind) {
    return kind < sizeof(checks) / sizeof(checks[0]) ? checks[kind] : "use of";
}

struct mismatch {
    struct location at;
    const struct type *type;
    u8 alignment_shift, check;
};
HANDLE(type_mismatch_v1, struct mismatch *data, value pointer) {
    const u64 alignment = 1ull << data->alignment_shift;
    BEGIN(&data->at);
    ADD(check_name(data->check));
    if (!pointer) {
        ADD(" null pointer of type ");
        ADD(data->type->name);
    } else if (pointer & (alignment - 1)) {
        ADD(" misaligned address ");
        ADD_POINTER(pointer);
        ADD(" for type ");
        ADD(data->type->name);
        ADD(", which requires ");
        ADD_NUMBER(alignment);
        ADD(" byte alignment");
    } else {
        ADD(" address ");
        ADD_POINTER(pointer);
        ADD(" with insufficient space for an object of type ");
        ADD(data->type->name);
    }
    END(pointer);
}
HANDLER(type_mismatch_v1, (struct mismatch * data, value pointer), (site, recover, data, pointer))

struct assumption {
    struct location at, assumed_at;
    const struct type *type;
};
HANDLE(alignment_assumption, struct assumption *data, value pointer, value alignment, value offset) {
    BEGIN(&data->at);
    ADD("assumption of ");
    ADD_NUMBER(alignment);
    ADD(" byte alignment ");
    if (offset) {
        ADD("(with offset of ");
        ADD_NUMBER(offset);
        ADD(" byte) ");
    }
    ADD("for pointer of type ");
    ADD(data->type->name);
    ADD(" failed");
    END(pointer);
}
HANDLER(alignment_assumption, (struct assumption * data, value pointer, value alignment, value offset),
        (site, recover, data, pointer, alignment, offset))

static void add_offset(struct message *m, value base, value result) {
    if (!base && !result) return text_add(&m->text, "applying zero offset to null pointer");
    if (!base || !result) {
        text_add(&m->text,
                 base ? "applying non-zero offset to non-null pointer " : "applying non-zero offset ");
        if (base)
            text_pointer(&m->text, base);
        else
            text_unsigned(&m->text, result);
        return text_add(&m->text, base ? " produced null pointer" : " to null pointer");
    }
    if (((i64)base >= 0) != ((i64)result >= 0))
        text_add(&m->text, "pointer index expression with base ");
    else
        text_add(&m->text,
                 base > result ? "addition of unsigned offset to " : "subtraction of unsigned offset from ");
    text_pointer(&m->text, base);
    text_add(&m->text, " overflowed to ");
    text_pointer(&m->text, result);
}
struct only_location {
    struct location at;
};
HANDLE(pointer_overflow, struct only_location *data, value base, value result) {
    BEGIN(&data->at);
    add_offset(&m, base, result);
    END(base);
}
HANDLER(pointer_overflow, (struct only_location * data, value base, value result),
        (site, recover, data, base, result))

struct bounds {
    struct location at;
    const struct type *array, *index;
};
HANDLE(out_of_bounds, struct bounds *data, value index) {
    BEGIN(&data->at);
    ADD("index ");
    ADD_VALUE(data->index, index);
    ADD(" out of bounds for type ");
    ADD(data->array->name);
    END(0);
}
HANDLER(out_of_bounds, (struct bounds * data, value index), (site, recover, data, index))

HANDLE(vla_bound_not_positive, struct overflow *data, value bound) {
    BEGIN(&data->at);
    ADD("variable length array bound evaluates to non-positive value ");
    ADD_VALUE(data->type, bound);
    END(0);
}
HANDLER(vla_bound_not_positive, (struct overflow * data, value bound), (site, recover, data, bound))

// --- calls and returns
static void plain(struct site site, enum recover recover, struct location *where, const char *text) {
    BEGIN(where);
    ADD(text);
    END(0);
}
// These never return, so they have one form.
void __ubsan_handle_builtin_unreachable(struct only_location *data) {
    plain(CALLER(), recover_never, &data->at, "execution reached an unreachable program point");
}
void __ubsan_handle_missing_return(struct only_location *data) {
    plain(CALLER(), recover_never, &data->at,
          "execution reached the end of a value-returning function without returning a value");
}

HANDLE(nonnull_return_v1, struct location *where) {
    plain(site, recover, where, "null pointer returned from function declared to never return null");
}
HANDLE(nullability_return_v1, struct location *where) { handle_nonnull_return_v1(site, recover, where); }
HANDLER(nonnull_return_v1, (void *attribute __attribute__((unused)), struct location *where),
        (site, recover, where))
HANDLER(nullability_return_v1, (void *attribute __attribute__((unused)), struct location *where),
        (site, recover, where))

struct argument {
    struct location at, attribute;
    i32 index;
};
HANDLE(nonnull_arg, struct argument *data) {
    BEGIN(&data->at);
    ADD("null pointer passed as argument ");
    text_signed(&m.text, data->index);
    ADD(", which is declared to never be null");
    END(0);
}
HANDLE(nullability_arg, struct argument *data) { handle_nonnull_arg(site, recover, data); }
HANDLER(nonnull_arg, (struct argument * data), (site, recover, data))
HANDLER(nullability_arg, (struct argument * data), (site, recover, data))

struct builtin {
    struct location at;
    u8 kind;
};
HANDLE(invalid_builtin, struct builtin *data) {
    BEGIN(&data->at);
    ADD("passing zero to ");
    ADD(data->kind == 0 ? "ctz()" : "clz()");
    ADD(", which is not a valid argument");
    END(0);
}
HANDLER(invalid_builtin, (struct builtin * data), (site, recover, data))

HANDLE(invalid_objc_cast, struct overflow *data, value pointer) {
    BEGIN(&data->at);
    ADD("invalid ObjC cast, expected a ");
    ADD(data->type->name);
    END(pointer);
}
HANDLER(invalid_objc_cast, (struct overflow * data, value pointer), (site, recover, data, pointer))

HANDLE(function_type_mismatch, struct overflow *data, value function) {
    BEGIN(&data->at);
    ADD("call to function ");
    ADD_POINTER(function);
    ADD(" through pointer to incorrect function type ");
    ADD(data->type->name);
    END(function);
}
HANDLER(function_type_mismatch, (struct overflow * data, value function), (site, recover, data, function))

// With the type_info of what is called and of what is expected; equal ones may have two addresses.
HANDLE(function_type_mismatch_v1, struct overflow *data, value function, const void *called,
       const void *expected) {
    if (!rl_same_type(called, expected)) handle_function_type_mismatch(site, recover, data, function);
}
HANDLER(function_type_mismatch_v1,
        (struct overflow * data, value function, const void *called, const void *expected),
        (site, recover, data, function, called, expected))

// --- C++ objects
struct dynamic {
    struct location at;
    const struct type *type;
    const void *type_info;
    u8 check;
};
enum { cached_types = 128 };
u64 __ubsan_vptr_type_cache[cached_types]; // hashes that passed: the check looks here first

HANDLE(dynamic_type_cache_miss, struct dynamic *data, value pointer, value hash) {
    if (rl_is_object_of(pointer, data->type_info)) {
        __ubsan_vptr_type_cache[hash % cached_types] = hash;
        return;
    }
    BEGIN(&data->at);
    ADD(check_name(data->check));
    ADD(" address ");
    ADD_POINTER(pointer);
    ADD(" which does not point to an object of type ");
    ADD(data->type->name);
    END(pointer);
}
HANDLER(dynamic_type_cache_miss, (struct dynamic * data, value pointer, value hash),
        (site, recover, data, pointer, hash))

struct integrity {
    u8 check;
    struct location at;
    const struct type *type;
};
HANDLE(cfi_check_fail, struct integrity *data, value pointer) {
    BEGIN(&data->at);
    ADD("control flow integrity check for type ");
    ADD(data->type->name);
    ADD(" failed");
    END(pointer);
}
HANDLER(cfi_check_fail, (struct integrity * data, value pointer, u64 valid __attribute__((unused))),
        (site, recover, data, pointer))
