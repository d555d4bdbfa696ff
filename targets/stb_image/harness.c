// targets/stb_image/harness.c — decodes the input with Debian's stb_image.h, in any of its image formats.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define STB_IMAGE_IMPLEMENTATION
#define STBI_NO_STDIO
#include <stb/stb_image.h>

enum { largest = 65536, channels = 4 };

// A height below zero means that a BMP file starts with its top row.
static int is_small(int width, int height) {
    return width > 0 && height && (long long)width * llabs(height) <= largest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    int width, height, depth, frames;
    if (size > 1 << 24 || !stbi_info_from_memory(data, (int)size, &width, &height, &depth)) return 0;
    if (!is_small(width, height)) return 0;
    if (size >= 6 && !memcmp(data, "GIF8", 4)) {
        int *delays = NULL;
        stbi_image_free(
            stbi_load_gif_from_memory(data, (int)size, &delays, &width, &height, &frames, &depth, channels));
        stbi_image_free(delays);
    } else {
        stbi_image_free(stbi_load_from_memory(data, (int)size, &width, &height, &depth, channels));
    }
    return 0;
}
