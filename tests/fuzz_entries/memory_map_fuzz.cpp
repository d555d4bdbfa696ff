// tests/fuzz_entries/memory_map_fuzz.cpp — any bytes as the firmware's memory map: ascending ranges of whole
// pages.
#include <cstring>
#include <vector>

#include "boot/formats/memory_map.h"
#include "rstate/error.h"

namespace {

void check(const boot::MemoryMap &map) {
    u64 last = 0, total = 0;
    bool first = true;
    for (const boot::Range &range : map.ranges()) {
        CHECK(range.start < range.end && (first || range.start > last), "ranges ascend and do not touch",
              range.start);
        CHECK(is_aligned(range.start, page_size) && is_aligned(range.end, page_size),
              "ranges are whole pages");
        CHECK(map.contains(range.start, range.end - range.start), "a range is contained");
        total += range.pages();
        last = range.end;
        first = false;
    }
    CHECK(map.total_pages() == total, "the total is the sum", total);
}

} // namespace

// The first sixteen bytes name a range to remove afterwards, the rest is entries.
extern "C" int LLVMFuzzerTestOneInput(const u8 *data, usize size) {
    if (size < 16) return 0;
    u64 start = 0, bytes = 0;
    std::memcpy(&start, data, 8);
    std::memcpy(&bytes, data + 8, 8);
    std::vector<boot::MapEntry> entries((size - 16) / sizeof(boot::MapEntry));
    if (!entries.empty()) std::memcpy(entries.data(), data + 16, entries.size() * sizeof(boot::MapEntry));
    static boot::MemoryMap map;
    auto built = map.build({entries.data(), entries.size()});
    if (built.ok()) {
        check(map);
        auto removed = map.remove(start, bytes);
        if (removed.ok()) check(map);
        rstate::handled(std::move(removed));
    }
    rstate::handled(std::move(built));
    CHECK(rstate::frames_in_use(0) == 0, "every error was released");
    return 0;
}
