// tests/runner/samples/custom_mutator.c — only the mutator can reach the abort: three words must agree. Part
// of each mutant comes from LLVMFuzzerMutate. A first byte of '!' or '?' makes the mutator fail.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
static int calls;
static unsigned char *kept;

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
    if (size && data[0] == '!') data[max_size] = 1;
    if (max_size < 32 || (size && data[0] == '?')) return 0;
    kept = realloc(kept, (size_t)++calls); // gone when the mutants run
    uint64_t v = seed * 0x9e3779b97f4a7c15u;
    memcpy(data, &v, 8), v *= v;
    memcpy(data + 8, &v, 8), v *= v;
    memcpy(data + 16, &v, 8);
    if (LLVMFuzzerMutate(data + 24, 0, 0) != 0) abort();
    return 24 + LLVMFuzzerMutate(data + 24, size > 24 ? size - 24 : 0, 8);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *data, size_t size, const uint8_t *other, size_t other_size,
                                 uint8_t *out, size_t out_size, unsigned seed) {
    if (out_size < 4 || !size || !other_size) return 0;
    memcpy(out, "X", 1), memcpy(out + 1, data, 1), memcpy(out + 2, other + other_size - 1, 1);
    out[3] = (uint8_t)seed;
    return 4;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint64_t v[3];
    if (calls || kept) abort();
    if (size < 24) return 0;
    memcpy(v, data, 24);
    if (v[0] && v[1] == v[0] * v[0] && v[2] == v[1] * v[1]) abort();
    return 0;
}
