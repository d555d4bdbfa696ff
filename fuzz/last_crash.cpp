// fuzz/last_crash.cpp — see last_crash.h. A reader that finds another version behind its reading has read a
// mixture.
#include "fuzz/last_crash.h"

namespace fuzz {

void LastCrash::store(const Lines &lines) {
    u64 version = version_.load();
    if (version % 2 != 0 || !version_.compare_exchange(version, version + 1, Order::acquire, Order::relaxed))
        return;
    fence(Order::release);
    const u8 *const from = reinterpret_cast<const u8 *>(&lines);
    for (u32 i = 0; i < words; ++i) {
        u64 word = 0;
        __builtin_memcpy(&word, from + i * sizeof word, sizeof word);
        words_[i].store(word);
    }
    version_.store(version + 2, Order::release);
}

bool LastCrash::read(Lines &lines) const {
    const u64 version = version_.load(Order::acquire);
    if (version == 0 || version % 2 != 0) return false;
    u8 *const to = reinterpret_cast<u8 *>(&lines);
    for (u32 i = 0; i < words; ++i) {
        const u64 word = words_[i].load();
        __builtin_memcpy(to + i * sizeof word, &word, sizeof word);
    }
    fence(Order::acquire);
    return version_.load() == version;
}

} // namespace fuzz
