// tests/unit/tools/random_stream.cpp — writes what one of base/random.h's generators draws, until the
// reader closes the pipe: input for tools that test random numbers.
#include <cstdio>
#include <cstring>

#include "base/random.h"

namespace {

template <class Generator> int stream(Generator generator) {
    u64 words[8192];
    do {
        for (u64 &word : words) word = generator.next();
    } while (std::fwrite(words, sizeof words, 1, stdout) == 1);
    return 0;
}

} // namespace

int main(int count, char **arguments) {
    constexpr u64 seed = 1; // fixed, so that a verdict is the same tomorrow
    if (count == 2 && std::strcmp(arguments[1], "Random") == 0) return stream(Random(seed));
    if (count != 2 || std::strcmp(arguments[1], "KeyedRandom") != 0) return 2;
    KeyedRandom keyed;
    keyed.mix_u64(seed);
    return stream(keyed);
}
