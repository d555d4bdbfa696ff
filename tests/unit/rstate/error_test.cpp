// tests/unit/rstate/error_test.cpp — error chains: made, passed on, kept, moved, printed, counted, never
// lost.
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "rstate/result.h"
#include "tests/sim/program.h"
#include "tests/sim/test.h"

namespace {

using rstate::Error;
using rstate::Result;

constexpr rstate::Code broken{"test.broken"};
constexpr rstate::Code other{"test.other"};

static_assert(!std::is_copy_constructible_v<Error> && !std::is_copy_assignable_v<Error>);
static_assert(!std::is_copy_constructible_v<Result<int>> && !std::is_copy_constructible_v<Result<>>);

Result<int> origin(int value, Virt address = Virt(0xffff'8000'0000'0000)) {
    if (value < 0) return FAIL(broken, "a value is not negative", -value, address);
    return value;
}
Result<int> middle(int value) { return TRY(origin(value), "asking the origin", "text") + 1; }
struct Outer {
    static Result<> run(int value) {
        TRY(middle(value), "running the whole", value == 7);
        return rstate::done();
    }
};

struct ErrorTest : testing::Test {
    u64 dropped = rstate::dropped_errors();
    ErrorTest() {
        sim::core = 0;
        sim::clear_log();
    }
    ~ErrorTest() override { EXPECT_EQ(rstate::frames_in_use(0), 0u) << "every frame is back"; }
};

// Static, because print_in_flight reads every core's pool.
void give_pool(u32 core) {
    static rstate::Pool pools[8];
    rstate::attach_pool(core, pools[core]);
}

std::string text_of(const Error &error, Text about = {}, const rstate::Resolver *resolver = nullptr) {
    std::string text;
    rstate::print_error({[](void *out, Text line) {
                             *static_cast<std::string *>(out) += std::string(line.data(), line.size()) + "\n";
                         },
                         &text},
                        error, about, resolver);
    return text;
}
std::vector<std::string> lines_of(const Error &error) {
    std::vector<std::string> lines;
    std::string text = text_of(error);
    for (usize at = 0; at < text.size();) {
        const usize end = text.find('\n', at);
        lines.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return lines;
}

TEST_F(ErrorTest, SuccessPassesTheValueOnAndTakesNoFrame) {
    EXPECT_EQ(middle(4).take(), 5);
    EXPECT_TRUE(Outer::run(4).ok());
    EXPECT_EQ(rstate::frames_in_use(0), 0u);
}

TEST_F(ErrorTest, AChainIsPrintedOutermostFirstWithTheOriginLastAndMarked) {
    Result<> result = Outer::run(-3);
    ASSERT_FALSE(result.ok());
    const std::vector<std::string> lines = lines_of(result.error());
    ASSERT_EQ(lines.size(), 4u);
    EXPECT_EQ(lines[0], "error test.broken on core 0");
    const auto has = [&](usize line, const char *part) {
        return lines[line].find(part) != std::string::npos;
    };
    EXPECT_TRUE(has(1, "error_test.cpp:") && has(1, "Outer::run") && has(1, "running the whole"));
    EXPECT_TRUE(has(2, "middle") && has(2, "asking the origin") && has(2, " text"));
    EXPECT_TRUE(has(3, "origin ") && has(3, "a value is not negative") && has(3, "<- origin"));
    EXPECT_TRUE(has(3, "value 3") && has(3, "address 0xffff800000000000")) << lines[3];
    EXPECT_FALSE(has(1, "<- origin") || has(2, "<- origin"));
    rstate::handled(std::move(result));
}

TEST_F(ErrorTest, AnErrorIsComparedByItsCode) {
    Result<int> result = middle(-1);
    EXPECT_TRUE(result.error().is(broken));
    EXPECT_FALSE(result.error().is(other));
    EXPECT_EQ(result.error().core(), 0u);
    rstate::handled(std::move(result));
}

TEST_F(ErrorTest, EqualFailuresHashAlikeWhateverTheirValuesAndOthersDoNot) {
    Result<> one = Outer::run(-1), same = Outer::run(-2);
    Result<int> shorter = middle(-1);
    EXPECT_EQ(one.error().hash(), same.error().hash());
    EXPECT_NE(one.error().hash(), shorter.error().hash());
    rstate::handled(std::move(one)), rstate::handled(std::move(same)), rstate::handled(std::move(shorter));
}

TEST_F(ErrorTest, AnErrorThatIsNotConsumedIsReportedAsABug) {
    { Result<int> forgotten = middle(-1); }
    EXPECT_EQ(rstate::dropped_errors(), dropped + 1);
    EXPECT_NE(sim::log_text().find("BUG"), std::string::npos);
    EXPECT_NE(sim::log_text().find("asking the origin"), std::string::npos);
}

TEST_F(ErrorTest, ReportedHandledIgnoredAndReturnedErrorsAreNotBugs) {
    rstate::report(middle(-1).take_error(), "case 41237");
    EXPECT_NE(sim::log_text().find("error test.broken on core 0, case 41237"), std::string::npos);
    rstate::handled(middle(-1));
    rstate::ignore(middle(-1), "it is only a test");
    EXPECT_EQ(rstate::dropped_errors(), dropped);
}

TEST_F(ErrorTest, OverwritingAnErrorThatIsNotConsumedIsABugToo) {
    Error kept = origin(-1).take_error();
    kept = origin(-2).take_error();
    EXPECT_EQ(rstate::dropped_errors(), dropped + 1);
    kept.release();
}

TEST_F(ErrorTest, TwoErrorsLiveAtOnceAndCanBeKept) {
    std::vector<Error> kept;
    for (int i = 1; i <= 10; ++i) kept.push_back(middle(-i).take_error());
    for (usize i = 0; i < kept.size(); ++i) EXPECT_EQ(kept[i].frame()->inner->words[0], i + 1);
    for (Error &error : kept) error.release();
}

// All but the panic reserve.
constexpr u32 ordinary_frames = rstate::frames_per_pool - rstate::panic_reserve;

std::vector<Error> take_frames(u32 count) {
    std::vector<Error> all;
    for (u32 i = 0; i < count; ++i) all.push_back(origin(-1).take_error());
    return all;
}

TEST_F(ErrorTest, AnEmptyPoolShortensChainsAndSaysSo) {
    std::vector<Error> all = take_frames(ordinary_frames - 1);
    Result<> shortened = Outer::run(-9); // one frame is left: the origin gets it
    EXPECT_TRUE(shortened.error().is(broken));
    EXPECT_NE(text_of(shortened.error()).find("2 frames are missing"), std::string::npos);
    EXPECT_NE(text_of(shortened.error()).find("<- origin"), std::string::npos);
    Result<> bare = Outer::run(-9);
    EXPECT_TRUE(bare.error().is(broken)) << "the code survives without a frame";
    EXPECT_EQ(bare.error().frame(), nullptr);
    EXPECT_NE(text_of(bare.error()).find("no frame was free"), std::string::npos);
    rstate::handled(std::move(shortened)), rstate::handled(std::move(bare));
    for (Error &error : all) error.release();
    EXPECT_TRUE(origin(1).ok());
}

TEST_F(ErrorTest, ThePanicReserveGivesAWholeChainThoughThePoolIsEmpty) {
    give_pool(7);
    const sim::AsCore as(7);
    std::vector<Error> all = take_frames(ordinary_frames);
    Result<> before = Outer::run(-9);
    EXPECT_EQ(before.error().frame(), nullptr);
    rstate::open_reserve();
    Result<> last = Outer::run(-9);
    EXPECT_EQ(lines_of(last.error()).size(), 4u);
    rstate::handled(std::move(before)), rstate::handled(std::move(last));
    for (Error &error : all) error.release();
}

TEST_F(ErrorTest, AnErrorWithoutFramesStillKnowsItsCore) {
    Error moved;
    {
        const sim::AsCore without_pool(63);
        moved = middle(-1).take_error();
    }
    EXPECT_TRUE(moved.is(broken));
    EXPECT_EQ(moved.core(), 63u);
    EXPECT_NE(text_of(moved).find("error test.broken on core 63"), std::string::npos);
    moved.release();
}

std::string in_flight(u32 core) {
    std::string text;
    rstate::print_in_flight({[](void *out, Text line) {
                                 *static_cast<std::string *>(out) +=
                                     std::string(line.data(), line.size()) + "\n";
                             },
                             &text},
                            core);
    return text;
}
u32 count_of(const std::string &text, const char *part) {
    u32 count = 0;
    for (usize at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
    return count;
}

TEST_F(ErrorTest, AChainInFlightIsPrintedOnceWhateverFollowsItAndWhereverItWasPassedOn) {
    give_pool(6);
    Error both = followed_by(middle(-3).take_error(), FAIL(other, "closing what was open", 8));
    EXPECT_EQ(count_of(in_flight(0), "closing what was open"), 1u);
    EXPECT_EQ(count_of(in_flight(0), "a value is not negative"), 1u);
    {
        const sim::AsCore as(6);
        both = WRAP(std::move(both), "passing it on elsewhere");
    }
    EXPECT_EQ(in_flight(0), "") << "it is core 6's now";
    EXPECT_EQ(count_of(in_flight(6), "a value is not negative"), 1u);
    EXPECT_EQ(count_of(in_flight(6), "closing what was open"), 1u);
    both.release();
}

TEST_F(ErrorTest, ReportsOfTwoCoresDoNotMix) {
    give_pool(5);
    std::vector<std::thread> threads;
    for (const u32 core : {0u, 5u})
        threads.emplace_back([core] {
            sim::core = core;
            for (u32 i = 0; i < 500; ++i) rstate::report(Outer::run(-1).take_error());
        });
    for (std::thread &thread : threads) thread.join();
    const std::vector<std::string> lines = sim::log();
    ASSERT_EQ(lines.size(), 4000u);
    for (usize i = 0; i < lines.size(); i += 4) {
        ASSERT_EQ(lines[i].find("error test.broken on core"), 0u) << i;
        ASSERT_NE(lines[i + 3].find("<- origin"), std::string::npos) << i;
    }
}

TEST_F(ErrorTest, ALineThatIsTooLongShowsThatItWasCutAndKeepsItsMark) {
    const std::string text(1000, 'x');
    Error error = FAIL(broken, "a long text", text.c_str());
    const std::string line = lines_of(error).back();
    EXPECT_NE(line.find("xxx ...   <- origin"), std::string::npos) << line;
    EXPECT_EQ(line.size(), 400u);
    error.release();
}

TEST_F(ErrorTest, AnErrorMovedToAnotherCoreKeepsItsOriginAndReturnsItsFramesThere) {
    give_pool(5);
    Error moved;
    std::thread([&] {
        sim::core = 5;
        moved = middle(-1).take_error();
    }).join();
    EXPECT_EQ(rstate::frames_in_use(5), 2u);
    EXPECT_EQ(moved.core(), 5u);
    EXPECT_NE(text_of(moved).find("on core 5"), std::string::npos);
    moved.release();
    EXPECT_EQ(rstate::frames_in_use(5), 0u);
}

TEST_F(ErrorTest, CoresWithoutAPoolMakeErrorsOfTheirCodeAlone) {
    const sim::AsCore as(63);
    Result<int> result = middle(-1);
    EXPECT_TRUE(result.error().is(broken));
    EXPECT_EQ(result.error().frame(), nullptr);
    rstate::handled(std::move(result));
}

TEST_F(ErrorTest, ManyCoresMakeAndReturnFramesOfOnePoolAtOnce) {
    std::vector<std::thread> threads;
    for (u32 i = 0; i < 3; ++i)
        threads.emplace_back([] { // like interrupts of one core
            for (u32 k = 0; k < 5000; ++k) rstate::handled(middle(-1));
        });
    for (std::thread &thread : threads) thread.join();
}

Result<std::unique_ptr<int>> make_owner(bool fail) {
    if (fail) return FAIL(other, "no owner");
    return std::make_unique<int>(3);
}
Result<std::unique_ptr<int>> pass_owner(bool fail) { return TRY(make_owner(fail), "passing an owner on"); }

TEST_F(ErrorTest, MoveOnlyValuesTravelThroughResults) {
    std::unique_ptr<int> owner = pass_owner(false).take();
    EXPECT_EQ(*owner, 3);
    EXPECT_TRUE(fails_with(pass_owner(true), other));
    { Result<std::unique_ptr<int>> unused = pass_owner(false); } // freed with its result
    Result<std::unique_ptr<int>> moved = pass_owner(false);
    Result<std::unique_ptr<int>> again = std::move(moved);
    EXPECT_EQ(*again.value(), 3);
}

TEST_F(ErrorTest, AskingAFailedResultForItsValueIsABug) {
    Result<int> result = origin(-1);
    EXPECT_DEATH(static_cast<void>(result.value()), "a value is asked only of a result that has one");
    rstate::handled(std::move(result));
    Result<> nothing = Outer::run(-1);
    EXPECT_DEATH(nothing.take(), "a value is asked only of a result that has one");
    rstate::handled(std::move(nothing));
}

Result<> clean_up_and_wrap() {
    auto inner = origin(-1);
    if (!inner.ok()) return WRAP(inner.take_error(), "cleaning up before passing on", 99);
    return rstate::done();
}
TEST_F(ErrorTest, WrapAddsAFrameWhereSomethingMustBeUndoneFirst) {
    Result<> result = clean_up_and_wrap();
    EXPECT_EQ(lines_of(result.error()).size(), 3u);
    EXPECT_EQ(result.error().frame()->words[0], 99u);
    rstate::handled(std::move(result));
}

template <class T> struct Holder {
    Result<> fail(T) { return FAIL(broken, "in a template"); }
};
namespace inner_space {
struct Deep {
    Result<> operator()(int, const char *) const { return FAIL(broken, "in an operator"); }
    static Result<> with_function(void (*)(int)) { return FAIL(broken, "with a function parameter"); }
};
} // namespace inner_space

TEST_F(ErrorTest, FunctionsAreNamedByClassAndMemberAlone) {
    const auto name_of = [](Result<> result) {
        std::string name = result.error().frame()->site->function;
        rstate::handled(std::move(result));
        return name;
    };
    EXPECT_EQ(name_of(Holder<int>().fail(1)).find("(anonymous"), std::string::npos);
    EXPECT_NE(name_of(Holder<int>().fail(1)).find("fail"), std::string::npos);
    EXPECT_EQ(name_of(inner_space::Deep::with_function(nullptr)), "Deep::with_function");
    EXPECT_EQ(name_of(Outer::run(-1)), "Outer::run");
}

TEST_F(ErrorTest, ValuesAreNamedByTheLastWordOfTheirExpression) {
    struct Thing {
        u64 raw = 6;
        u64 count_ = 4; // NOLINT(readability-identifier-naming): named like a private member
        u64 size() const { return 5; }
    } thing;
    const u64 list[2] = {1, 2};
    Error error = FAIL(broken, "x", thing.size(), thing.count_, list[1], thing.raw);
    const std::string text = text_of(error);
    EXPECT_NE(text.find("size 5, count 4, list 2, thing 6"), std::string::npos) << text;
    error.release();
}

TEST_F(ErrorTest, SmallNumbersAreDecimalAndLargeOnesHexadecimal) {
    const u64 small = 9'999'999, large = 10'000'000;
    Error error = FAIL(broken, "x", small, large);
    EXPECT_NE(text_of(error).find("small 9999999, large 0x989680"), std::string::npos);
    error.release();
}

TEST_F(ErrorTest, PlacesInTheTargetAreResolvedWhenAResolverCan) {
    const rstate::Resolver resolver{[](void *, u64 pc, const Output &out) {
                                        if (pc != 0x401000) return false;
                                        out("stbi__gif_load+0x12");
                                        return true;
                                    },
                                    nullptr};
    const rstate::TargetCode known{0x401000}, unknown{0x5};
    Error error = FAIL(broken, "x", known, unknown);
    const std::string text = text_of(error, {}, &resolver);
    EXPECT_NE(text.find("0x401000 stbi__gif_load+0x12"), std::string::npos) << text;
    EXPECT_NE(text.find("0x5 ?"), std::string::npos) << text;
    error.release();
}

Result<> deep(u32 levels) {
    if (levels == 0) return FAIL(broken, "the bottom");
    return TRY(deep(levels - 1), "one level deeper", levels), rstate::done();
}
TEST_F(ErrorTest, AChainLongerThanThePoolKeepsItsOriginAndCountsWhatIsMissing) {
    constexpr u32 levels = 1000;
    Result<> result = deep(levels);
    const std::vector<std::string> lines = lines_of(result.error());
    EXPECT_EQ(lines.size(), 1 + ordinary_frames + 1);
    EXPECT_EQ(lines[1], "  (" + std::to_string(levels + 1 - ordinary_frames) +
                            " frames are missing here: the pool was empty)");
    EXPECT_NE(lines.back().find("the bottom   <- origin"), std::string::npos);
    rstate::handled(std::move(result));
}

TEST_F(ErrorTest, WhatFailsInCleaningUpIsShownUnderTheErrorThatItFollowed) {
    Error first = Outer::run(-3).take_error(), second = FAIL(other, "closing what was open", 8);
    const u64 hash = first.hash();
    Error both = followed_by(std::move(first), std::move(second));
    both = followed_by(std::move(both), middle(-4).take_error());
    EXPECT_TRUE(both.is(broken)) << "the first one is what happened";
    EXPECT_EQ(both.hash(), hash);
    Error passed_on = WRAP(std::move(both), "passing both on");
    const std::vector<std::string> lines = lines_of(passed_on);
    ASSERT_EQ(lines.size(), 10u);
    EXPECT_NE(lines[1].find("passing both on"), std::string::npos);
    EXPECT_NE(lines[4].find("a value is not negative"), std::string::npos);
    EXPECT_EQ(lines[5], "  and after it test.other on core 0");
    EXPECT_EQ(lines[6].find("    "), 0u) << "it stands under the first: " << lines[6];
    EXPECT_NE(lines[6].find("closing what was open"), std::string::npos);
    EXPECT_EQ(lines[7], "  and after it test.broken on core 0");
    EXPECT_NE(lines[9].find("value 4"), std::string::npos);
    passed_on.release(); // all of them: the fixture counts
}

TEST_F(ErrorTest, AnErrorThatFollowsWithoutAFrameIsReportedAtOnce) {
    const auto bare_error = [] {
        const sim::AsCore without_pool(63);
        return middle(-1).take_error();
    };
    Error kept = followed_by(middle(-2).take_error(), bare_error());
    EXPECT_EQ(lines_of(kept).size(), 3u);
    EXPECT_NE(sim::log_text().find("test.broken on core 63, after another failure"), std::string::npos);
    rstate::handled(std::move(kept));
    Error bare = followed_by(bare_error(), middle(-2).take_error());
    EXPECT_EQ(bare.frame(), nullptr);
    rstate::handled(std::move(bare));
}

TEST_F(ErrorTest, HandlingOrPassingOnAnErrorTwiceIsABug) {
    Result<int> result = middle(-1);
    rstate::handled(result.take_error());
    EXPECT_DEATH(rstate::handled(result.take_error()), "an error is printed, handled or ignored once");
    EXPECT_DEATH(rstate::ignore(result.take_error(), "again"),
                 "an error is printed, handled or ignored once");
    EXPECT_DEATH(rstate::report(result.take_error()), "an error is printed, handled or ignored once");
    EXPECT_DEATH(static_cast<void>(WRAP(result.take_error(), "again")), "an error is passed on once");
    EXPECT_DEATH(static_cast<void>(followed_by(Error(), Error())), "an error follows another one");
}

} // namespace
