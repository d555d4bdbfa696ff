// tests/unit/fuzz/mutators/mutate_test.cpp — what mutation may and may not do to an input.
#include "fuzz/mutators/mutate.h"

#include <algorithm>
#include <set>

#include "fuzz/mutators/mutators.h"
#include "tests/sim/test.h"
#include "tests/unit/fuzz/fake.h"

namespace {

namespace mutators = fuzz::mutators;
using fuzz::Buffer;

// A buffer on the heap, so that AddressSanitizer finds an access behind its end.
struct Input {
    Input(const std::string &text, usize capacity) : room(new u8[capacity]), buffer({room.get(), capacity}) {
        buffer.assign(fake::bytes(text));
    }
    std::string text() const { return fake::string(buffer.bytes()); }
    std::unique_ptr<u8[]> room;
    Buffer buffer;
};

using Mutator = bool (*)(Buffer &, Random &);
struct Named {
    const char *name;
    Mutator mutate;
};
constexpr Named all[] = {
    {"flip_bit", mutators::flip_bit},
    {"random_byte", mutators::random_byte},
    {"interesting_number", mutators::interesting_number},
    {"add_to_number", mutators::add_to_number},
    {"ascii_number", mutators::ascii_number},
    {"delete_block", mutators::delete_block},
    {"insert_block", mutators::insert_block},
    {"fill_block", mutators::fill_block},
    {"copy_block", mutators::copy_block},
    {"duplicate_block", mutators::duplicate_block},
    {"swap_blocks", mutators::swap_blocks},
    {"shuffle_bytes", mutators::shuffle_bytes},
    {"duplicate_length_field", mutators::duplicate_length_field},
    {"delete_length_field", mutators::delete_length_field},
    {"move_length_field", mutators::move_length_field},
    {"resize_length_field", mutators::resize_length_field},
    {"crossover", [](Buffer &b, Random &r) { return mutators::crossover(b, fake::bytes("other input"), r); }},
    {"insert_part",
     [](Buffer &b, Random &r) { return mutators::insert_part(b, fake::bytes("other input"), r); }},
    {"overwrite_part",
     [](Buffer &b, Random &r) { return mutators::overwrite_part(b, fake::bytes("other input"), r); }},
    {"insert_token", [](Buffer &b, Random &r) { return mutators::insert_token(b, fake::bytes("token"), r); }},
    {"overwrite_token",
     [](Buffer &b, Random &r) { return mutators::overwrite_token(b, fake::bytes("token"), r); }},
};

const std::string samples[] = {"",
                               "a",
                               "ab",
                               "width 640 height 480",
                               std::string("\0\0\0\4IDATabcdCRC_\3xyz\0", 20),
                               std::string(100, '\0'),
                               std::string(64, '7')};

TEST(Mutators, EachKeepsWithinItsBufferAndReturnsWhetherItApplied) {
    for (const Named &named : all)
        for (const std::string &sample : samples)
            for (const usize room : {sample.size(), sample.size() + 1, sample.size() + 40})
                for (u64 seed = 0; seed < 40; ++seed) {
                    Random random(seed);
                    Input input(sample, room);
                    if (!named.mutate(input.buffer, random)) ASSERT_EQ(input.text(), sample) << named.name;
                    ASSERT_LE(input.buffer.size(), room) << named.name;
                }
}

TEST(Mutators, EachCanApplyToAnInputWithRoom) {
    for (const Named &named : all) {
        u32 applied = 0;
        for (u64 seed = 0; seed < 100; ++seed) {
            Random random(seed);
            Input input(samples[4] + samples[3], 200);
            applied += named.mutate(input.buffer, random) && input.text() != samples[4] + samples[3];
        }
        EXPECT_GT(applied, 20u) << named.name;
    }
}

TEST(Mutators, AnEmptyInputCanGrow) {
    Random random(1);
    Input input("", 10);
    ASSERT_TRUE(mutators::insert_block(input.buffer, random));
    EXPECT_FALSE(input.buffer.empty());
}

TEST(Mutators, FlippingABitChangesExactlyOne) {
    for (u64 seed = 0; seed < 50; ++seed) {
        Random random(seed);
        Input input("some text", 20);
        mutators::flip_bit(input.buffer, random);
        int bits = 0;
        for (usize i = 0; i < 9; ++i)
            bits += __builtin_popcount(static_cast<u8>(input.text()[i] ^ "some text"[i]));
        ASSERT_EQ(bits, 1);
    }
}

TEST(Mutators, ShufflingAndSwappingKeepTheBytes) {
    for (const Mutator mutate : {mutators::shuffle_bytes, mutators::swap_blocks})
        for (u64 seed = 0; seed < 50; ++seed) {
            Random random(seed);
            Input input("abcdefghijklmnop", 16);
            ASSERT_TRUE(mutate(input.buffer, random));
            std::string sorted = input.text();
            std::sort(sorted.begin(), sorted.end());
            ASSERT_EQ(sorted, "abcdefghijklmnop");
        }
}

TEST(Mutators, ADuplicatedBlockStandsTwiceAndTheRestIsKept) {
    for (u64 seed = 0; seed < 200; ++seed) {
        Random random(seed);
        Input input("abcdefghij", 40);
        ASSERT_TRUE(mutators::duplicate_block(input.buffer, random));
        // Removing the copy gives the original, and the copy is a part of it.
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

TEST(Mutators, AResizedLengthFieldNamesTheNewLength) {
    // One length field, and no other number that could be one.
    const std::string sample = std::string("\xff\xff\xff\x06", 4) + "\x80\x81\x82\x83\x84\x85" + "\xf0\xf1";
    u32 applied = 0;
    for (u64 seed = 0; seed < 300; ++seed) {
        Random random(seed);
        Input input(sample, 64);
        if (!mutators::resize_length_field(input.buffer, random)) continue;
        ++applied;
        const std::string text = input.text();
        ASSERT_EQ(static_cast<u8>(text[3]), 6 + text.size() - sample.size());
        ASSERT_EQ(text.substr(text.size() - 2), "\xf0\xf1");
    }
    EXPECT_GT(applied, 100u);
}

TEST(Mutators, AnAsciiNumberBecomesAnotherNumberAndTheTextAroundItStays) {
    std::set<std::string> seen;
    for (u64 seed = 0; seed < 200; ++seed) {
        Random random(seed);
        Input input("w=640;", 64);
        ASSERT_TRUE(mutators::ascii_number(input.buffer, random));
        const std::string text = input.text();
        ASSERT_EQ(text.substr(0, 2), "w=");
        ASSERT_EQ(text.back(), ';');
        ASSERT_EQ(text.find_first_not_of("0123456789", 2), text.size() - 1);
        seen.insert(text);
    }
    EXPECT_TRUE(seen.contains("w=641;") && seen.contains("w=639;") && seen.contains("w=1280;"));
}

struct MutateTest : testing::Test {
    fake::Memory memory{fuzz::Dictionary::memory(0, 8) + fuzz::ComparisonLog::memory(8)};
    fuzz::Dictionary dictionary{memory, {}, 8};
    fuzz::ComparisonLog comparison_log{memory, 8};

    std::string mutated(const std::string &text, u64 seed, usize capacity = 64) {
        Random random(seed);
        Input input(text, capacity);
        fuzz::mutate(input.buffer, {dictionary, comparison_log, fake::bytes("partner")}, random);
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

TEST_F(MutateTest, TokensOfTheDictionaryAppear) {
    dictionary.learn(fake::bytes("GIF89a"));
    u32 found = 0;
    for (u64 seed = 0; seed < 2000; ++seed)
        found += mutated("............", seed).find("GIF89a") != std::string::npos;
    EXPECT_GT(found, 40u);
}

} // namespace
