// Reads a GIF from memory, with every image of it.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <gif_lib.h>

struct Input {
    const uint8_t *next;
    size_t left;
};

static int read(GifFileType *file, GifByteType *to, int wanted) {
    auto *input = static_cast<Input *>(file->UserData);
    const size_t size = std::min(input->left, static_cast<size_t>(wanted));
    memcpy(to, input->next, size);
    input->next += size;
    input->left -= size;
    return static_cast<int>(size);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Input input = {data, size};
    int error = 0;
    GifFileType *file = DGifOpen(&input, read, &error);
    if (!file) return 0;
    DGifSlurp(file);
    DGifCloseFile(file, &error);
    return 0;
}
