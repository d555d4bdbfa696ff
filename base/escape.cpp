// base/escape.cpp — see escape.h.
#include "base/escape.h"

void print_escaped(const Output &out, Bytes bytes) {
    constexpr char digits[] = "0123456789abcdef";
    for (const u8 byte : bytes) {
        const char letter = byte == '\n'   ? 'n'
                            : byte == '\t' ? 't'
                            : byte == '\r' ? 'r'
                            : byte == '\\' ? '\\'
                                           : '\0';
        const char plain = static_cast<char>(byte);
        const char named[] = {'\\', letter}, number[] = {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
        if (letter != 0)
            out({named, sizeof(named)});
        else if (byte >= ' ' && byte < 0x7f)
            out({&plain, 1});
        else
            out({number, sizeof(number)});
    }
}
