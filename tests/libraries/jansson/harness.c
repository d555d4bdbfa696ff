// Parses JSON with the first two bytes' flags and writes it again.
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) return 0;
    json_error_t error;
    json_t *value = json_loadb((const char *)data + 2, size - 2, data[0] & 0x1f, &error);
    if (!value) return 0;
    free(json_dumps(value, JSON_INDENT(data[1] & 7) | ((data[1] & 8) ? JSON_SORT_KEYS : 0) | JSON_ENCODE_ANY |
                               ((data[1] & 16) ? JSON_ENSURE_ASCII : 0)));
    json_decref(json_deep_copy(value));
    json_decref(value);
    return 0;
}
