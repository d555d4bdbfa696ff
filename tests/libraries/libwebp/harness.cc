// Decodes a picture of up to 16 Ki pixels, lossy or not; as the first byte says also scaled, and in two pieces.
#include <cstddef>
#include <cstdint>
#include <webp/decode.h>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    WebPDecoderConfig config;
    if (size < 2 || !WebPInitDecoderConfig(&config)) return 0;
    const uint8_t options = data[size - 1];
    if (WebPGetFeatures(data, size - 1, &config.input) != VP8_STATUS_OK) return 0;
    if (config.input.width * config.input.height > 16384) return 0;
    config.options.use_scaling = options & 1;
    config.options.scaled_width = config.options.scaled_height = 1 + (options >> 3);
    config.options.no_fancy_upsampling = (options >> 1) & 1;
    config.output.colorspace = (options & 4) ? MODE_YUVA : MODE_rgbA;
    WebPIDecoder *decoder = WebPIDecode(nullptr, 0, &config);
    if (decoder && WebPIAppend(decoder, data, (size - 1) / 2) == VP8_STATUS_SUSPENDED)
        WebPIAppend(decoder, data + (size - 1) / 2, size - 1 - (size - 1) / 2);
    WebPIDelete(decoder);
    WebPFreeDecBuffer(&config.output);
    return 0;
}
