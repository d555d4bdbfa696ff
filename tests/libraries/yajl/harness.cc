// Parses JSON as a stream in two pieces, with the first byte's options, and as a tree.
#include <cstddef>
#include <cstdint>
#include <string>
#include <yajl/yajl_parse.h>
#include <yajl/yajl_tree.h>

static int on_text(void *count, const unsigned char *text, size_t size) {
    return *static_cast<int *>(count) += size > 0 && text[0] == 'x', 1;
}
static int on_number(void *count, double number) { return *static_cast<int *>(count) += number > 1, 1; }
static int on_integer(void *count, long long number) { return *static_cast<int *>(count) += number > 1, 1; }

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1) return 0;
    const yajl_callbacks callbacks = {nullptr, nullptr, on_integer, on_number, nullptr, on_text,
                                      nullptr, on_text, nullptr,    nullptr,   nullptr};
    int count = 0;
    yajl_handle parser = yajl_alloc(&callbacks, nullptr, &count);
    yajl_config(parser, yajl_allow_comments, data[0] & 1);
    yajl_config(parser, yajl_allow_multiple_values, data[0] & 2);
    const size_t first = (size - 1) / 2;
    yajl_parse(parser, data + 1, first);
    yajl_parse(parser, data + 1 + first, size - 1 - first);
    yajl_complete_parse(parser);
    yajl_free(parser);
    yajl_tree_free(yajl_tree_parse(std::string(data + 1, data + size).c_str(), nullptr, 0));
    return 0;
}
