// Decompresses a block and a frame, and compresses the input in two strengths.
#include <cstddef>
#include <cstdint>
#include <lz4.h>
#include <lz4frame.h>
#include <lz4hc.h>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char out[65536];
    const char *text = reinterpret_cast<const char *>(data);
    const int length = static_cast<int>(size);
    LZ4_decompress_safe(text, out, length, sizeof out);
    LZ4_decompress_safe_partial(text, out, length, length, sizeof out);
    LZ4F_dctx *context = nullptr;
    if (!LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION))) {
        size_t made = sizeof out, used = size;
        LZ4F_decompress(context, out, &made, data, &used, nullptr);
        LZ4F_freeDecompressionContext(context);
    }
    LZ4_compress_default(text, out, length, sizeof out);
    if (size < 1024) LZ4_compress_HC(text, out, length, sizeof out, LZ4HC_CLEVEL_MIN);
    return 0;
}
