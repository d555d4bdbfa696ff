// targets/runtime/mutate.c — LLVMFuzzerMutate: one of the usual mutations, for a custom mutator to use on a
// part of its data.
#include "targets/runtime/mutator.h"

static u64 state = 0x9e3779b97f4a7c15;
static const u8 *tokens;
static u64 tokens_size;

// SplitMix64: each seed gives another sequence.
u64 rl_random(void) {
    u64 z = state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}
static u64 below(u64 end) { return rl_random() % end; }
static u8 any_byte(void) { return (u8)rl_random(); }

void rl_seed_mutate(u64 seed, const u8 *new_tokens, u64 new_tokens_size) {
    state = seed;
    tokens = new_tokens;
    tokens_size = new_tokens_size;
}

// What a mutation changes. Each returns the new size, or 0 when it cannot change this data.
struct data {
    u8 *at;
    u64 size, max;
};

static void shift(u8 *to, const u8 *from, u64 size) { __builtin_memmove(to, from, size); }

static u64 insert(struct data d, const u8 *bytes, u64 count) {
    if (!count || count > d.max - d.size) return 0;
    const u64 at = below(d.size + 1);
    shift(d.at + at + count, d.at + at, d.size - at);
    rl_copy(d.at + at, bytes, count);
    return d.size + count;
}

static u64 overwrite(struct data d, const u8 *bytes, u64 count) {
    if (!count || count > d.size) return 0;
    rl_copy(d.at + below(d.size - count + 1), bytes, count);
    return d.size;
}

static u64 erase_bytes(struct data d) {
    if (d.size < 2) return 0;
    const u64 count = below(d.size / 2) + 1, at = below(d.size - count + 1);
    shift(d.at + at, d.at + at + count, d.size - at - count);
    return d.size - count;
}

static u64 insert_byte(struct data d) {
    const u8 byte = any_byte();
    return insert(d, &byte, 1);
}

static u64 insert_repeated(struct data d) {
    enum { least = 3, most = 128 };
    u8 bytes[most];
    if (d.max - d.size < least) return 0;
    const u64 room = d.max - d.size < most ? d.max - d.size : most;
    const u64 count = least + below(room - least + 1);
    rl_fill(bytes, rl_random() % 2 ? any_byte() : (u8)(rl_random() % 2 ? 0 : 255), count);
    return insert(d, bytes, count);
}

static u64 change_byte(struct data d) {
    if (!d.size) return 0;
    d.at[below(d.size)] = any_byte();
    return d.size;
}

static u64 change_bit(struct data d) {
    if (!d.size) return 0;
    d.at[below(d.size)] ^= (u8)(1u << below(8));
    return d.size;
}

static u64 shuffle_bytes(struct data d) {
    enum { most = 8 };
    if (d.size < 2) return 0;
    const u64 count = 1 + below(d.size < most ? d.size : most), at = below(d.size - count + 1);
    for (u64 i = count; i > 1; i--) {
        const u64 other = below(i);
        const u8 kept = d.at[at + i - 1];
        d.at[at + i - 1] = d.at[at + other];
        d.at[at + other] = kept;
    }
    return d.size;
}

static u64 change_integer(struct data d) {
    const u64 width = 1ull << below(4);
    if (width > d.size) return 0;
    u8 *const at = d.at + below(d.size - width + 1);
    u64 number = 0;
    const bool big = rl_random() % 2;
    for (u64 i = 0; i < width; i++) number |= (u64)at[big ? width - 1 - i : i] << 8 * i;
    switch (below(4)) {
    case 0:
        number = -number;
        break;
    case 1:
        number = d.size; // a length field
        break;
    default:
        number += below(21) - 10;
    }
    for (u64 i = 0; i < width; i++) at[big ? width - 1 - i : i] = (u8)(number >> 8 * i);
    return d.size;
}

static bool is_digit(u8 c) { return c >= '0' && c <= '9'; }

static u64 change_digits(struct data d) {
    if (!d.size) return 0;
    u64 at = below(d.size), end, number = 0;
    while (at < d.size && !is_digit(d.at[at])) at++;
    if (at == d.size) return 0;
    for (end = at; end < d.size && is_digit(d.at[end]); end++) number = number * 10 + (d.at[end] - (u8)'0');
    const u64 changed[] = {number + 1, number - 1, number / 2, number * 2, below(number * number + 1)};
    number = changed[below(5)];
    for (; end > at; number /= 10) d.at[--end] = (u8)('0' + number % 10);
    return d.size;
}

static u64 copy_part(struct data d) {
    if (!d.size) return 0;
    const u64 count = 1 + below(d.size), from = below(d.size - count + 1);
    const bool inserts = rl_random() % 2 && count <= d.max - d.size;
    if (!inserts) {
        shift(d.at + below(d.size - count + 1), d.at + from, count);
        return d.size;
    }
    // A hole first; each byte comes from where it is then.
    const u64 at = below(d.size + 1);
    shift(d.at + at + count, d.at + at, d.size - at);
    for (u64 i = 0; i < count; i++) {
        const u64 source = from + i;
        d.at[at + i] = d.at[source < at ? source : source + count];
    }
    return d.size + count;
}

static u64 use_token(struct data d) {
    u64 count = 0;
    for (u64 at = 0; at < tokens_size; at += 1 + tokens[at]) count++;
    if (!count) return 0;
    u64 at = 0;
    for (u64 number = below(count); number; number--) at += 1 + tokens[at];
    return rl_random() % 2 ? insert(d, tokens + at + 1, tokens[at])
                           : overwrite(d, tokens + at + 1, tokens[at]);
}

size_t LLVMFuzzerMutate(u8 *at, size_t size, size_t max) {
    static u64 (*const mutations[])(struct data) = {
        erase_bytes,    insert_byte,   insert_repeated, change_byte, change_bit, shuffle_bytes,
        change_integer, change_digits, copy_part,       use_token,   use_token};
    enum { tries = 100, count = sizeof(mutations) / sizeof(mutations[0]) };
    if (!max || size > max) return size;
    rl_check(CALLER(), at, size, rl_access_write);
    for (u32 i = 0; i < tries; i++) {
        const u64 changed = mutations[below(count)]((struct data){at, size, max});
        if (!changed) continue;
        rl_check(CALLER(), at, changed, rl_access_write);
        return changed;
    }
    at[0] = ' '; // as libFuzzer: never nothing
    return 1;
}
