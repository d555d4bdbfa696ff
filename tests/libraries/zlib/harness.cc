// Inflates the input, whatever its wrapper, in small pieces; deflates what came out, with the first byte's parameters.
#include <cstddef>
#include <cstdint>
#include <zlib.h>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static unsigned char plain[16384], packed[32768];
    if (size < 1) return 0;
    z_stream in = {}, out = {};
    in.next_in = const_cast<Bytef *>(data + 1);
    in.avail_in = static_cast<uInt>(size - 1);
    if (inflateInit2(&in, 15 + 32) != Z_OK) return 0;
    int status = Z_OK;
    in.next_out = plain;
    while (status == Z_OK && in.total_out + 1024 <= sizeof plain) {
        in.avail_out = 1024;
        status = inflate(&in, Z_SYNC_FLUSH);
    }
    inflateEnd(&in);
    if (deflateInit2(&out, data[0] % 10, Z_DEFLATED, 9 + data[0] % 7, 8, data[0] % 5) != Z_OK) return 0;
    out.next_in = plain;
    out.avail_in = static_cast<uInt>(in.total_out);
    out.next_out = packed;
    out.avail_out = sizeof packed;
    deflate(&out, Z_FINISH);
    deflateEnd(&out);
    return 0;
}
