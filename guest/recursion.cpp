// guest/recursion.cpp — see recursion.h.
#include "guest/recursion.h"

namespace guest {

bool RecursionFold::ends_with_two_rounds(u32 length) const {
    const u32 second = count_ - length, first = second - length;
    for (u32 i = 0; i < length; ++i)
        if (functions_[first + i] != functions_[second + i]) return false;
    return true;
}

// Drops the outer one of the two rounds at the end, and what was noted about recursion inside it.
void RecursionFold::drop_round(u32 length) {
    count_ -= length;
    while (recursion_count_ != 0 && recursions_[recursion_count_ - 1].first >= count_) --recursion_count_;
    const u32 first = count_ - length;
    if (recursion_count_ != 0) {
        vm::Recursion &last = recursions_[recursion_count_ - 1];
        if (last.first == first && last.length == length) {
            ++last.repeats;
            return;
        }
    }
    if (recursion_count_ == recursions_.size()) return;
    recursions_[recursion_count_++] = {first, length, 1};
}

bool RecursionFold::add(u64 pc, u64 function) {
    if (count_ == frames_.size()) return false;
    frames_[count_] = pc;
    functions_[count_++] = function;
    for (u32 length = 1; length * 2 <= count_; ++length)
        if (ends_with_two_rounds(length)) {
            drop_round(length);
            break;
        }
    return true;
}

} // namespace guest
