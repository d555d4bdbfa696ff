// Decompresses the input, and compresses it and back.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <snappy.h>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = reinterpret_cast<const char *>(data);
    std::string packed, plain;
    size_t length = 0;
    if (snappy::GetUncompressedLength(text, size, &length) && length < 65536) snappy::Uncompress(text, size, &plain);
    snappy::Compress(text, size, &packed);
    if (!snappy::Uncompress(packed.data(), packed.size(), &plain)) abort();
    if (plain != std::string(text, size)) abort();
    return 0;
}
