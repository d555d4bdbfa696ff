// Decompresses the input, given in two pieces, up to 256 KiB.
#include <brotli/decode.h>
#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t buffer[4096];
    BrotliDecoderState *state = BrotliDecoderCreateInstance(nullptr, nullptr, nullptr);
    if (!state) return 0;
    const size_t pieces[] = {size / 2, size - size / 2};
    const uint8_t *next = data;
    size_t total = 0;
    for (size_t available : pieces) {
        BrotliDecoderResult result = BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT;
        while (result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT && total < 262144) {
            uint8_t *out = buffer;
            size_t room = sizeof buffer;
            result = BrotliDecoderDecompressStream(state, &available, &next, &room, &out, &total);
        }
        if (result != BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT) break;
    }
    BrotliDecoderDestroyInstance(state);
    return 0;
}
