// tests/unit/fuzz/corpus_sync_test.cpp — inputs pass between cores without a lock, whole or not at all.
#include "fuzz/corpus_sync.h"

#include <atomic>
#include <thread>

#include "base/hash.h"
#include "fuzz/shared.h"
#include "tests/sim/test.h"
#include "tests/unit/fuzz/fake.h"

namespace {

using fuzz::Lane;
using fuzz::LaneReader;
using Got = LaneReader::Got;

struct ExchangeTest : testing::Test {
    static constexpr u32 words = 64;
    fake::Memory memory{Lane::memory(words)};
    Lane lane{memory, words};
    LaneReader reader;
    u8 room[256];
    fuzz::Buffer got{MutableBytes(room)};
    u64 hash = 0;

    bool send(const std::string &text) { return lane.send(fake::bytes(text), xxh64(fake::bytes(text))); }
    Got receive() { return reader.receive(lane, got, hash); }
};

TEST_F(ExchangeTest, InputsArriveInOrderAndOnce) {
    ASSERT_TRUE(send("first") && send("") && send("exactly 8 and more bytes"));
    for (const char *expected : {"first", "", "exactly 8 and more bytes"}) {
        ASSERT_EQ(receive(), Got::input);
        EXPECT_EQ(fake::string(got.bytes()), expected);
        EXPECT_EQ(hash, xxh64(got.bytes()));
    }
    EXPECT_EQ(receive(), Got::nothing);
}

TEST_F(ExchangeTest, EveryReaderGetsEveryInput) {
    LaneReader other;
    send("x");
    EXPECT_EQ(receive(), Got::input);
    EXPECT_EQ(other.receive(lane, got, hash), Got::input);
}

TEST_F(ExchangeTest, AReaderThatWasOvertakenGoesOnAtTheNewest) {
    for (u32 i = 0; i < 100; ++i) ASSERT_TRUE(send("a message of some length"));
    EXPECT_EQ(receive(), Got::overtaken);
    EXPECT_EQ(receive(), Got::nothing);
    send("next");
    EXPECT_EQ(receive(), Got::input);
    EXPECT_EQ(fake::string(got.bytes()), "next");
}

TEST_F(ExchangeTest, AnInputLargerThanHalfTheRingIsNotSent) {
    EXPECT_FALSE(send(std::string(words / 2 * 8, 'x')));
    EXPECT_EQ(receive(), Got::nothing);
}

TEST_F(ExchangeTest, AnInputLargerThanTheReaderTakesIsSkipped) {
    send("too long");
    send("ok");
    u8 little[4];
    fuzz::Buffer small{MutableBytes(little)};
    EXPECT_EQ(reader.receive(lane, small, hash), Got::overtaken);
}

TEST_F(ExchangeTest, WhatArrivesIsWholeWhileAnotherCoreWrites) {
    std::atomic<bool> enough = false;
    std::thread writer([&] {
        Random random(1);
        while (!enough) send(std::string(random.below(100), static_cast<char>('a' + random.below(26))));
    });
    u32 received = 0, torn = 0;
    while (received < 2000)
        if (receive() == Got::input) ++received, torn += hash != xxh64(got.bytes());
    enough = true;
    writer.join();
    EXPECT_EQ(torn, 0u);
}

TEST(Shared, GrantsExactlyTheCasesOfTheRun) {
    const fuzz::SharedSize size{.cores = 2, .edges = 10, .lane_words = 64};
    fake::Memory memory(fuzz::Shared::memory(size));
    fuzz::Shared shared(memory, size, 1000);
    std::atomic<u64> granted = 0;
    const auto take = [&] {
        while (const u64 more = shared.grant(64)) granted += more;
    };
    std::thread other(take);
    take();
    other.join();
    EXPECT_EQ(granted, 1000u);
}

TEST(Shared, NothingIsGrantedOnceTheRunIsStopped) {
    const fuzz::SharedSize size{.cores = 1, .edges = 10, .lane_words = 64};
    fake::Memory memory(fuzz::Shared::memory(size));
    fuzz::Shared shared(memory, size, 0);
    EXPECT_EQ(shared.grant(64), 64u);
    shared.stop();
    EXPECT_EQ(shared.grant(64), 0u);
}

TEST(Shared, ACrashIsClaimedByOneCoreAlone) {
    fuzz::SharedSet set;
    std::atomic<u32> claimed = 0;
    const auto claim = [&] {
        for (u64 number = 1; number <= 400; ++number)
            claimed += set.claim(number * 1024); // all want one slot
    };
    std::thread a(claim), b(claim);
    a.join();
    b.join();
    EXPECT_EQ(claimed, 400u);
    EXPECT_EQ(set.count(), 400u);
}

TEST(Shared, AFullSetClaimsNothingMore) {
    fuzz::SharedSet set;
    for (u64 number = 1; number <= fuzz::SharedSet::capacity; ++number) static_cast<void>(set.claim(number));
    EXPECT_TRUE(set.full());
    EXPECT_TRUE(set.knows(1));
    EXPECT_FALSE(set.knows(999999));
    EXPECT_FALSE(set.claim(999999));
}

TEST(Shared, EdgesOfAllCoresAreCountedOnce) {
    const fuzz::SharedSize size{.cores = 2, .edges = 130, .lane_words = 64};
    fake::Memory memory(fuzz::Shared::memory(size));
    fuzz::Shared shared(memory, size, 0);
    for (const u32 edge : {0u, 129u, 64u, 129u, 0u}) shared.reached(edge);
    EXPECT_EQ(shared.edges(), 3u);
}

} // namespace
