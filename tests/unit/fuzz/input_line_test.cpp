// tests/unit/fuzz/input_line_test.cpp — inputs that arrive by the console: whole ones, and every way to
// damage one.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "base/hash.h"
#include "fuzz/input_line.h"

namespace {

using fuzz::InputLineStatus;

constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string base64(const std::vector<u8> &data) {
    std::string out;
    for (usize i = 0; i < data.size(); i += 3) {
        const usize left = std::min<usize>(3, data.size() - i);
        u32 word = 0;
        for (usize k = 0; k < 3; ++k) word = word << 8 | (k < left ? data[i + k] : 0u);
        for (usize k = 0; k < 4; ++k) out += k <= left ? digits[word >> (18 - 6 * k) & 63] : '=';
    }
    return out;
}

std::string line_of(const std::vector<u8> &data) {
    char head[64];
    std::snprintf(head, sizeof head, "%zu %016lx ", data.size(), xxh64({data.data(), data.size()}));
    return head + base64(data);
}

class InputLineTest : public testing::Test {
  protected:
    std::vector<u8> room = std::vector<u8>(256);
    fuzz::InputLine line{{room.data(), room.size()}};
    std::mt19937_64 random{1};

    std::vector<u8> some_bytes(usize size) {
        std::vector<u8> data(size);
        for (u8 &byte : data) byte = static_cast<u8>(random());
        return data;
    }
    InputLineStatus read(const std::string &text) {
        line.begin();
        for (const char c : text) line.take(static_cast<u8>(c));
        return line.end();
    }
    std::vector<u8> got() const { return {line.input().begin(), line.input().end()}; }
};

TEST_F(InputLineTest, InputsOfEverySizeArriveWhole) {
    for (usize size = 0; size <= room.size(); ++size) {
        const std::vector<u8> data = some_bytes(size);
        ASSERT_EQ(read(line_of(data)), InputLineStatus::whole) << size;
        EXPECT_EQ(got(), data);
        EXPECT_EQ(line.hash(), xxh64({data.data(), data.size()}));
    }
}

TEST_F(InputLineTest, AnInputLargerThanTheRoomIsTooLong) {
    EXPECT_EQ(read(line_of(some_bytes(room.size() + 1))), InputLineStatus::too_long);
    EXPECT_EQ(read(line_of(some_bytes(9))), InputLineStatus::whole); // and the next one arrives
}

TEST_F(InputLineTest, ALineWithoutOneOfItsBytesIsDamaged) {
    const std::string whole = line_of(some_bytes(100));
    for (usize at = 0; at < whole.size(); ++at) {
        std::string text = whole;
        text.erase(at, 1);
        // Less padding alone leaves all bytes whole.
        if (whole[at] != '=') EXPECT_NE(read(text), InputLineStatus::whole) << at;
    }
}

TEST_F(InputLineTest, ALineWithAnotherByteIsNeverTakenForAnotherInput) {
    const std::vector<u8> data = some_bytes(50);
    const std::string whole = line_of(data);
    for (u32 round = 0; round < 20'000; ++round) {
        std::string text = whole;
        text[random() % text.size()] = static_cast<char>(random());
        if (random() % 4 == 0) text.insert(random() % text.size(), 1, static_cast<char>(random()));
        if (read(text) == InputLineStatus::whole) ASSERT_EQ(got(), data) << text;
    }
}

TEST_F(InputLineTest, WhatIsNoInputIsDamaged) {
    for (const char *text :
         {"", " ", "input", "3", "3 ", "3 0123456789abcdef", "3 0123456789abcdef AAAA", "0 0123456789abcdef ",
          "99999999999 0123456789abcdef AAAA", "-1 0 A", "1  A", "===="})
        EXPECT_NE(read(text), InputLineStatus::whole) << text;
    EXPECT_NE(read(std::string(100'000, 'A')), InputLineStatus::whole);
    EXPECT_NE(read("3 0123456789abcdef " + std::string(100'000, '=')), InputLineStatus::whole);
}

} // namespace
