// tests/runner/samples/extra_counters.c — counters that the target keeps by itself.
#include <stddef.h>
#include <stdint.h>
__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t extra[64];
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    for (size_t i = 0; i < size; i++) extra[data[i] & 63]++;
    return 0;
}
