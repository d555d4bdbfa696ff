// Compiles the first line as a pattern and matches the rest with it, by both of the library's algorithms.
#include <cstddef>
#include <cstdint>
#include <cstring>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) return 0;
    const auto *line = static_cast<const uint8_t *>(memchr(data + 1, '\n', size - 1));
    const size_t length = line ? static_cast<size_t>(line - data) - 1 : size - 1;
    const uint8_t *subject = line ? line + 1 : data + 1;
    const size_t rest = static_cast<size_t>(data + size - subject);
    const uint32_t options = ((data[0] & 1) ? PCRE2_UTF : 0) | ((data[0] & 2) ? PCRE2_CASELESS : 0) | PCRE2_NEVER_BACKSLASH_C;
    int error = 0, workspace[256];
    size_t offset = 0;
    pcre2_code *code = pcre2_compile(data + 1, length, options, &error, &offset, nullptr);
    if (!code) return 0;
    pcre2_match_data *match = pcre2_match_data_create_from_pattern(code, nullptr);
    pcre2_match_context *limits = pcre2_match_context_create(nullptr);
    pcre2_set_match_limit(limits, 2000);
    pcre2_set_depth_limit(limits, 200);
    pcre2_match(code, subject, rest, 0, 0, match, limits);
    pcre2_dfa_match(code, subject, rest, 0, 0, match, limits, workspace, 256);
    pcre2_match_context_free(limits);
    pcre2_match_data_free(match);
    pcre2_code_free(code);
    return 0;
}
