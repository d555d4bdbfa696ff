// tests/unit/fuzz/corpus_sync_test.cpp — inputs pass between cores without a lock, whole or not at all.
#include "fuzz/corpus_sync.h"

#include <atomic>
#include <thread>

#include "base/hash.h"
#include "fuzz/shared.h"
#include "tests/sim/test.h"
#include "tests/unit/fuzz/fake.h"

namespace {

using fuzz::InputRing;
using fuzz::InputRingReader;
using Got = InputRingReader::Got;

struct CorpusSyncTest : testing::Test {
    static constexpr u32 words = 64;
    fake::Memory memory{InputRing::memory(words)};
    InputRing ring{memory, words};
    InputRingReader reader;
    u8 room[256];
    fuzz::Buffer got{MutableBytes(room)};
    u64 hash = 0;

    bool send(const std::string &text) { return ring.send(fake::bytes(text), xxh64(fake::bytes(text))); }
    Got receive() { return reader.receive(ring, got, hash); }
};

TEST_F(CorpusSyncTest, InputsArriveInOrderAndOnce) {
    ASSERT_TRUE(send("first") && send("") && send("exactly 8 and more bytes"));
    for (const char *expected : {"first", "", "exactly 8 and more bytes"}) {
        ASSERT_EQ(receive(), Got::input);
        EXPECT_EQ(fake::string(got.bytes()), expected);
        EXPECT_EQ(hash, xxh64(got.bytes()));
    }
    EXPECT_EQ(receive(), Got::nothing);
}

TEST_F(CorpusSyncTest, EveryReaderGetsEveryInput) {
    InputRingReader other;
    send("x");
    EXPECT_EQ(receive(), Got::input);
    EXPECT_EQ(other.receive(ring, got, hash), Got::input);
}

TEST_F(CorpusSyncTest, AReaderThatWasOvertakenContinuesAtTheNewest) {
    for (u32 i = 0; i < 100; ++i) ASSERT_TRUE(send("a message of some length"));
    EXPECT_EQ(receive(), Got::overtaken);
    EXPECT_EQ(receive(), Got::nothing);
    send("next");
    EXPECT_EQ(receive(), Got::input);
    EXPECT_EQ(fake::string(got.bytes()), "next");
}

TEST_F(CorpusSyncTest, AnInputLargerThanHalfTheRingIsNotSent) {
    EXPECT_FALSE(send(std::string(words / 2 * 8, 'x')));
    EXPECT_EQ(receive(), Got::nothing);
}

TEST_F(CorpusSyncTest, AnInputLargerThanTheReaderTakesIsSkipped) {
    send("too long");
    send("ok");
    u8 little[4];
    fuzz::Buffer small{MutableBytes(little)};
    EXPECT_EQ(reader.receive(ring, small, hash), Got::overtaken);
}

TEST_F(CorpusSyncTest, WhatArrivesIsWholeWhileAnotherCoreWrites) {
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
    const fuzz::SharedSize size{.cores = 2, .edges = 10, .ring_words = 64};
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
    const fuzz::SharedSize size{.cores = 1, .edges = 10, .ring_words = 64};
    fake::Memory memory(fuzz::Shared::memory(size));
    fuzz::Shared shared(memory, size, 0);
    EXPECT_EQ(shared.grant(64), 64u);
    shared.stop();
    EXPECT_EQ(shared.grant(64), 0u);
}

TEST(Shared, EdgesOfAllCoresAreCountedOnce) {
    const fuzz::SharedSize size{.cores = 2, .edges = 130, .ring_words = 64};
    fake::Memory memory(fuzz::Shared::memory(size));
    fuzz::Shared shared(memory, size, 0);
    for (const u32 edge : {0u, 129u, 64u, 129u, 0u}) shared.reached(edge);
    EXPECT_EQ(shared.edges(), 3u);
}

} // namespace
