// targets/runtime/string.c — the str* functions the target calls, checked against the shadow.
//
// Each function first reads, then checks what it has read, then checks and writes, as AddressSanitizer's
// interceptors do: a string without a terminator is reported with the address where its block ends.
#include "targets/runtime/runtime.h"

typedef u64 word __attribute__((aligned(1), may_alias));

static inline u64 length_of(const char *s, u64 limit) {
    u64 i = 0;
    while (i < limit && s[i]) i++;
    return i;
}

static inline u8 lower(char c) { return (u8)(c >= 'A' && c <= 'Z' ? c + 32 : c); }

static inline u64 check_string(struct site site, const char *s, u64 limit) {
    const u64 length = length_of(s, limit);
    rl_check(site, s, length < limit ? length + 1 : limit, rl_access_read);
    return length;
}

static inline u64 check_whole(struct site site, const char *s) { return check_string(site, s, INT64_MAX); }

size_t strlen(const char *s) { return check_whole(CALLER(), s); }
size_t strnlen(const char *s, size_t limit) { return check_string(CALLER(), s, limit); }

static inline char *put(struct site site, char *to, const char *from, u64 bytes) {
    if (UNLIKELY((u64)to < (u64)from + bytes && (u64)from < (u64)to + bytes))
        rl_report_kind(site, rl_kind_param_overlap, (u64)to, bytes, "a string copied onto itself");
    rl_check(site, to, bytes, rl_access_write);
    rl_copy(to, from, bytes);
    return to;
}

char *strcpy(char *restrict to, const char *restrict from) {
    return put(CALLER(), to, from, check_whole(CALLER(), from) + 1);
}

char *stpcpy(char *restrict to, const char *restrict from) {
    const u64 length = check_whole(CALLER(), from);
    return put(CALLER(), to, from, length + 1) + length;
}

static inline u64 copy_bounded(struct site site, char *to, const char *from, u64 limit) {
    const u64 length = check_string(site, from, limit);
    rl_check(site, to, limit, rl_access_write);
    rl_copy(to, from, length);
    rl_fill(to + length, 0, limit - length);
    return length;
}

char *strncpy(char *restrict to, const char *restrict from, size_t limit) {
    copy_bounded(CALLER(), to, from, limit);
    return to;
}

char *stpncpy(char *restrict to, const char *restrict from, size_t limit) {
    return to + copy_bounded(CALLER(), to, from, limit);
}

static inline char *append(struct site site, char *to, const char *from, u64 limit) {
    const u64 length = check_string(site, from, limit), old = check_whole(site, to);
    rl_check(site, to + old, length + 1, rl_access_write);
    rl_copy(to + old, from, length);
    to[old + length] = 0;
    return to;
}
char *strcat(char *restrict to, const char *restrict from) { return append(CALLER(), to, from, INT64_MAX); }
char *strncat(char *restrict to, const char *restrict from, size_t limit) {
    return append(CALLER(), to, from, limit);
}

// Reads both strings up to the first difference or end, and checks only what it has read.
static inline int compare(struct site site, const char *a, const char *b, u64 limit, bool fold) {
    u64 i = 0;
    u8 x = 0, y = 0;
    for (; i < limit; i++) {
        x = fold ? lower(a[i]) : (u8)a[i];
        y = fold ? lower(b[i]) : (u8)b[i];
        if (x != y || !x) break;
    }
    const u64 read = i < limit ? i + 1 : limit;
    rl_check(site, a, read, rl_access_read);
    rl_check(site, b, read, rl_access_read);
    if (UNLIKELY(rl_hot.recording) && x != y) {
        const u64 left = length_of(a, limit), right = length_of(b, limit);
        rl_compared(site.pc, a, b, left < right ? left : right);
    }
    return i < limit ? x - y : 0;
}
int strcmp(const char *a, const char *b) { return compare(CALLER(), a, b, INT64_MAX, false); }
int strncmp(const char *a, const char *b, size_t limit) { return compare(CALLER(), a, b, limit, false); }
int strcasecmp(const char *a, const char *b) { return compare(CALLER(), a, b, INT64_MAX, true); }
int strncasecmp(const char *a, const char *b, size_t limit) { return compare(CALLER(), a, b, limit, true); }

static inline char *find(struct site site, const char *s, int value) {
    u64 i = 0;
    while (s[i] && s[i] != (char)value) i++;
    rl_check(site, s, i + 1, rl_access_read);
    return (char *)(u64)(s + i);
}

char *strchrnul(const char *s, int value) { return find(CALLER(), s, value); }

char *strchr(const char *s, int value) {
    char *const at = find(CALLER(), s, value);
    return *at == (char)value ? at : NULL;
}
char *index(const char *s, int value) {
    char *const at = find(CALLER(), s, value);
    return *at == (char)value ? at : NULL;
}

static inline char *find_last(struct site site, const char *s, int value) {
    for (u64 i = check_whole(site, s) + 1; i-- > 0;)
        if (s[i] == (char)value) return (char *)(u64)(s + i);
    return NULL;
}
char *strrchr(const char *s, int value) { return find_last(CALLER(), s, value); }
char *rindex(const char *s, int value) { return find_last(CALLER(), s, value); }

static inline char *find_string(struct site site, const char *s, const char *what, bool fold) {
    const u64 size = check_whole(site, s), length = check_whole(site, what);
    if (UNLIKELY(rl_hot.recording) && length && length <= size) rl_compared(site.pc, s, what, length);
    for (u64 at = 0; at + length <= size; at++) {
        u64 i = 0;
        while (i < length && (fold ? lower(s[at + i]) == lower(what[i]) : s[at + i] == what[i])) i++;
        if (i == length) return (char *)(u64)(s + at);
        spend(1);
    }
    return NULL;
}
char *strstr(const char *s, const char *what) { return find_string(CALLER(), s, what, false); }
char *strcasestr(const char *s, const char *what) { return find_string(CALLER(), s, what, true); }

// The number of characters at the start of s that are (or are not) in the set.
static inline u64 span(struct site site, const char *s, const char *set, bool member) {
    bool in[256] = {false};
    const u64 size = check_whole(site, set);
    for (u64 i = 0; i < size; i++) in[(u8)set[i]] = true;
    u64 i = 0;
    while (s[i] && in[(u8)s[i]] == member) i++;
    rl_check(site, s, i + 1, rl_access_read);
    return i;
}
size_t strspn(const char *s, const char *set) { return span(CALLER(), s, set, true); }
size_t strcspn(const char *s, const char *set) { return span(CALLER(), s, set, false); }
char *strpbrk(const char *s, const char *set) {
    const u64 at = span(CALLER(), s, set, false);
    return s[at] ? (char *)(u64)(s + at) : NULL;
}

static inline char *duplicate(struct site site, const char *s, u64 limit) {
    const u64 length = check_string(site, s, limit);
    char *const copy = rl_allocate(length + 1, 16, family_malloc, site);
    if (!copy) return NULL;
    rl_copy(copy, s, length);
    copy[length] = 0;
    return copy;
}
char *strdup(const char *s) { return duplicate(CALLER(), s, INT64_MAX); }
char *strndup(const char *s, size_t limit) { return duplicate(CALLER(), s, limit); }
