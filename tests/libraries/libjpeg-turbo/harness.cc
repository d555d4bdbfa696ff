// Decompresses a picture of up to 64 Ki pixels to RGB and, at half of its size, to grey.
#include <cstddef>
#include <cstdint>
#include <turbojpeg.h>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static tjhandle handle = tjInitDecompress();
    int width = 0, height = 0, sampling = 0, colours = 0;
    if (tjDecompressHeader3(handle, data, size, &width, &height, &sampling, &colours) < 0) return 0;
    if (width < 1 || height < 1 || static_cast<int64_t>(width) * height > 65536) return 0;
    std::vector<unsigned char> pixels(static_cast<size_t>(width) * static_cast<size_t>(height) * 3);
    const int flags = TJFLAG_LIMITSCANS;
    tjDecompress2(handle, data, size, pixels.data(), width, 0, height, TJPF_RGB, flags);
    const tjscalingfactor half = {1, 2};
    tjDecompress2(handle, data, size, pixels.data(), TJSCALED(width, half), 0, TJSCALED(height, half), TJPF_GRAY, flags);
    return 0;
}
