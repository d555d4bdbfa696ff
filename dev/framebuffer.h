// dev/framebuffer.h — a text console on a linear framebuffer, as UEFI leaves it.
//
// It does not scroll, since reading a framebuffer is slow: lines go down the screen and begin again at the
// top, with an empty line behind the newest one.
#pragma once

#include "base/text.h"
#include "base/types.h"

namespace dev {

extern "C" const u8 dev_font[]; // ASCII, one byte a row; tools/rl/building/font.py

class Framebuffer final {
  public:
    static constexpr u32 glyph_width = 8, glyph_height = 16, glyphs = 128;
    static constexpr u32 kept_columns = 80; // of a row that is kept: they are drawn often, and that is slow
    static constexpr u32 most_rows = 50;    // of text; the screen below is not used and not mapped

    constexpr Framebuffer() = default;
    // Number of pixel lines that are used, of a screen of `height`.
    static constexpr u32 lines(u32 height) { return min(height / glyph_height, most_rows) * glyph_height; }
    // `pixels` maps lines(height) lines of `stride` pixels, 32 bits each; the next line goes to text row
    // `row`.
    void attach(volatile u32 *pixels, u32 width, u32 height, u32 stride, u32 row, const u8 *font);
    u32 row() const { return row_; }
    void write(Text text);
    // Keeps so many rows at the bottom for set_row; text uses those above them. Not where too few would be
    // left.
    void keep_rows(u32 count);
    void release_rows() { rows_ += kept_, kept_ = 0; }
    // Shows a line in a row that is kept, counted from the first of them.
    void set_row(u32 number, Text text);

  private:
    void put(char c);
    void draw(u32 row, u32 column, char c);
    void clear(u32 row);
    void next_row();
    volatile u32 *pixels_ = nullptr;
    const u8 *font_ = nullptr;
    u32 stride_ = 0, rows_ = 0, columns_ = 0;
    u32 row_ = 0, column_ = 0;
    u32 kept_ = 0; // rows behind the rows_ of text
};

} // namespace dev
