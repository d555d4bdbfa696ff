// tests/unit/mm/window_test.cpp — the window over real addresses: hits, misses, stale translations, freed
// frames.
#include "mm/window.h"

#include <algorithm>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/random.h"
#include "mm/absent_entry.h"
#include "mm/window_check.h"
#include "tests/sim/cpu.h"
#include "tests/sim/program.h"
#include "tests/sim/test.h"
#include "tests/sim/window_region.h"

namespace {

struct WindowTest : testing::Test {
    SimMemory memory{2048, Phys(0x1000000)};
    sim::WindowRegion region{memory, 0, memory.first()};
    mm::Window window{0, region.base(), region.table()};

    void TearDown() override { mm::check_window(window); }

    Phys frame(u64 number) const { return memory.first() + (1 + number) * page_size; }
    // A page whose slot pair is the same as frame 0's.
    Phys rival(u64 number) const {
        const u64 base = frame(0).frame_number(), home = (base ^ base >> 9) & 510;
        for (u64 n = 1;; ++n) {
            const u64 f = frame(n).frame_number();
            if (((f ^ f >> 9) & 510) == home && number-- == 0) return frame(n);
        }
    }
};

TEST_F(WindowTest, APinGivesThePagesBytes) {
    memory.peek(frame(3))[17] = 99;
    auto pin = window.pin(frame(3)).take();
    EXPECT_EQ(pin.bytes()[17], 99);
    pin.bytes()[18] = 100;
    EXPECT_EQ(memory.peek(frame(3))[18], 100);
}

TEST_F(WindowTest, PinningAHotFrameWritesNoEntryAndFlushesNothing) {
    for (u32 i = 0; i < 100; ++i) static_cast<void>(window.pin(frame(3)).take());
    EXPECT_EQ(window.misses(), 1u);
    EXPECT_EQ(window.flushes(), 0u);
}

TEST_F(WindowTest, ASequenceOf512FramesFitsWithoutAFlush) {
    for (u32 round = 0; round < 3; ++round)
        for (u64 i = 0; i < 512; ++i) static_cast<void>(window.pin(frame(i)).take());
    EXPECT_EQ(window.misses(), 512u);
    EXPECT_EQ(window.flushes(), 0u);
}

TEST_F(WindowTest, ASlotThatIsReusedShowsTheNewFrameNotTheStaleOne) {
    for (u64 i = 0; i < 2000; ++i) memory.peek(frame(i))[0] = static_cast<u8>(i * 7);
    for (u64 i = 0; i < 2000; ++i) {
        auto pin = window.pin(frame(i)).take();
        ASSERT_EQ(pin.bytes()[0], static_cast<u8>(i * 7)) << i;
    }
    EXPECT_GT(window.flushes(), 1000u);
}

TEST_F(WindowTest, TwoRivalsForOneSlotBothStayHot) {
    for (u32 i = 0; i < 50; ++i) {
        static_cast<void>(window.pin(frame(0)).take());
        static_cast<void>(window.pin(rival(0)).take());
    }
    EXPECT_EQ(window.misses(), 2u);
}

TEST_F(WindowTest, APinnedFrameIsNeverEvicted) {
    auto held = window.pin(frame(0)).take();
    held.bytes()[0] = 42;
    u8 *const address = held.bytes();
    for (u64 i = 1; i < 2000; ++i) static_cast<void>(window.pin(frame(i)).take());
    EXPECT_EQ(held.bytes(), address);
    EXPECT_EQ(*address, 42);
    EXPECT_EQ(window.pinned(), 1u);
}

TEST_F(WindowTest, All512SlotsCanBePinnedAndThe513thIsAnError) {
    std::vector<mm::Window::Pin> pins;
    Random random(3);
    std::vector<bool> used(2000);
    while (pins.size() < 512) { // in any order, so that many are displaced
        const u64 number = random.below(2000);
        if (used[number]) continue;
        used[number] = true;
        pins.push_back(window.pin(frame(number)).take());
        *pins.back().bytes() = static_cast<u8>(number);
        ASSERT_EQ(*memory.peek(frame(number)), static_cast<u8>(number));
    }
    u64 other = 0;
    while (used[other]) ++other;
    sim::clear_log();
    EXPECT_TRUE(fails_with(window.pin(frame(other)), mm::no_slot));
    EXPECT_NE(sim::log_text().find("512 frames are pinned, first from 0x"), std::string::npos)
        << sim::log_text();
    for (u64 number = 0; number < 2000; ++number) {
        if (used[number])
            ASSERT_TRUE(window.pin(frame(number)).ok()) << "the same frames can be pinned again";
    }
    pins.pop_back();
    EXPECT_TRUE(window.pin(frame(other)).ok());
    pins.clear();
    EXPECT_EQ(window.pinned(), 0u);
}

TEST_F(WindowTest, AForgottenFrameIsInNoSlotEvenADisplacedOne) {
    for (u32 held = 0; held < 3; ++held) {
        std::vector<mm::Window::Pin> pins;
        for (u32 i = 0; i < held; ++i) pins.push_back(window.pin(rival(i)).take());
        static_cast<void>(window.pin(frame(0)).take().bytes()[0]); // loaded into the TLB
        EXPECT_TRUE(window.reaches(frame(0)) && region.reaches(frame(0)));
        window.invalidate(frame(0));
        EXPECT_FALSE(window.reaches(frame(0)));
        EXPECT_FALSE(region.reaches(frame(0))) << "neither by the table nor by a stale translation";
    }
}

TEST_F(WindowTest, FreeingAFrameThatIsPinnedIsCaught) {
    auto held = window.pin(frame(5)).take();
    EXPECT_DEATH(window.invalidate(frame(5)), "not freed while it is pinned");
}

TEST_F(WindowTest, AStalePointerFaultsAfterTheFrameIsForgotten) {
    u8 *stale = nullptr;
    {
        auto pin = window.pin(frame(5)).take();
        stale = pin.bytes();
        stale[0] = 1;
    }
    window.invalidate(frame(5));
    EXPECT_DEATH(static_cast<void>(*static_cast<volatile u8 *>(stale) = 2), "");
}

TEST_F(WindowTest, UnusedSlotsAreMarkedSoThatNothingIsEverPlacedThere) {
    const auto *entries = pointer_to<u64>(region.table());
    for (u32 i = 0; i < 512; ++i) EXPECT_EQ(mm::absent_kind({entries[i]}), mm::AbsentKind::window);
    static_cast<void>(window.pin(frame(1)).take());
    window.invalidate(frame(1));
    for (u32 i = 0; i < 512; ++i) EXPECT_EQ(mm::absent_kind({entries[i]}), mm::AbsentKind::window);
}

TEST_F(WindowTest, AMovedPinIsReleasedOnce) {
    auto first = window.pin(frame(1)).take();
    mm::Window::Pin second = std::move(first);
    first = window.pin(frame(2)).take();
    second = std::move(first);
    EXPECT_EQ(window.pinned(), 1u);
}

TEST_F(WindowTest, APageIsPinnedAtMost2047TimesAtOnce) {
    std::vector<mm::Window::Pin> pins;
    for (u32 i = 0; i < 2047; ++i) pins.push_back(window.pin(frame(1)).take());
    EXPECT_DEATH(rstate::ignore(window.pin(frame(1)), "dies"), "at most 2047 times");
}

static_assert(!std::is_copy_constructible_v<mm::Window::Pin> && !std::is_copy_assignable_v<mm::Window::Pin>);

TEST_F(WindowTest, APinDoesNotEndOnAnotherCore) {
    auto held = std::make_unique<mm::Window::Pin>(window.pin(frame(1)).take());
    const sim::AsCore as(1);
    EXPECT_DEATH(held.reset(), "a pin ends on the core that made it");
    const sim::AsCore home(0);
    held.reset();
    EXPECT_EQ(window.pinned(), 0u);
}

// A place of its own for each number: pins differ by where they were made.
template <u32 place> [[gnu::noinline]] mm::Window::Pin pin_from(mm::Window &window, Phys frame) {
    auto pin = window.pin(frame);
    volatile u32 own = place; // so that no two are one function
    static_cast<void>(own);
    return pin.take();
}
template <u32... places>
std::vector<mm::Window::Pin> pin_from_each(mm::Window &window, Phys first,
                                           std::integer_sequence<u32, places...>) {
    std::vector<mm::Window::Pin> pins;
    (pins.push_back(pin_from<places>(window, first + places * page_size)), ...);
    return pins;
}

TEST_F(WindowTest, HoldersAreListedByThePlaceThatPinnedFirstAndWhatDoesNotFitIsCounted) {
    const auto printed = [&] {
        sim::clear_log();
        window.print_pins({[](void *, Text line) { log_line(line); }, nullptr});
        return sim::log();
    };
    {
        const auto one = pin_from<100>(window, frame(0)), same = pin_from<101>(window, frame(0));
        const auto other = pin_from<101>(window, frame(1));
        ASSERT_EQ(printed().size(), 2u) << sim::log_text();
        for (const std::string &line : sim::log())
            EXPECT_EQ(line.find("  1 frames are pinned, first from 0x"), 0u);
    }
    const auto many = pin_from_each(window, frame(300), std::make_integer_sequence<u32, 20>());
    const std::vector<std::string> lines = printed();
    ASSERT_EQ(lines.size(), 17u);
    EXPECT_EQ(lines.back(), "  and from 4 places more");
}

TEST_F(WindowTest, AnotherCoresWindowIsNotUsed) {
    const sim::AsCore as(1);
    EXPECT_DEATH(rstate::ignore(window.pin(frame(1)), "dies"), "its own window");
    mm::CoreWindows windows;
    EXPECT_DEATH(rstate::ignore(windows.pin(frame(1)), "dies"), "has its window before");
}

// Pins and invalidations against an oracle; the bytes prove which frame a slot shows.
TEST_F(WindowTest, RandomPinsAndInvalidationsAgreeWithAnOracle) {
    Random random(7);
    struct Held {
        u64 number;
        mm::Window::Pin pin;
    };
    std::vector<Held> held;
    for (u64 i = 0; i < 1200; ++i) *reinterpret_cast<u64 *>(memory.peek(frame(i))) = i;
    for (u32 step = 0; step < 60'000; ++step) {
        const u64 number = random.below(1200);
        if (random.one_in(8)) {
            const bool pinned =
                std::any_of(held.begin(), held.end(), [&](const Held &h) { return h.number == number; });
            if (pinned) continue;
            window.invalidate(frame(number));
            ASSERT_FALSE(window.reaches(frame(number)));
        } else if (held.size() < 511 && random.one_in(2)) {
            auto pin = window.pin(frame(number)).take();
            ASSERT_EQ(*reinterpret_cast<u64 *>(pin.bytes()), number);
            held.push_back({number, std::move(pin)});
        } else if (!held.empty()) {
            const u64 which = random.below(held.size());
            ASSERT_EQ(*reinterpret_cast<u64 *>(held[which].pin.bytes()), held[which].number);
            std::swap(held[which], held.back());
            held.pop_back();
        }
        mm::check_window(window);
    }
}

TEST_F(WindowTest, TheWindowCheckCatchesAnEntryThatMapsAnotherFrame) {
    static_cast<void>(window.pin(frame(3)).take());
    auto *entries = pointer_to<u64>(region.table());
    for (u32 slot = 0; slot < mm::Window::slot_count; ++slot) {
        if (mm::absent_kind({entries[slot]}) == mm::AbsentKind::window) continue;
        const u64 good = entries[slot];
        entries[slot] += page_size;
        EXPECT_DEATH(mm::check_window(window), "maps the frame that it names");
        entries[slot] = good;
        return;
    }
    ADD_FAILURE() << "the pin wrote no entry";
}

} // namespace
