// tests/unit/base/values_test.cpp — the small vocabulary: integers, addresses, bit ranges, spans, texts.
#include "base/addr.h"
#include "base/bits.h"
#include "base/span.h"
#include "base/text.h"
#include "tests/sim/test.h"

namespace {

static_assert(!std::is_convertible_v<u64, Phys> && !std::is_convertible_v<Phys, u64>);
static_assert(!std::is_constructible_v<Phys, GuestPhys> && !std::is_constructible_v<Virt, Phys>);
static_assert(!std::is_invocable_v<decltype([](Phys p) { return p; }), GuestPhys>);

TEST(Types, AlignmentRoundsBothWays) {
    EXPECT_EQ(align_up(0, 4096), 0u);
    EXPECT_EQ(align_up(1, 4096), 4096u);
    EXPECT_EQ(align_down(8191, 4096), 4096u);
    EXPECT_TRUE(is_aligned(8192, 4096));
    EXPECT_FALSE(is_aligned(8193, 4096));
}

TEST(Types, CheckedArithmeticRefusesWhatDoesNotFit) {
    u64 result = 0;
    EXPECT_TRUE(add_checked(1, 2, result));
    EXPECT_EQ(result, 3u);
    EXPECT_FALSE(add_checked(~0ul, 1, result));
    EXPECT_TRUE(mul_checked(1ul << 32, (1ul << 32) - 1, result));
    EXPECT_FALSE(mul_checked(1ul << 32, 1ul << 32, result));
}

TEST(Addr, KnowsItsPageAndOffset) {
    const Virt address(0xffff'8000'0000'1234);
    EXPECT_EQ(address.page(), Virt(0xffff'8000'0000'1000));
    EXPECT_EQ(address.offset(), 0x234u);
    EXPECT_EQ(address - address.page(), 0x234u);
    EXPECT_LT(address.page(), address);
}

TEST(Addr, OnlyTheTwoHalvesAreCanonical) {
    EXPECT_TRUE(is_canonical(0));
    EXPECT_TRUE(is_canonical(0x7fff'ffff'ffff));
    EXPECT_FALSE(is_canonical(0x8000'0000'0000));
    EXPECT_FALSE(is_canonical(0xffff'7fff'ffff'ffff));
    EXPECT_TRUE(is_canonical(0xffff'8000'0000'0000));
    EXPECT_TRUE(is_canonical(~0ul));
}

TEST(Bits, ARangeIsReadAndReplacedWithoutItsNeighbours) {
    using Field = Bits<11, 4>;
    EXPECT_EQ(Field::mask, 0xFF0u);
    EXPECT_EQ(Field::get(0xABCD), 0xBCu);
    EXPECT_EQ(Field::set(0xABCD, 0x12), 0xA12Du);
    EXPECT_EQ(Field::make(0x1FF), 0xFF0u) << "what does not fit is cut off";
    EXPECT_TRUE(Bits<63>::test(1ul << 63));
    EXPECT_EQ((Bits<63, 0>::mask), ~0ul);
}

TEST(Span, AnIndexOrAPartOutsideIsABug) {
    int numbers[] = {1, 2, 3};
    const Span<int> span(numbers);
    EXPECT_EQ(span[2], 3);
    EXPECT_DEATH(static_cast<void>(span[3]), "an index lies inside its span");
    EXPECT_EQ(span.sub(1, 2).size(), 2u);
    EXPECT_DEATH(static_cast<void>(span.sub(2, 2)), "a part lies inside its span");
    EXPECT_DEATH(static_cast<void>(span.sub(1, ~0ul)), "a part lies inside its span");
    EXPECT_TRUE(span.holds(3, 0) && !span.holds(4, 0) && !span.holds(1, ~0ul));
    EXPECT_TRUE(span.from(3).empty());
}

TEST(Array, ChecksItsIndex) {
    Array<int, 2> array{{4, 5}};
    EXPECT_EQ(array[1], 5);
    EXPECT_DEATH(static_cast<void>(array[2]), "an index lies inside its span");
}

TEST(Check, NamesReasonConditionPlaceAndValues) {
    const auto fail = [] { CHECK(1 + 1 == 3, "arithmetic holds", 0xabc, Virt(0xdef)); };
    EXPECT_DEATH(fail(), "arithmetic holds.*1 \\+ 1 == 3.*values_test.cpp.* 0xabc 0xdef");
}

TEST(Text, ComparesFindsAndCuts) {
    const Text text("boot options");
    EXPECT_TRUE(text.starts_with("boot") && !text.starts_with("boot options and more"));
    EXPECT_EQ(text.find(' '), 4u);
    EXPECT_EQ(text.find('z'), text.size());
    EXPECT_EQ(text.from(5), Text("options"));
    EXPECT_EQ(text.sub(50, 3), Text(""));
    EXPECT_EQ(text.sub(5, 100), Text("options"));
}

TEST(Text, AFixedFieldEndsAtItsZeroOrItsEnd) {
    const u8 padded[] = {'A', 'P', 'I', 'C', 0, 'x'}, full[] = {'F', 'A', 'C', 'P'};
    EXPECT_EQ(Text::from_field(padded), Text("APIC"));
    EXPECT_EQ(Text::from_field(full), Text("FACP"));
}

TEST(Text, NumbersAreDecimalOrHexadecimalAndNothingElse) {
    u64 number = 0;
    EXPECT_TRUE(parse_number("18446744073709551615", number));
    EXPECT_EQ(number, ~0ul);
    EXPECT_TRUE(parse_number("0xfF", number));
    EXPECT_EQ(number, 255u);
    for (const char *bad :
         {"", "0x", "12a", "-1", " 1", "18446744073709551616", "0x10000000000000000", "0xg"}) {
        number = 7;
        EXPECT_FALSE(parse_number(bad, number)) << bad;
        EXPECT_EQ(number, 7u) << "a refused number leaves no trace";
    }
}

TEST(Text, GlobsMatchAsAShellsDo) {
    EXPECT_TRUE(matches_glob("*", "") && matches_glob("a*c", "abbbc") && matches_glob("*b*", "abc"));
    EXPECT_TRUE(matches_glob("?b?", "abc") && matches_glob("a*b*c", "aXbYbZc"));
    EXPECT_FALSE(matches_glob("?", "") || matches_glob("a*d", "abc") || matches_glob("abc", "abcd"));
    EXPECT_TRUE(matches_glob("*", "*") && matches_glob("a**b", "ab"));
    EXPECT_TRUE(matches_glob("*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaab")) << "without trying all ways";
}

} // namespace
