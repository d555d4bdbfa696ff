// tests/fuzz_entries/dictionary_fuzz.cpp — any text is either a dictionary or an error with a line number.
#include "fuzz/mutators/dictionary.h"

#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const u8 *data, usize size) {
    alignas(16) static u8 room[fuzz::Dictionary::memory(32)];
    fuzz::Arena arena{MutableBytes(room)};
    fuzz::Dictionary dictionary(arena, 32);
    auto result = dictionary.parse({reinterpret_cast<const char *>(data), size});
    CHECK(!result.ok() || result.value() == dictionary.given(), "the tokens of a good dictionary are counted",
          dictionary.given());
    for (u32 i = 0; i < dictionary.given(); ++i)
        CHECK(!dictionary.token(i).empty() && dictionary.token(i).size() <= fuzz::max_token_size,
              "a token has a size", i);
    if (!result.ok()) CHECK(result.error().frame()->words[0] >= 1, "an error names its line");
    rstate::handled(std::move(result));
    return 0;
}
