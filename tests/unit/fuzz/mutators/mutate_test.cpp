// tests/unit/fuzz/mutators/mutate_test.cpp — what mutation may and may not do to an input.
#include "fuzz/mutators/mutate.h"

#include <algorithm>
#include <set>

#include "fuzz/mutators/mutators.h"
#include "tests/sim/test.h"
#include "tests/unit/fuzz/fake.h"

namespace {

namespace changes = fuzz::changes;
using fuzz::Buffer;

// A buffer whose room ends where the sanitizer watches.
struct Input {
    Input(const std::string &text, usize capacity) : room(new u8[capacity]), buffer({room.get(), capacity}) {
        buffer.assign(fake::bytes(text));
    }
    std::string text() const { return fake::string(buffer.bytes()); }
    std::unique_ptr<u8[]> room;
    Buffer buffer;
};

using Change = bool (*)(Buffer &, Random &);
struct Named {
    const char *name;
    Change change;
};
constexpr Named all[] = {
    {"flip_bit", changes::flip_bit},
    {"random_byte", changes::random_byte},
    {"interesting_number", changes::interesting_number},
    {"add_to_number", changes::add_to_number},
    {"ascii_number", changes::ascii_number},
    {"delete_block", changes::delete_block},
    {"insert_block", changes::insert_block},
    {"fill_block", changes::fill_block},
    {"copy_block", changes::copy_block},
    {"duplicate_block", changes::duplicate_block},
    {"swap_blocks", changes::swap_blocks},
    {"shuffle_bytes", changes::shuffle_bytes},
    {"duplicate_chunk", changes::duplicate_chunk},
    {"delete_chunk", changes::delete_chunk},
    {"move_chunk", changes::move_chunk},
    {"resize_chunk", changes::resize_chunk},
    {"crossover", [](Buffer &b, Random &r) { return changes::crossover(b, fake::bytes("other input"), r); }},
    {"insert_part",
     [](Buffer &b, Random &r) { return changes::insert_part(b, fake::bytes("other input"), r); }},
    {"overwrite_part",
     [](Buffer &b, Random &r) { return changes::overwrite_part(b, fake::bytes("other input"), r); }},
    {"insert_token", [](Buffer &b, Random &r) { return changes::insert_token(b, fake::bytes("token"), r); }},
    {"overwrite_token",
     [](Buffer &b, Random &r) { return changes::overwrite_token(b, fake::bytes("token"), r); }},
};

const std::string samples[] = {"",
                               "a",
                               "ab",
                               "width 640 height 480",
                               std::string("\0\0\0\4IDATabcdCRC_\3xyz\0", 20),
                               std::string(100, '\0'),
                               std::string(64, '7')};

TEST(Changes, EachKeepsWithinItsBufferAndReportsTruthfullyWhetherItApplied) {
    for (const Named &named : all)
        for (const std::string &sample : samples)
            for (const usize room : {sample.size(), sample.size() + 1, sample.size() + 40})
                for (u64 seed = 0; seed < 40; ++seed) {
                    Random random(seed);
                    Input input(sample, room);
                    if (!named.change(input.buffer, random)) ASSERT_EQ(input.text(), sample) << named.name;
                    ASSERT_LE(input.buffer.size(), room) << named.name;
                }
}

TEST(Changes, EachCanApplyToAnInputWithRoom) {
    for (const Named &named : all) {
        u32 applied = 0;
        for (u64 seed = 0; seed < 100; ++seed) {
            Random random(seed);
            Input input(samples[4] + samples[3], 200);
            applied += named.change(input.buffer, random) && input.text() != samples[4] + samples[3];
        }
        EXPECT_GT(applied, 20u) << named.name;
    }
}

TEST(Changes, AnEmptyInputCanGrow) {
    Random random(1);
    Input input("", 10);
    ASSERT_TRUE(changes::insert_block(input.buffer, random));
    EXPECT_FALSE(input.buffer.empty());
}

TEST(Changes, FlippingABitChangesExactlyOne) {
    for (u64 seed = 0; seed < 50; ++seed) {
        Random random(seed);
        Input input("some text", 20);
        changes::flip_bit(input.buffer, random);
        int bits = 0;
        for (usize i = 0; i < 9; ++i)
            bits += __builtin_popcount(static_cast<u8>(input.text()[i] ^ "some text"[i]));
        ASSERT_EQ(bits, 1);
    }
}

TEST(Changes, ShufflingAndSwappingKeepTheBytes) {
    for (const Change change : {changes::shuffle_bytes, changes::swap_blocks})
        for (u64 seed = 0; seed < 50; ++seed) {
            Random random(seed);
            Input input("abcdefghijklmnop", 16);
            ASSERT_TRUE(change(input.buffer, random));
            std::string sorted = input.text();
            std::sort(sorted.begin(), sorted.end());
            ASSERT_EQ(sorted, "abcdefghijklmnop");
        }
}

TEST(Changes, ADuplicatedBlockStandsTwiceAndTheRestIsKept) {
    for (u64 seed = 0; seed < 200; ++seed) {
        Random random(seed);
        Input input("abcdefghij", 40);
        ASSERT_TRUE(changes::duplicate_block(input.buffer, random));
        // Taking the copy out again at some place gives the original, and the copy is a part of it.
        const std::string text = input.text();
        const usize size = text.size() - 10;
        bool explained = false;
        for (usize at = 0; at + size <= text.size(); ++at) {
            std::string rest = text;
            rest.erase(at, size);
            explained |= rest == "abcdefghij" && rest.find(text.substr(at, size)) != std::string::npos;
        }
        ASSERT_TRUE(explained) << text;
    }
}

TEST(Changes, AResizedChunkKeepsItsLengthTrue) {
    // One length and nothing else that could be taken for one.
    const std::string sample = std::string("\xff\xff\xff\x06", 4) + "\x80\x81\x82\x83\x84\x85" + "\xf0\xf1";
    u32 applied = 0;
    for (u64 seed = 0; seed < 300; ++seed) {
        Random random(seed);
        Input input(sample, 64);
        if (!changes::resize_chunk(input.buffer, random)) continue;
        ++applied;
        const std::string text = input.text();
        ASSERT_EQ(static_cast<u8>(text[3]), 6 + text.size() - sample.size());
        ASSERT_EQ(text.substr(text.size() - 2), "\xf0\xf1");
    }
    EXPECT_GT(applied, 100u);
}

TEST(Changes, AnAsciiNumberBecomesAnotherNumberAndTheTextAroundItStays) {
    std::set<std::string> seen;
    for (u64 seed = 0; seed < 200; ++seed) {
        Random random(seed);
        Input input("w=640;", 64);
        ASSERT_TRUE(changes::ascii_number(input.buffer, random));
        const std::string text = input.text();
        ASSERT_EQ(text.substr(0, 2), "w=");
        ASSERT_EQ(text.back(), ';');
        ASSERT_EQ(text.find_first_not_of("0123456789", 2), text.size() - 1);
        seen.insert(text);
    }
    EXPECT_TRUE(seen.contains("w=641;") && seen.contains("w=639;") && seen.contains("w=1280;"));
}

struct MutateTest : testing::Test {
    fake::Memory memory{fuzz::Dictionary::memory(8) + fuzz::Operands::memory(8)};
    fuzz::Dictionary dictionary{memory, 8};
    fuzz::Operands operands{memory, 8};

    std::string mutated(const std::string &text, u64 seed, usize capacity = 64) {
        Random random(seed);
        Input input(text, capacity);
        fuzz::mutate(input.buffer, {dictionary, operands, fake::bytes("partner")}, random);
        return input.text();
    }
};

TEST_F(MutateTest, TheSameSeedGivesTheSameInput) {
    for (u64 seed = 0; seed < 100; ++seed) ASSERT_EQ(mutated("hello", seed), mutated("hello", seed));
}

TEST_F(MutateTest, NearlyEveryMutationChangesTheInput) {
    u32 unchanged = 0;
    std::set<std::string> seen;
    for (u64 seed = 0; seed < 1000; ++seed) {
        const std::string text = mutated("hello, world", seed);
        unchanged += text == "hello, world";
        seen.insert(text);
    }
    EXPECT_LT(unchanged, 50u);
    EXPECT_GT(seen.size(), 700u);
}

TEST_F(MutateTest, TheMaximalLengthHoldsEvenForNothing) {
    for (u64 seed = 0; seed < 2000; ++seed) ASSERT_LE(mutated("abc", seed, 3).size(), 3u);
    for (u64 seed = 0; seed < 100; ++seed) ASSERT_EQ(mutated("", seed, 0), "");
}

TEST_F(MutateTest, TokensOfTheDictionaryTurnUp) {
    dictionary.add(fake::bytes("GIF89a"));
    u32 found = 0;
    for (u64 seed = 0; seed < 2000; ++seed)
        found += mutated("............", seed).find("GIF89a") != std::string::npos;
    EXPECT_GT(found, 40u);
}

} // namespace
