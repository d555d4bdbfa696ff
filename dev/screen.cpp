// dev/screen.cpp — see screen.h. Only the last row is written; everything above has scrolled there.
#include "dev/screen.h"

namespace dev {

namespace {
constexpr u16 grey_on_black = 0x0700;
constexpr u32 last_row = (Screen::rows - 1) * Screen::columns;
} // namespace

void Screen::attach(volatile u16 *cells) {
    cells_ = cells;
    if (cells_ != nullptr) scroll();
}

void Screen::scroll() {
    for (u32 i = 0; i < last_row; ++i) cells_[i] = cells_[i + columns];
    for (u32 i = 0; i < columns; ++i) cells_[last_row + i] = grey_on_black | ' ';
    column_ = 0;
}

void Screen::put(char c) {
    if (c == '\r') return;
    if (c == '\n' || column_ == columns) scroll();
    if (c == '\n') return;
    cells_[last_row + column_++] = static_cast<u16>(grey_on_black | static_cast<u8>(c));
}

void Screen::write(Text text) {
    if (cells_ == nullptr) return;
    for (const char c : text) put(c);
}

} // namespace dev
