// fuzz/json.cpp — see json.h.
#include "fuzz/json.h"

namespace fuzz {

namespace {

void write_quoted(const Output &out, Text text) {
    out("\"");
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            const char escaped[] = {'\\', c};
            out({escaped, 2});
        } else if (static_cast<u8>(c) < 0x20 || static_cast<u8>(c) >= 0x7f) {
            // Names in a target's symbol table are bytes without a known encoding: written as Latin-1.
            const char *const digits = "0123456789abcdef";
            const u8 byte = static_cast<u8>(c);
            const char escaped[] = {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]};
            out({escaped, 6});
        } else {
            out({&c, 1});
        }
    }
    out("\"");
}

constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void write_base64(const Output &out, Bytes data) {
    char line[256];
    usize length = 0;
    for (usize i = 0; i < data.size(); i += 3) {
        const usize left = data.size() - i;
        const u8 *const at = data.data() + i;
        const u32 group = static_cast<u32>(at[0] << 16) | static_cast<u32>(left > 1 ? at[1] << 8 : 0) |
                          static_cast<u32>(left > 2 ? at[2] : 0);
        line[length++] = alphabet[group >> 18];
        line[length++] = alphabet[(group >> 12) & 63];
        line[length++] = left > 1 ? alphabet[(group >> 6) & 63] : '=';
        line[length++] = left > 2 ? alphabet[group & 63] : '=';
        if (length == sizeof line) {
            out({line, length});
            length = 0;
        }
    }
    out({line, length});
}

} // namespace

void JsonLine::name(Text name) {
    if (!first_) out_(",");
    first_ = false;
    if (name.empty()) return;
    write_quoted(out_, name);
    out_(":");
}

JsonLine &JsonLine::number(Text n, u64 value) {
    name(n);
    print(out_, "{}", value);
    return *this;
}

JsonLine &JsonLine::signed_number(Text n, i64 value) {
    name(n);
    print(out_, "{}", value);
    return *this;
}

JsonLine &JsonLine::fraction(Text n, u64 thousandths) {
    name(n);
    const u64 part = thousandths % 1000;
    print(out_, "{}.{}{}{}", thousandths / 1000, part / 100, part / 10 % 10, part % 10);
    return *this;
}

JsonLine &JsonLine::text(Text n, Text value) {
    name(n);
    write_quoted(out_, value);
    return *this;
}

JsonLine &JsonLine::truth(Text n, bool value) {
    name(n);
    out_(value ? "true" : "false");
    return *this;
}

JsonLine &JsonLine::hash(Text n, u64 value) {
    name(n);
    print(out_, "\"{h}\"", value);
    return *this;
}

JsonLine &JsonLine::address(Text n, u64 value) {
    name(n);
    print(out_, "\"{x}\"", value);
    return *this;
}

JsonLine &JsonLine::addresses(Text n, Span<const u64> values) {
    open(n, '[');
    for (const u64 value : values) {
        if (value == 0) break;
        address("", value);
    }
    return close(']');
}

JsonLine &JsonLine::base64(Text n, Bytes data) {
    name(n);
    out_("\"");
    write_base64(out_, data);
    out_("\"");
    return *this;
}

JsonLine &JsonLine::open(Text n, char bracket) {
    name(n);
    out_({&bracket, 1});
    first_ = true;
    return *this;
}

JsonLine &JsonLine::close(char bracket) {
    out_({&bracket, 1});
    first_ = false;
    return *this;
}

} // namespace fuzz
