// tests/unit/base/format_test.cpp — formatting, and the log's lines.
#include "base/format.h"

#include <string>

#include "base/log.h"
#include "tests/sim/program.h"
#include "tests/sim/test.h"

namespace {

template <class... Ts> std::string format(Text pattern, const Ts &...values) {
    TextBuffer<200> buffer;
    buffer.add(pattern, values...);
    return {buffer.text().data(), buffer.text().size()};
}

TEST(Format, NumbersAddressesTextsAndTruths) {
    EXPECT_EQ(format("{} {} {}", 0, -5, ~0ul), "0 -5 18446744073709551615");
    EXPECT_EQ(format("{}", static_cast<i64>(1ul << 63)), "-9223372036854775808");
    EXPECT_EQ(format("{x} {} {h}", 255, Virt(0x1f), 255), "0xff 0x1f 00000000000000ff");
    EXPECT_EQ(format("{} {} {c}", "text", true, 'z'), "text yes z");
    EXPECT_EQ(format("{}", static_cast<u8>(65)), "65") << "bytes are numbers";
    enum class Kind : u8 { second = 2 };
    EXPECT_EQ(format("{}", Kind::second), "2");
}

TEST(Format, ASurplusPlaceholderStaysAndASurplusValueIsNotPrinted) {
    EXPECT_EQ(format("{} and {}", 1), "1 and {}");
    EXPECT_EQ(format("only {}", 1, 2), "only 1");
    EXPECT_EQ(format("no {braces} { } }{", 1), "no {braces} { } }{");
}

TEST(Format, ValuesAreNotTakenForPatterns) { EXPECT_EQ(format("{}{}", "{}", 2), "{}2"); }

TEST(Format, BytesOfUnknownOriginBecomeOneWordOfPrintableAscii) {
    EXPECT_EQ(format("{}", escaped("plain_Name.1+2")), "plain_Name.1+2");
    EXPECT_EQ(format("<{}>", escaped("a\n{\"b\"} \x1b[2J\\\xff\x7f")),
              "<a\\x0a{\"b\"}\\x20\\x1b[2J\\x5c\\xff\\x7f>");
    EXPECT_EQ(format("{}", escaped({})), "");
    for (u32 byte = 0; byte < 256; ++byte) {
        const char c = static_cast<char>(byte);
        for (const char written : format("{}", escaped({&c, 1})))
            EXPECT_TRUE(written > ' ' && written < 0x7f);
    }
}

TEST(Format, ALongWordOfUnknownOriginIsCutAndShowsIt) {
    EXPECT_EQ(format("{}", escaped({std::string(Escaped::longest, 'a').c_str(), Escaped::longest})),
              std::string(Escaped::longest, 'a'));
    const std::string plain(100'000, 'a'), control(100'000, '\n');
    EXPECT_EQ(format("{}", escaped({plain.data(), plain.size()})),
              std::string(Escaped::longest, 'a') + "...");
    const std::string cut = format("{}", escaped({control.data(), control.size()}));
    EXPECT_EQ(cut.size(), Escaped::longest + 3);
    EXPECT_TRUE(cut.ends_with("\\x0a..."));
}

TEST(Format, ABufferThatIsFullSaysThatItCut) {
    TextBuffer<4> buffer;
    buffer.add("{}", 12345);
    EXPECT_EQ(buffer.text(), Text("1234"));
    EXPECT_TRUE(buffer.cut());
    buffer.clear();
    EXPECT_FALSE(buffer.cut());
    EXPECT_TRUE(buffer.text().empty());
}

TEST(Log, ALineNamesItsSubsystem) {
    sim::clear_log();
    LOG(mm, "core {} has {} frames", 1, 31240);
    EXPECT_EQ(sim::log_text(), "mm: core 1 has 31240 frames\n");
}

} // namespace
