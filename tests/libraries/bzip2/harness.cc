// Decompresses the input in both of the library's ways.
#include <bzlib.h>
#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char plain[65536];
    for (int small = 0; small < 2; ++small) {
        unsigned int length = sizeof plain;
        char *packed = reinterpret_cast<char *>(const_cast<uint8_t *>(data));
        BZ2_bzBuffToBuffDecompress(plain, &length, packed, static_cast<unsigned int>(size), small, 0);
    }
    return 0;
}
