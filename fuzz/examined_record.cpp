// fuzz/examined_record.cpp — see examined_record.h.
#include "fuzz/examined_record.h"

#include "fuzz/json.h"

namespace fuzz {

usize pack_features(Span<const Feature> features, MutableBytes room) {
    usize size = 0;
    Feature before = 0;
    for (const Feature feature : features) {
        if (room.size() - size < longest_packed_feature) break;
        u32 left = feature - before;
        for (; left >= 0x80; left >>= 7) room[size++] = static_cast<u8>(left | 0x80);
        room[size++] = static_cast<u8>(left);
        before = feature;
    }
    return size;
}

void write_examined(const Output &out, const Examined &examined) {
    JsonLine line(out, "examined");
    line.number("index", examined.index).text("ending", ending_name(examined.ending));
    line.signed_number("value", examined.value).number("edges", examined.edges);
    line.hash("hash", examined.hash).hash("other_fill", examined.other_fill_hash);
    line.hash("leak", examined.leak_hash).base64("features", examined.features).end();
}

void write_minimized(const Output &out, const Minimized &minimized) {
    JsonLine line(out, "minimized");
    line.number("runs", minimized.runs).text("ending", ending_name(minimized.ending));
    line.hash("hash", minimized.hash).truth("done", minimized.done).number("size", minimized.input.size());
    line.base64("data", minimized.input).end();
}

} // namespace fuzz
