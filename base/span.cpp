// base/span.cpp — the failure of a span's bounds check, out of line.
#include "base/span.h"

#include "base/check.h"

void span_index_failed(usize index, usize size) {
    CHECK(index < size, "an index lies inside its span", index, size);
    __builtin_unreachable();
}

void span_part_failed(usize from, usize count, usize size) {
    CHECK(from <= size && count <= size - from, "a part lies inside its span", from, count, size);
    __builtin_unreachable();
}
