// dev/framebuffer.cpp — see framebuffer.h.
#include "dev/framebuffer.h"

namespace dev {

namespace {
constexpr u32 grey = 0x00AAAAAA, black = 0; // the same in RGB and BGR
} // namespace

void Framebuffer::attach(volatile u32 *pixels, u32 width, u32 height, u32 stride, u32 row, const u8 *font) {
    rows_ = lines(height) / glyph_height;
    columns_ = min(width, stride) / glyph_width;
    pixels_ = rows_ < 2 || columns_ == 0 ? nullptr : pixels;
    stride_ = stride;
    font_ = font;
    if (pixels_ == nullptr) return;
    row_ = row % rows_;
    column_ = 0;
    clear(row_);
    clear((row_ + 1) % rows_);
}

void Framebuffer::clear(u32 row) {
    for (u32 column = 0; column < columns_; ++column) draw(row, column, ' ');
}

void Framebuffer::draw(u32 row, u32 column, char c) {
    const u32 code = static_cast<u8>(c) < glyphs ? static_cast<u8>(c) : '?';
    const u8 *glyph = font_ + code * glyph_height;
    for (u32 y = 0; y < glyph_height; ++y) {
        const u64 line = u64{row * glyph_height + y} * stride_ + column * glyph_width;
        for (u32 x = 0; x < glyph_width; ++x) pixels_[line + x] = (glyph[y] & 0x80 >> x) != 0 ? grey : black;
    }
}

void Framebuffer::next_row() {
    row_ = (row_ + 1) % rows_;
    column_ = 0;
    clear((row_ + 1) % rows_);
}

void Framebuffer::put(char c) {
    if (c == '\r') {
        column_ = 0;
        return;
    }
    if (c == '\n' || column_ == columns_) next_row();
    if (c != '\n') draw(row_, column_++, c);
}

void Framebuffer::write(Text text) {
    if (pixels_ == nullptr) return;
    for (const char c : text) put(c);
}

void Framebuffer::keep_rows(u32 count) {
    if (pixels_ == nullptr || kept_ != 0 || rows_ < count + 2) return;
    kept_ = count;
    rows_ -= count;
    if (row_ >= rows_) row_ = column_ = 0; // the line there is covered
    clear(row_);
    clear((row_ + 1) % rows_);
    for (u32 row = rows_; row < rows_ + kept_; ++row) clear(row);
}

void Framebuffer::set_row(u32 number, Text text) {
    if (pixels_ == nullptr || number >= kept_) return;
    for (u32 column = 0; column < min(columns_, kept_columns); ++column)
        draw(rows_ + number, column, column < text.size() ? text[column] : ' ');
}

} // namespace dev
