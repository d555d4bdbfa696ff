// tests/unit/fuzz/outbox_test.cpp — messages leave whole, urgent ones first, and none is half accepted.
#include "fuzz/outbox.h"

#include <thread>

#include "tests/sim/test.h"
#include "tests/unit/fuzz/fake.h"

namespace {

using fuzz::ByteQueue;
using fuzz::Merger;
using fuzz::Outbox;

struct OutboxTest : testing::Test {
    fake::Memory memory{2 * Outbox::memory(64)};
    Outbox a{memory, 64}, b{memory, 64};
    Outbox *both[2] = {&a, &b};
    Merger merger;

    static bool put(ByteQueue &queue, Text text) {
        queue.begin()(text);
        return queue.commit();
    }
    // At most `limit` bytes, as a UART takes them.
    std::string take(usize limit) {
        const Bytes bytes = merger.next({both, 2}, limit);
        std::string text = fake::string(bytes);
        merger.sent(bytes.size());
        return text;
    }
    std::string take_all(usize limit) {
        std::string all;
        for (std::string part; !(part = take(limit)).empty();) all += part;
        return all;
    }
};

TEST_F(OutboxTest, UrgentMessagesOfEveryCoreGoFirst) {
    put(a.ordinary, "stats\n");
    put(b.ordinary, "corpus\n");
    put(b.urgent, "crash\n");
    EXPECT_EQ(take_all(100).substr(0, 6), "crash\n");
}

TEST_F(OutboxTest, AMessageIsFinishedBeforeAnotherBegins) {
    put(a.ordinary, "one\ntwo\n");
    EXPECT_EQ(take(5), "one\nt");
    put(b.urgent, "crash\n");
    EXPECT_EQ(take_all(3), "wo\ncrash\n");
}

TEST_F(OutboxTest, CoresTakeTurns) {
    for (u32 i = 0; i < 3; ++i) put(a.ordinary, "a"), put(b.ordinary, "b");
    const std::string all = take_all(1);
    EXPECT_TRUE(all == "bababa" || all == "ababab") << all;
}

TEST_F(OutboxTest, AMessageThatDoesNotFitIsRefusedWhole) {
    EXPECT_TRUE(put(a.ordinary, "0123456789012345678901234567890123456789"));
    EXPECT_FALSE(put(a.ordinary, "0123456789012345678901234567890123456789"));
    EXPECT_TRUE(put(a.ordinary, "small"));
    EXPECT_EQ(take_all(100), "0123456789012345678901234567890123456789small");
}

TEST_F(OutboxTest, TheRingWrapsWithoutLosingAByte) {
    for (u32 round = 0; round < 100; ++round) {
        const std::string text = std::to_string(round) + std::string(round % 50, 'x');
        ASSERT_TRUE(put(a.ordinary, {text.data(), text.size()}));
        ASSERT_EQ(take_all(7), text);
    }
}

TEST_F(OutboxTest, WhatOneCoreWritesAnotherReadsWhole) {
    constexpr u32 messages = 20000;
    std::thread writer([this] {
        for (u32 i = 0; i < messages;) {
            TextBuffer<32> text;
            text.add("<{}>", i);
            if (put(a.ordinary, text.text())) ++i;
        }
    });
    std::string all;
    while (all.size() < 7 || all.substr(all.size() - 7) != "<19999>") all += take(9);
    writer.join();
    std::string expected;
    for (u32 i = 0; i < messages; ++i) expected += "<" + std::to_string(i) + ">";
    EXPECT_EQ(all, expected);
}

} // namespace
