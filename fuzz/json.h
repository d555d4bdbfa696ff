// fuzz/json.h — writes one JSON object as one line, piece by piece, into any sink.
#pragma once

#include "base/format.h"

namespace fuzz {

class JsonLine {
  public:
    // Opens the object with its "type".
    JsonLine(const Output &out, Text type) : out_(out) { print(out_, "{\"type\":\"{}\"", type); }

    JsonLine &number(Text name, u64 value);
    JsonLine &signed_number(Text name, i64 value);
    // `thousandths` / 1000 with three decimals.
    JsonLine &fraction(Text name, u64 thousandths);
    JsonLine &text(Text name, Text value);
    JsonLine &truth(Text name, bool value);
    JsonLine &hash(Text name, u64 value);                   // sixteen digits, as a string
    JsonLine &address(Text name, u64 value);                // "0x...", as a string
    JsonLine &addresses(Text name, Span<const u64> values); // up to the first 0
    JsonLine &base64(Text name, Bytes data);
    // `open(name, '{')` ... `close('}')`, and likewise for arrays with '['; an element of an array has no
    // name.
    JsonLine &open(Text name, char bracket);
    JsonLine &close(char bracket);
    void end() { out_("}\n"); }

  private:
    void name(Text name);

    Output out_;
    bool first_ = false; // whether the next member is its container's first
};

} // namespace fuzz
