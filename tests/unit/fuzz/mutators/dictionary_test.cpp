// tests/unit/fuzz/mutators/dictionary_test.cpp — the syntax of AFL's and libFuzzer's dictionaries, and
// learned tokens.
#include "fuzz/mutators/dictionary.h"

#include "fuzz/codes.h"
#include "tests/sim/test.h"
#include "tests/unit/fuzz/fake.h"

namespace {

struct DictionaryTest : testing::Test {
    fake::Memory memory{fuzz::Dictionary::memory(8)};
    fuzz::Dictionary dictionary{memory, 8};

    std::vector<std::string> tokens() const {
        std::vector<std::string> all;
        for (u32 i = 0; i < dictionary.given() + dictionary.learned(); ++i)
            all.push_back(fake::string(dictionary.token(i)));
        return all;
    }
    using Tokens = std::vector<std::string>;
};

TEST_F(DictionaryTest, NamesLevelsCommentsAndBlankLinesAreSkipped) {
    EXPECT_EQ(dictionary.parse("# comment\n\nname=\"GIF89a\"\n  chunk@2=\"IDAT\"\r\n\"bare\"").take(), 3u);
    EXPECT_EQ(tokens(), (Tokens{"GIF89a", "IDAT", "bare"}));
}

TEST_F(DictionaryTest, EscapesGiveAnyByte) {
    EXPECT_EQ(dictionary.parse(R"("\x00\xfF\\\"\n=#")").take(), 1u);
    EXPECT_EQ(tokens(), (Tokens{std::string("\0\xff\\\"\n=#", 7)}));
}

TEST_F(DictionaryTest, AnErrorNamesTheLineAndKeepsWhatCameBefore) {
    auto result = dictionary.parse("\"good\"\nbad line\n\"never read\"\n");
    ASSERT_FALSE(result.ok());
    EXPECT_TRUE(result.error().is(fuzz::bad_dictionary));
    EXPECT_EQ(result.error().frame()->words[0], 2u);
    rstate::handled(std::move(result));
    EXPECT_EQ(tokens(), (Tokens{"good"}));
}

TEST_F(DictionaryTest, EachBrokenLineIsRefused) {
    for (const char *line : {"x", "x\"y\"", "\"open", "\"", "\"a\"b\"", "\"\"", "\"\\q\"", "\"\\x1\"",
                             "\"\\xg0\"", "\"\\\"", "\"end\" trailing"})
        EXPECT_TRUE(fails_with(dictionary.parse(line), fuzz::bad_dictionary)) << line;
    const std::string longest = "\"" + std::string(fuzz::max_token_size, 'x') + "\"";
    const std::string longer = "\"" + std::string(fuzz::max_token_size + 1, 'x') + "\"";
    EXPECT_EQ(dictionary.parse({longest.data(), longest.size()}).take(), 1u);
    EXPECT_TRUE(fails_with(dictionary.parse({longer.data(), longer.size()}), fuzz::bad_dictionary));
}

TEST_F(DictionaryTest, MoreTokensThanThereIsRoomForAreAnError) {
    EXPECT_EQ(dictionary.parse("\"a\"\n\"b\"\n\"c\"\n\"d\"\n\"e\"\n\"f\"\n\"a\"\n").take(), 6u);
    EXPECT_TRUE(fails_with(dictionary.parse("\"g\""), fuzz::bad_dictionary));
}

TEST_F(DictionaryTest, LearnedTokensReplaceTheOldestLearnedOnesAndNeverGivenOnes) {
    EXPECT_EQ(dictionary.parse("\"given\"").take(), 1u);
    for (const char *token : {"1", "2", "3", "4", "5", "6", "7", "7", "given", "8"})
        dictionary.learn(fake::bytes(token));
    EXPECT_EQ(tokens(), (Tokens{"given", "8", "2", "3", "4", "5", "6", "7"}));
}

} // namespace
