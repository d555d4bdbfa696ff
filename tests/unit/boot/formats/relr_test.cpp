// tests/unit/boot/formats/relr_test.cpp — RELR: unpacking gives the pointers that were packed.
#include "boot/formats/relr.h"

#include <random>
#include <set>
#include <vector>

#include "tests/sim/test.h"

namespace {

std::vector<u64> unpacked(const std::vector<u64> &entries) {
    std::vector<u64> places;
    boot::for_each_relr({entries.data(), entries.size()}, [&](u64 place) { places.push_back(place); });
    return places;
}

// As the linker packs: an address, then bitmaps for as long as one bit of the next 63 words is needed.
std::vector<u64> packed(const std::set<u64> &places) {
    std::vector<u64> entries;
    for (auto at = places.begin(); at != places.end();) {
        entries.push_back(*at);
        u64 base = *at++ + 8;
        for (;; base += 63 * 8) {
            u64 bits = 0;
            for (; at != places.end() && *at < base + 63 * 8; ++at) bits |= 1ul << ((*at - base) / 8);
            if (bits == 0) break;
            entries.push_back(bits << 1 | 1);
        }
    }
    return entries;
}

TEST(Relr, AnEmptyTableNamesNothing) { EXPECT_TRUE(unpacked({}).empty()); }

TEST(Relr, AnEvenEntryIsAPlaceAndAnOddOneTheWordsBehindIt) {
    EXPECT_EQ(unpacked({0x1000, 0b1011, 0x3000}), (std::vector<u64>{0x1000, 0x1008, 0x1018, 0x3000}));
}

TEST(Relr, ASecondBitmapContinuesWhereTheFirstOneEnds) {
    EXPECT_EQ(unpacked({0x1000, 1ul << 63 | 1, 0b11}),
              (std::vector<u64>{0x1000, 0x1008 + 62 * 8, 0x1008 + 63 * 8}));
}

TEST(Relr, UnpackingGivesWhatWasPacked) {
    std::mt19937_64 random(2);
    for (u32 round = 0; round < 500; ++round) {
        std::set<u64> places;
        const u64 spread = 1 + random() % 400;
        for (u64 n = random() % 200; n > 0; --n) places.insert(random() % spread * 8);
        ASSERT_EQ(unpacked(packed(places)), std::vector<u64>(places.begin(), places.end()))
            << "round " << round;
    }
}

} // namespace
