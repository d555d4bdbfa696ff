// fuzz/arena.h — an allocator without free over one block of memory that the caller provides.
//
// Nothing in fuzz/ allocates later: every table is taken from an arena when its owner is constructed, and
// each owner states how much it needs.
#pragma once

#include <new>

#include "base/span.h"

namespace fuzz {

// How much Arena::take needs for `count` objects, alignment included.
template <class T> constexpr usize room_for(usize count) { return align_up(count * sizeof(T), 16); }

class Arena {
  public:
    explicit Arena(MutableBytes memory) : memory_(memory) {
        CHECK(is_aligned(reinterpret_cast<u64>(memory.data()), 16), "an arena is aligned to 16 bytes");
    }

    // `count` objects, each made from `arguments`.
    template <class T, class... As> Span<T> take(usize count, const As &...arguments) {
        static_assert(std::is_trivially_destructible_v<T> && alignof(T) <= 16);
        const usize size = room_for<T>(count);
        CHECK(size <= memory_.size() - used_, "the arena is as large as its users stated", size, used_,
              memory_.size());
        T *const objects = reinterpret_cast<T *>(memory_.data() + used_);
        used_ += size;
        for (usize i = 0; i < count; ++i) new (objects + i) T(arguments...);
        return {objects, count};
    }
    usize used() const { return used_; }

  private:
    MutableBytes memory_;
    usize used_ = 0;
};

} // namespace fuzz
