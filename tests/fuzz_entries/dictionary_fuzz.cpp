// tests/fuzz_entries/dictionary_fuzz.cpp — any bytes are either packed tokens, each inside them, or an error.
#include "fuzz/mutators/dictionary.h"

#include <vector>

#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const u8 *data, usize size) {
    auto given = fuzz::GivenTokens::read({data, size});
    if (!given.ok()) {
        rstate::handled(std::move(given));
        return 0;
    }
    struct alignas(16) Block {
        u8 bytes[16];
    };
    const u32 count = given.value().count();
    std::vector<Block> room(fuzz::Dictionary::memory(count, 4) / sizeof(Block));
    fuzz::Arena arena({room.data()->bytes, room.size() * sizeof(Block)});
    fuzz::Dictionary dictionary(arena, given.value(), 4);
    usize sum = 0;
    for (u32 i = 0; i < dictionary.given(); ++i) {
        const Bytes token = dictionary.token(i);
        CHECK(!token.empty(), "a token has a size", i);
        sum += 2 + token.size();
        dictionary.learn(token);
    }
    CHECK(sum == size && dictionary.learned() == 0, "all bytes are tokens, and none is learned again", sum,
          size);
    return 0;
}
