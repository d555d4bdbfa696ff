// boot/formats/bundle.cpp — see bundle.h.
#include "boot/formats/bundle.h"

#include "base/hash.h"
#include "boot/formats/bytes.h"
#include "boot/formats/codes.h"

namespace boot {

namespace {

struct Header {
    u64 magic;
    u32 version, entry_count;
    u64 total_size, directory_xxh64, zero;
};
struct DirectoryEntry {
    u8 name[48];
    u64 offset, length, xxh64;
};
static_assert(sizeof(Header) == 40 && sizeof(DirectoryEntry) == 72);

constexpr u64 expected_magic = 0x314c444e55424c52; // "RLBUNDL1"
constexpr u32 expected_version = 1;
constexpr u64 data_alignment = 16;

u64 place_of(u32 index) { return sizeof(Header) + index * sizeof(DirectoryEntry); }

DirectoryEntry entry_at(Bytes archive, u32 index) {
    DirectoryEntry entry{};
    CHECK(load(archive, place_of(index), entry), "parse() saw the whole directory", index);
    return entry;
}

} // namespace

rstate::Result<Bundle> Bundle::parse(Bytes archive) {
    Header header{};
    if (!load(archive, 0, header))
        return FAIL(bundle_malformed, "the bundle ends inside its header", archive.size());
    if (header.magic != expected_magic)
        return FAIL(bundle_malformed, "the bundle's magic number is wrong", header.magic);
    if (header.version != expected_version)
        return FAIL(bundle_malformed, "the bundle is of another version", header.version, expected_version);
    if (header.total_size > archive.size() || header.total_size < sizeof(Header))
        return FAIL(bundle_malformed, "the bundle is cut short", header.total_size, archive.size());
    const Bytes whole = archive.first(header.total_size);
    const u64 directory_size = u64{header.entry_count} * sizeof(DirectoryEntry); // fits: 2^32 * 72
    if (!whole.holds(sizeof(Header), directory_size))
        return FAIL(bundle_malformed, "the directory is larger than the bundle", header.entry_count,
                    whole.size());
    const u64 hash = xxh64(whole.sub(sizeof(Header), directory_size));
    if (hash != header.directory_xxh64)
        return FAIL(bundle_damaged, "the directory's hash is wrong", hash, header.directory_xxh64);
    const Bundle bundle(whole, header.entry_count);
    for (u32 i = 0; i < bundle.count_; ++i)
        TRY(bundle.check_entry(i, place_of(bundle.count_)), "checking a part of the bundle", i);
    return bundle;
}

rstate::Result<void> Bundle::check_entry(u32 index, u64 data_start) const {
    const DirectoryEntry entry = entry_at(archive_, index);
    if (entry.name[0] == 0 || entry.name[sizeof(entry.name) - 1] != 0)
        return FAIL(bundle_malformed, "a part's name is empty or has no zero at its end");
    if (entry.offset < data_start || !is_aligned(entry.offset, data_alignment) ||
        !archive_.holds(entry.offset, entry.length))
        return FAIL(bundle_malformed, "a part lies outside the bundle or is not aligned", entry.offset,
                    entry.length);
    const u64 hash = xxh64(archive_.sub(entry.offset, entry.length));
    if (hash != entry.xxh64) return FAIL(bundle_damaged, "the part's hash is wrong", hash, entry.xxh64);
    return rstate::done();
}

Bundle::Entry Bundle::entry(u32 index) const {
    CHECK(index < count_, "an entry's index is below count()", index, count_);
    const DirectoryEntry entry = entry_at(archive_, index);
    // Not from the copy: the name must live as long as the archive.
    return {Text::from_field(archive_.sub(place_of(index), sizeof(entry.name))),
            archive_.sub(entry.offset, entry.length)};
}

u32 Bundle::next(Text prefix, u32 from) const {
    while (from < count_ && !entry(from).name.starts_with(prefix)) ++from;
    return from;
}

u32 Bundle::index_of(Text name) const {
    u32 i = 0;
    while (i < count_ && !(entry(i).name == name)) ++i;
    return i;
}

rstate::Result<Bytes> Bundle::find(Text name) const {
    const u32 index = index_of(name);
    // Every caller's name is a literal, so the frame may keep the pointer.
    if (index == count_) return FAIL(bundle_missing, "the bundle has no part of this name", name.data());
    return entry(index).data;
}

} // namespace boot
