// base/xxhash_impl.c — xxHash's own code, compiled as C because its header needs no C++ library that way.
#define XXH_NO_XXH3
#define XXH_INLINE_ALL
#include <xxhash.h>

_Static_assert(sizeof(XXH64_state_t) == 88, "base/hash.h reserves this much");

unsigned long rl_xxh64(const void *data, unsigned long size, unsigned long seed) {
    return XXH64(data, size, seed);
}
unsigned int rl_xxh32(const void *data, unsigned long size, unsigned int seed) {
    return XXH32(data, size, seed);
}
void rl_xxh64_reset(void *state, unsigned long seed) { XXH64_reset((XXH64_state_t *)state, seed); }
void rl_xxh64_update(void *state, const void *data, unsigned long size) {
    XXH64_update((XXH64_state_t *)state, data, size);
}
unsigned long rl_xxh64_digest(const void *state) { return XXH64_digest((const XXH64_state_t *)state); }
