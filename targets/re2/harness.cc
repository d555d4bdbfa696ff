// Compiles the first line as a regular expression, with flags from its first byte, and matches the rest with it.
#include <cstddef>
#include <cstdint>
#include <string>

#include "re2/re2.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) return 0;
    const std::string text(reinterpret_cast<const char *>(data + 1), size - 1);
    const size_t end = text.find('\n');
    const std::string pattern = text.substr(0, end);
    const std::string subject = end == std::string::npos ? pattern : text.substr(end + 1);
    RE2::Options options((data[0] & 1) ? RE2::Latin1 : RE2::Quiet);
    options.set_log_errors(false);
    options.set_max_mem(1 << 20);
    options.set_case_sensitive(data[0] & 2);
    options.set_longest_match(data[0] & 4);
    options.set_never_nl(data[0] & 8);
    const RE2 expression(pattern, options);
    if (!expression.ok()) return 0;
    std::string first, changed = subject.substr(0, 256);
    RE2::FullMatch(subject, expression);
    if (expression.NumberOfCapturingGroups() > 0) RE2::PartialMatch(subject, expression, &first);
    RE2::GlobalReplace(&changed, expression, "<\\0>");
    return 0;
}
