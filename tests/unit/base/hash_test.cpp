// tests/unit/base/hash_test.cpp — xxHash against its published values, whole and in pieces.
#include "base/hash.h"

#include <vector>

#include "base/text.h"
#include "tests/sim/test.h"

namespace {

TEST(Hash, AgreesWithThePublishedValues) {
    EXPECT_EQ(xxh64({}), 0xEF46DB3751D8E999);
    EXPECT_EQ(xxh32({}), 0x02CC5D05u);
    EXPECT_EQ(xxh64(Text("abc").bytes()), 0x44BC2CF5AD770999);
    EXPECT_EQ(xxh32(Text("abc").bytes()), 0x32D153FFu);
    EXPECT_NE(xxh64(Text("abc").bytes(), 1), xxh64(Text("abc").bytes()));
}

TEST(Hash, PiecesHashLikeTheWholeWhereverTheyAreCut) {
    std::vector<u8> data(200);
    for (usize i = 0; i < data.size(); ++i) data[i] = static_cast<u8>(i * 37);
    const Bytes all(data.data(), data.size());
    for (usize cut = 0; cut <= data.size(); ++cut) {
        Xxh64 hash;
        hash.add(all.first(cut));
        hash.add(all.from(cut));
        ASSERT_EQ(hash.digest(), xxh64(all)) << cut;
    }
}

} // namespace
