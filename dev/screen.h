// dev/screen.h — the VGA text console: 80 columns by 25 rows, scrolling.
#pragma once

#include "base/text.h"
#include "base/types.h"

namespace dev {

class Screen final {
  public:
    static constexpr u64 physical = 0xB8000;
    static constexpr u32 columns = 80, rows = 25;

    constexpr Screen() = default;
    // Whether there is a VGA in text mode: UEFI leaves a graphics mode, small machines have no VGA.
    static bool shows_text();
    // `cells` is the text buffer's mapping, columns * rows cells; nullptr disables the console. Existing
    // text scrolls up.
    void attach(volatile u16 *cells);
    void write(Text text);
    // Keeps so many rows at the bottom for set_row: text scrolls above them.
    void keep_rows(u32 count);
    void release_rows() { text_rows_ = rows; }
    // Shows a line in a row that is kept, counted from the first of them.
    void set_row(u32 number, Text text);

  private:
    void put(char c);
    void scroll();
    volatile u16 *cells_ = nullptr;
    u32 column_ = 0;
    u32 text_rows_ = rows;
};

} // namespace dev
