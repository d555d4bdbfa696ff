// base/format.cpp — see format.h.
#include "base/format.h"

namespace {

void print_number(const Output &out, u64 number, u64 base, usize least_digits = 1) {
    char digits[20];
    usize start = sizeof digits;
    do {
        digits[--start] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number != 0 || sizeof digits - start < least_digits);
    out({digits + start, sizeof digits - start});
}

void print_escaped(const Output &out, Text text) {
    usize left = Escaped::longest;
    for (const char c : text) {
        const u8 byte = static_cast<u8>(c);
        const bool plain = byte > ' ' && byte < 0x7f && c != '\\';
        const usize needed = plain ? 1 : 4;
        if (needed > left) return out("...");
        left -= needed;
        if (plain) {
            out({&c, 1});
        } else {
            out("\\x");
            print_number(out, byte, 16, 2);
        }
    }
}

void print_one(const Output &out, const FormatArgument &argument, char style) {
    using Kind = FormatArgument::Kind;
    if (argument.kind == Kind::text) return out(argument.text());
    if (argument.kind == Kind::escaped) return print_escaped(out, argument.text());
    if (argument.kind == Kind::truth) return out(argument.number != 0 ? "yes" : "no");
    if (style == 'c') {
        const char c = static_cast<char>(argument.number);
        return out({&c, 1});
    }
    if (style == 'h') return print_number(out, argument.number, 16, 16);
    if (argument.kind == Kind::negative) out("-");
    if (style == 'x' || argument.kind == Kind::address) {
        out("0x");
        return print_number(out, argument.number, 16);
    }
    print_number(out, argument.number, 10);
}

// Length of the placeholder at the start of `text`, 0 when there is none.
usize placeholder(Text text, char &style) {
    if (text.size() >= 2 && text[0] == '{' && text[1] == '}') return style = 0, 2;
    if (text.size() < 3 || text[0] != '{' || text[2] != '}') return 0;
    style = text[1];
    return style == 'x' || style == 'h' || style == 'c' ? 3 : 0;
}

} // namespace

void print_arguments(const Output &out, Text pattern, Span<const FormatArgument> arguments) {
    usize next = 0, plain = 0, i = 0;
    while (i < pattern.size()) {
        char style = 0;
        const usize length = next < arguments.size() ? placeholder(pattern.from(i), style) : 0;
        if (length == 0) {
            ++i;
            continue;
        }
        if (i > plain) out(pattern.sub(plain, i - plain));
        print_one(out, arguments[next++], style);
        i += length;
        plain = i;
    }
    if (pattern.size() > plain) out(pattern.from(plain));
}
