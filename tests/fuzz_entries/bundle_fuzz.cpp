// tests/fuzz_entries/bundle_fuzz.cpp — any bytes as a bundle, then the same bytes with correct hashes, which
// no mutation would find.
#include <cstring>
#include <vector>

#include "base/hash.h"
#include "boot/formats/bundle.h"

namespace {

void read_all(Bytes archive) {
    auto bundle = boot::Bundle::parse(archive);
    if (bundle.ok()) {
        u64 sum = 0;
        for (u32 i = 0; i < bundle.value().count(); ++i)
            for (const u8 byte : bundle.value().entry(i).data) sum += byte;
        CHECK(bundle.value().next("") <= bundle.value().count(), "iteration ends", sum);
        CHECK(!bundle.value().has(""), "no part has an empty name");
    }
    rstate::handled(std::move(bundle));
}

template <class T> T get(const std::vector<u8> &file, u64 at) {
    T value;
    std::memcpy(&value, file.data() + at, sizeof(value));
    return value;
}

void fix_hashes(std::vector<u8> &file) {
    constexpr u64 header = 40, entry = 72;
    if (file.size() < header) return;
    const Bytes all(file.data(), file.size());
    const u64 count = get<u32>(file, 12);
    const u64 magic = 0x314c444e55424c52, version = 1;
    std::memcpy(file.data(), &magic, 8);
    std::memcpy(file.data() + 8, &version, 4);
    if (!all.holds(header, count * entry)) return;
    for (u64 at = header; at < header + count * entry; at += entry) {
        const u64 offset = get<u64>(file, at + 48), length = get<u64>(file, at + 56);
        if (!all.holds(offset, length)) continue;
        const u64 hash = xxh64(all.sub(offset, length));
        std::memcpy(file.data() + at + 64, &hash, 8);
    }
    const u64 hash = xxh64(all.sub(header, count * entry));
    std::memcpy(file.data() + 24, &hash, 8);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8 *data, usize size) {
    read_all({data, size});
    std::vector<u8> file(data, data + size);
    fix_hashes(file);
    read_all({file.data(), file.size()});
    CHECK(rstate::frames_in_use(0) == 0, "every error was released");
    return 0;
}
