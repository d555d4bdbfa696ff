// base/span.h — views of memory that another object owns, and a fixed array. Index checks stay on in release.
#pragma once

#include "base/check.h"
#include "base/types.h"

// One cold function each for the whole program, so that a checked access costs a compare and a branch; the
// backtrace names the place.
[[noreturn]] void span_index_failed(usize index, usize size);
[[noreturn]] void span_part_failed(usize from, usize count, usize size);

template <class T> class Span {
  public:
    constexpr Span() = default;
    constexpr Span(T *data, usize size) : data_(data), size_(size) {}
    template <usize n> constexpr Span(T (&array)[n]) : data_(array), size_(n) {}
    constexpr operator Span<const T>() const { return {data_, size_}; }

    constexpr T *data() const { return data_; }
    constexpr usize size() const { return size_; }
    constexpr bool empty() const { return size_ == 0; }
    constexpr T *begin() const { return data_; }
    constexpr T *end() const { return data_ + size_; }
    constexpr T &operator[](usize i) const {
        if (i >= size_) [[unlikely]]
            span_index_failed(i, size_);
        return data_[i];
    }

    // The part [from, from + count); a caller with numbers from outside checks `holds` first.
    constexpr Span sub(usize from, usize count) const {
        if (!holds(from, count)) [[unlikely]]
            span_part_failed(from, count, size_);
        return {data_ + from, count};
    }
    constexpr Span from(usize start) const { return sub(start, size_ - min(start, size_)); }
    constexpr Span first(usize count) const { return sub(0, count); }
    constexpr bool holds(usize from, usize count) const { return from <= size_ && count <= size_ - from; }

  private:
    T *data_ = nullptr;
    usize size_ = 0;
};

using Bytes = Span<const u8>;
using MutableBytes = Span<u8>;

template <class T, usize n> struct Array {
    T elements[n];

    constexpr T &operator[](usize i) {
        if (i >= n) [[unlikely]]
            span_index_failed(i, n);
        return elements[i];
    }
    constexpr const T &operator[](usize i) const {
        if (i >= n) [[unlikely]]
            span_index_failed(i, n);
        return elements[i];
    }
    constexpr T *begin() { return elements; }
    constexpr T *end() { return elements + n; }
    constexpr const T *begin() const { return elements; }
    constexpr const T *end() const { return elements + n; }
    static constexpr usize size() { return n; }
    constexpr Span<T> span() { return {elements, n}; }
    constexpr Span<const T> span() const { return {elements, n}; }
};
