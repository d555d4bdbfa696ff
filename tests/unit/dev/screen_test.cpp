// tests/unit/dev/screen_test.cpp — the VGA text console: lines appear in the last row and scroll up.
#include "dev/screen.h"

#include <string>

#include "tests/sim/cpu.h"
#include "tests/sim/test.h"

namespace {

constexpr u32 columns = dev::Screen::columns, rows = dev::Screen::rows;

class ScreenTest : public testing::Test {
  protected:
    std::string row(u32 number) const {
        std::string text;
        for (u32 i = 0; i < columns; ++i) text += static_cast<char>(cells[number * columns + i]);
        return text.substr(0, text.find_last_not_of(' ') + 1);
    }
    volatile u16 cells[columns * rows] = {};
    dev::Screen screen;
};

TEST_F(ScreenTest, ExistingTextScrollsUp) {
    for (u32 i = 0; i < columns; ++i) cells[(rows - 1) * columns + i] = i == 0 ? 0x0700 | 'B' : 0x0700 | ' ';
    screen.attach(cells);
    EXPECT_EQ(row(rows - 2), "B");
    EXPECT_EQ(row(rows - 1), "");
}

TEST_F(ScreenTest, LinesAppearAtTheBottomInOrder) {
    screen.attach(cells);
    screen.write("one\r\ntwo\r\nthree");
    EXPECT_EQ(row(rows - 3), "one");
    EXPECT_EQ(row(rows - 2), "two");
    EXPECT_EQ(row(rows - 1), "three");
    EXPECT_EQ(cells[(rows - 1) * columns] >> 8, 0x07);
}

TEST_F(ScreenTest, ALongLineGoesOnInTheNextRow) {
    screen.attach(cells);
    const std::string text(columns + 3, 'w');
    screen.write({text.data(), text.size()});
    EXPECT_EQ(row(rows - 2), std::string(columns, 'w'));
    EXPECT_EQ(row(rows - 1), "www");
}

TEST_F(ScreenTest, AReturnGoesBackToTheRowsBeginning) {
    screen.attach(cells);
    screen.write("status one\rline");
    EXPECT_EQ(row(rows - 1), "lineus one");
}

TEST_F(ScreenTest, TextScrollsAboveTheRowsThatAreKept) {
    screen.attach(cells);
    screen.write("one\r\ntwo");
    screen.keep_rows(3);
    screen.keep_rows(3);
    EXPECT_EQ(row(rows - 4), "two");
    EXPECT_EQ(row(rows - 5), "one");
    const std::string wide(columns + 9, 'w');
    screen.set_row(0, "figures");
    screen.set_row(2, {wide.data(), wide.size()});
    screen.set_row(3, "outside");
    screen.write("\r\nthree\r\nfour");
    EXPECT_EQ(row(rows - 4), "four");
    EXPECT_EQ(row(rows - 5), "three");
    EXPECT_EQ(row(rows - 3), "figures");
    EXPECT_EQ(row(rows - 1), std::string(columns, 'w'));
    screen.set_row(0, "new");
    EXPECT_EQ(row(rows - 3), "new") << "the old line's rest is gone";
    screen.release_rows();
    screen.write("\r\npanic");
    EXPECT_EQ(row(rows - 1), "panic");
}

TEST_F(ScreenTest, AMissingScreenIgnoresText) {
    screen.write("not visible");
    screen.attach(nullptr);
    screen.write("nor this\n");
    EXPECT_EQ(cells[0], 0);
}

// The two VGA registers that are looked at; everything else reads as an empty bus does.
void pretend_vga(u8 miscellaneous_output, u8 graphics_miscellaneous) {
    sim::reset_cpus();
    static u8 index;
    index = 0;
    sim::on_port_write([](u16 port, u32, u32 value) {
        if (port == 0x3CE) index = static_cast<u8>(value);
    });
    sim::on_port_read([=](u16 port, u32) -> u32 {
        if (port == 0x3CC) return miscellaneous_output;
        return port == 0x3CF && index == 6 ? graphics_miscellaneous : 0xFF;
    });
}

TEST(ScreenPresence, TextModeAndAnAbsentVgaAreDetected) {
    pretend_vga(0x67, 0x0E); // mode 3
    EXPECT_TRUE(dev::Screen::shows_text());
    pretend_vga(0x67, 0x05); // a graphics mode
    EXPECT_FALSE(dev::Screen::shows_text());
    pretend_vga(0xFF, 0x0E);
    EXPECT_FALSE(dev::Screen::shows_text());
    sim::reset_cpus();
}

} // namespace
