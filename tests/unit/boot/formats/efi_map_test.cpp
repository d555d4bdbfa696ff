// tests/unit/boot/formats/efi_map_test.cpp — UEFI's memory map as E820 entries, with descriptors of any
// length.
#include "boot/formats/efi_map.h"

#include <cstring>
#include <vector>

#include "boot/formats/memory_map.h"
#include "tests/sim/test.h"

namespace {

using boot::MapEntry;

struct Descriptor {
    u32 type;
    u64 start, pages;
};

// Descriptors of `bytes` each, with arbitrary bytes behind the specified 40.
std::vector<u8> raw_map(const std::vector<Descriptor> &descriptors, u64 bytes) {
    std::vector<u8> raw(descriptors.size() * bytes, 0xEE);
    for (usize i = 0; i < descriptors.size(); ++i) {
        u8 *at = raw.data() + i * bytes;
        std::memcpy(at, &descriptors[i].type, 4);
        std::memcpy(at + 8, &descriptors[i].start, 8);
        std::memcpy(at + 24, &descriptors[i].pages, 8);
    }
    return raw;
}

std::vector<MapEntry> converted(const std::vector<Descriptor> &descriptors, u64 bytes = 48, usize room = 8) {
    const std::vector<u8> raw = raw_map(descriptors, bytes);
    std::vector<MapEntry> entries(room);
    entries.resize(boot::convert_efi_map({raw.data(), raw.size()}, bytes, {entries.data(), room}));
    return entries;
}

TEST(EfiMap, MemoryOfBootServicesAndLoaderIsUsable) {
    for (u32 type = 0; type < 16; ++type) {
        const auto entries = converted({{type, 0x100000, 3}});
        ASSERT_EQ(entries.size(), 1u);
        const u32 expected = (type >= 1 && type <= 4) || type == 7 ? 1 : type == 9 ? 3 : type == 10 ? 4 : 2;
        EXPECT_EQ(entries[0].type, expected) << "type " << type;
        EXPECT_EQ(entries[0].base, 0x100000u);
        EXPECT_EQ(entries[0].length, 0x3000u);
        EXPECT_EQ(entries[0].attributes, 1u);
    }
}

// A map as a desktop board was reported to have it: 312 descriptors, small usable ones between tables that
// the firmware keeps.
TEST(EfiMap, AMapOf312DescriptorsIsTakenWhole) {
    std::vector<Descriptor> descriptors;
    for (u64 i = 0; i < 155; ++i) {
        descriptors.push_back({7, 0x70000000 + i * 0x5000, 2});
        descriptors.push_back({i % 2 == 0 ? 9u : 6u, 0x70002000 + i * 0x5000, 3});
    }
    descriptors.push_back({7, 0x100000, 0x10000});
    descriptors.push_back({7, 0x100000000, 0x100000});
    const auto entries = converted(descriptors, 48, 511);
    EXPECT_EQ(entries.size(), 312u);
    boot::MemoryMap map;
    ASSERT_TRUE(map.build({entries.data(), entries.size()}).ok());
    EXPECT_EQ(map.ranges().size(), 157u);
    EXPECT_EQ(map.total_pages(), 155 * 2 + 0x10000 + 0x100000u);
}

TEST(EfiMap, NeighboursOfOneKindBecomeOneEntryAndOthersDoNot) {
    for (const u64 bytes : {40ul, 48ul, 64ul}) {
        const auto entries = converted(
            {{3, 0x1000, 1}, {7, 0x2000, 2}, {0, 0x4000, 1}, {7, 0x5000, 1}, {4, 0x7000, 1}}, bytes);
        ASSERT_EQ(entries.size(), 4u) << "descriptors of " << bytes << " bytes";
        EXPECT_EQ(entries[0].length, 0x3000u);
        EXPECT_EQ(entries[1].type, 2u);
        EXPECT_EQ(entries[3].base, 0x7000u) << "behind a hole";
    }
}

TEST(EfiMap, TheCountShowsThatNotAllEntriesFit) {
    EXPECT_EQ(converted({{7, 0, 1}, {0, 0x1000, 1}, {7, 0x2000, 1}, {0, 0x3000, 1}}, 48, 2).size(), 3u);
    EXPECT_EQ(converted({{7, 0, 1}, {7, 0x1000, 1}, {7, 0x2000, 1}}, 48, 1).size(), 1u);
}

TEST(EfiMap, ImpossibleDescriptorsGiveNothing) {
    EXPECT_EQ(converted({{7, 0x1000, 1ul << 53}}).size(), 0u) << "more pages than there are addresses";
    MapEntry entry{};
    const u8 raw[40] = {};
    EXPECT_EQ(boot::convert_efi_map({raw, 40}, 39, {&entry, 1}), 0u) << "would walk over itself";
    EXPECT_EQ(boot::convert_efi_map({raw, 39}, 40, {&entry, 1}), 0u) << "cut off";
}

} // namespace
