// tests/unit/dev/framebuffer_test.cpp — text drawn as pixels: its place, what is cleared, and no write
// outside.
#include "dev/framebuffer.h"

#include <string>
#include <vector>

#include "tests/sim/test.h"

namespace {

using dev::Framebuffer;

constexpr u32 columns = 5, rows = 4, stride = columns * 8 + 3, margin = 64, untouched = 0x12345678;

class FramebufferTest : public testing::Test {
  protected:
    FramebufferTest() : pixels(margin + stride * (rows * 16 + 7) + margin, untouched), font(128 * 16) {
        // Each glyph's rows are its own number, so that a cell can be read back; blank is blank.
        for (u32 code = 33; code < 128; ++code)
            for (u32 y = 0; y < 16; ++y) font[code * 16 + y] = static_cast<u8>(code);
    }
    void attach(u32 row = 0) {
        screen.attach(pixels.data() + margin, columns * 8, rows * 16 + 7, stride, row, font.data());
    }
    std::string row(u32 number) const {
        std::string text;
        for (u32 column = 0; column < columns; ++column) {
            u32 code = 0;
            for (u32 x = 0; x < 8; ++x) {
                const u32 pixel = pixels[margin + number * 16 * stride + column * 8 + x];
                if (pixel == untouched) return "untouched";
                code = code << 1 | (pixel != 0 ? 1 : 0);
            }
            text += code == 0 ? ' ' : static_cast<char>(code);
        }
        return text.substr(0, text.find_last_not_of(' ') + 1);
    }
    std::vector<u32> pixels;
    std::vector<u8> font;
    Framebuffer screen;
};

TEST_F(FramebufferTest, LinesGoDownFromTheTopWithAnEmptyOneBehind) {
    attach();
    screen.write("ab\r\nc");
    EXPECT_EQ(row(0), "ab");
    EXPECT_EQ(row(1), "c");
    EXPECT_EQ(row(2), "");
    EXPECT_EQ(row(3), "untouched");
}

TEST_F(FramebufferTest, AfterTheLastRowItBeginsAtTheTopAndOverwritesTheOldest) {
    attach();
    screen.write("1\n2\n3\n4\n5");
    EXPECT_EQ(row(0), "5");
    EXPECT_EQ(row(1), "");
    EXPECT_EQ(row(2), "3");
    EXPECT_EQ(row(3), "4");
}

TEST_F(FramebufferTest, TextUsesTheRowsAboveThoseThatAreKept) {
    attach();
    screen.write("1\n2");
    screen.keep_rows(2);
    screen.set_row(0, "kept");
    screen.set_row(1, "too long");
    screen.set_row(2, "outside");
    screen.write("\n3\n4");
    EXPECT_EQ(row(1), "4");
    EXPECT_EQ(row(2), "kept");
    EXPECT_EQ(row(3), "too l");
    screen.set_row(0, "k");
    EXPECT_EQ(row(2), "k");
}

TEST_F(FramebufferTest, ASmallScreenKeepsNoRows) {
    attach();
    screen.keep_rows(rows - 1);
    screen.set_row(0, "no");
    screen.write("1\n2\n3\n4");
    EXPECT_EQ(row(3), "4");
}

TEST_F(FramebufferTest, ItContinuesInTheGivenRow) {
    attach(rows + 2);
    screen.write("ab\n");
    EXPECT_EQ(row(1), "untouched");
    EXPECT_EQ(row(2), "ab");
    EXPECT_EQ(screen.row(), 3u);
}

TEST_F(FramebufferTest, ALongLineGoesOnInTheNextRow) {
    attach();
    screen.write("abcdefg");
    EXPECT_EQ(row(0), "abcde");
    EXPECT_EQ(row(1), "fg");
}

TEST_F(FramebufferTest, WhatIsNotInTheFontIsAQuestionMark) {
    attach();
    screen.write("a\xC3z");
    EXPECT_EQ(row(0), "a?z");
}

TEST_F(FramebufferTest, NothingBesideTheTextIsWritten) {
    attach();
    for (u32 i = 0; i < 50; ++i) screen.write("abcdefghij\n");
    for (u32 i = 0; i < margin; ++i) EXPECT_EQ(pixels[i], untouched);
    for (usize i = margin + stride * rows * 16; i < pixels.size(); ++i) EXPECT_EQ(pixels[i], untouched);
    for (u32 y = 0; y < rows * 16; ++y)
        for (u32 x = columns * 8; x < stride; ++x) EXPECT_EQ(pixels[margin + y * stride + x], untouched);
}

TEST_F(FramebufferTest, AMissingOrTooSmallScreenIgnoresText) {
    screen.write("not visible\n");
    screen.attach(pixels.data() + margin, columns * 8, 31, stride, 0, font.data());
    screen.write("nor this\n");
    screen.attach(pixels.data() + margin, 7, 100, stride, 0, font.data());
    screen.write("nor this\n");
    for (const u32 pixel : pixels) EXPECT_EQ(pixel, untouched);
}

TEST_F(FramebufferTest, OnlySoManyLinesAreUsed) {
    EXPECT_EQ(Framebuffer::lines(1080), 800u);
    EXPECT_EQ(Framebuffer::lines(479), 464u);
    EXPECT_EQ(Framebuffer::lines(15), 0u);
}

} // namespace
