// dev/screen.cpp — see screen.h. Text is written to the last row only; older rows have scrolled up.
#include "dev/screen.h"

#include "cpu/ops.h"

namespace dev {

namespace {
constexpr u16 grey_on_black = 0x0700;
} // namespace

// Registers as in the IBM VGA's technical reference: Miscellaneous Output read at 3CCh, the graphics
// controller's Miscellaneous at index 6, whose bit 0 is "graphics mode". Without a VGA the ports read as
// ones.
bool Screen::shows_text() {
    constexpr u16 miscellaneous_output = 0x3CC, index = 0x3CE, value = 0x3CF;
    if (cpu::in8(miscellaneous_output) == 0xFF) return false;
    cpu::out8(index, 6);
    return (cpu::in8(value) & 1) == 0;
}

void Screen::attach(volatile u16 *cells) {
    cells_ = cells;
    if (cells_ != nullptr) scroll();
}

void Screen::scroll() {
    const u32 last_row = (text_rows_ - 1) * columns;
    for (u32 i = 0; i < last_row; ++i) cells_[i] = cells_[i + columns];
    for (u32 i = 0; i < columns; ++i) cells_[last_row + i] = grey_on_black | ' ';
    column_ = 0;
}

void Screen::put(char c) {
    if (c == '\r') {
        column_ = 0;
        return;
    }
    if (c == '\n' || column_ == columns) scroll();
    if (c == '\n') return;
    cells_[(text_rows_ - 1) * columns + column_++] = static_cast<u16>(grey_on_black | static_cast<u8>(c));
}

void Screen::write(Text text) {
    if (cells_ == nullptr) return;
    for (const char c : text) put(c);
}

void Screen::keep_rows(u32 count) {
    if (cells_ == nullptr || count >= rows) return;
    for (; text_rows_ > rows - count; --text_rows_)
        for (u32 i = 0; i < (text_rows_ - 1) * columns; ++i) cells_[i] = cells_[i + columns];
}

void Screen::set_row(u32 number, Text text) {
    if (cells_ == nullptr || text_rows_ + number >= rows) return;
    for (u32 i = 0; i < columns; ++i)
        cells_[(text_rows_ + number) * columns + i] =
            static_cast<u16>(grey_on_black | static_cast<u8>(i < text.size() ? text[i] : ' '));
}

} // namespace dev
