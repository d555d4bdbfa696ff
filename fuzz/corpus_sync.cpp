// fuzz/corpus_sync.cpp — see corpus_sync.h.
#include "fuzz/corpus_sync.h"

namespace fuzz {

InputRing::InputRing(Arena &arena, u32 words) : words_(arena.take<Atomic<u64>>(words)) {
    CHECK(words != 0 && (words & (words - 1)) == 0, "a ring's size is a power of two", words);
}

bool InputRing::send(Bytes input, u64 hash) {
    const u64 needed = words_for(input.size());
    if (needed > words_.size() / 2) return false;
    const u64 start = written_.load();
    reserved_.store(start + needed);
    // A reader that sees one of the new words sees the reservation too.
    fence(Order::release);
    put(start, input.size());
    put(start + 1, hash);
    for (u64 i = 0; i < needed - header_words; ++i) {
        u64 word = 0;
        __builtin_memcpy(&word, input.data() + 8 * i, min(input.size() - 8 * i, 8ul));
        put(start + header_words + i, word);
    }
    written_.store(start + needed, Order::release);
    return true;
}

InputRingReader::Got InputRingReader::receive(const InputRing &ring, Buffer &input, u64 &hash) {
    const u64 end = ring.written_.load(Order::acquire);
    if (end == position_) return Got::nothing;
    const u64 start = position_;
    const u64 size = ring.get(start);
    bool whole = size <= input.capacity() && InputRing::words_for(size) <= end - start;
    if (whole) {
        hash = ring.get(start + 1);
        input.resize(size);
        for (u64 i = 0; i < InputRing::words_for(size) - InputRing::header_words; ++i) {
            const u64 word = ring.get(start + InputRing::header_words + i);
            __builtin_memcpy(input.data() + 8 * i, &word, min(size - 8 * i, 8ul));
        }
    }
    fence(Order::acquire);
    whole = whole && ring.reserved_.load() - start <= ring.words_.size();
    position_ = whole ? start + InputRing::words_for(size) : end;
    return whole ? Got::input : Got::overtaken;
}

} // namespace fuzz
