// targets/runtime/number.c — strtol and its family: the libc converts, the runtime checks the bytes that it
// read.
//
// The linker's --wrap sends every call here (targets.py lists the names); the libc's own function is
// __real_NAME.
#include "targets/runtime/runtime.h"

// Without digits the end is the start, although blanks and a sign have been read.
static inline void check_number(struct site site, const char *from, const char *end) {
    if (end == from) {
        while (*end == ' ' || (*end >= '\t' && *end <= '\r')) end++;
        if (*end == '+' || *end == '-') end++;
    }
    rl_check(site, from, (u64)(end - from) + 1, rl_access_read);
}

#define INTEGER(name, type)                                                                                  \
    type __real_##name(const char *from, char **end, int base);                                              \
    type __wrap_##name(const char *from, char **end, int base) {                                             \
        char *stop = NULL;                                                                                   \
        const type value = __real_##name(from, &stop, base);                                                 \
        check_number(CALLER(), from, stop ? stop : from);                                                    \
        if (end) *end = stop;                                                                                \
        return value;                                                                                        \
    }
INTEGER(strtol, long)
INTEGER(strtoul, unsigned long)
INTEGER(strtoll, long long)
INTEGER(strtoull, unsigned long long)

#define FLOATING(name, type)                                                                                 \
    type __real_##name(const char *from, char **end);                                                        \
    type __wrap_##name(const char *from, char **end) {                                                       \
        char *stop = NULL;                                                                                   \
        const type value = __real_##name(from, &stop);                                                       \
        check_number(CALLER(), from, stop);                                                                  \
        if (end) *end = stop;                                                                                \
        return value;                                                                                        \
    }
FLOATING(strtof, float)
FLOATING(strtod, double)
FLOATING(strtold, long double)

// A bug in these short forms is still reported in the target: the functions above search its call site.
long strtol(const char *from, char **end, int base);
long long strtoll(const char *from, char **end, int base);
double strtod(const char *from, char **end);

int atoi(const char *from) { return (int)strtol(from, NULL, 10); }
long atol(const char *from) { return strtol(from, NULL, 10); }
long long atoll(const char *from) { return strtoll(from, NULL, 10); }
double atof(const char *from) { return strtod(from, NULL); }
