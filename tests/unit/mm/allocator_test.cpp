// tests/unit/mm/allocator_test.cpp — typed allocation and its owners.
#include "mm/allocator.h"

#include <string>

#include "mm/codes.h"
#include "tests/sim/heap.h"
#include "tests/sim/test.h"

namespace {

struct Counted {
    static inline int alive = 0;
    int value = 7;
    Counted() { ++alive; }
    explicit Counted(int v) : value(v) { ++alive; }
    ~Counted() { --alive; }
};

mm::AllocationSite last_site;
rstate::Result<u8 *> remember(void *, u64, u64, mm::AllocationSite site) {
    last_site = site;
    return FAIL(mm::out_of_frames, "only the site matters here");
}

TEST(Allocator, AnObjectIsConstructedAndDestroyedWithItsOwner) {
    sim::Heap heap;
    {
        auto object = mm::allocate<Counted>(heap.allocator(), 41).take();
        EXPECT_EQ(object->value, 41);
        mm::Owned<Counted> moved = std::move(object);
        EXPECT_FALSE(object); // NOLINT(bugprone-use-after-move): that it is empty is the point
        EXPECT_EQ(Counted::alive, 1);
    }
    EXPECT_EQ(Counted::alive, 0);
    EXPECT_EQ(heap.live(), 0u);
}

TEST(Allocator, AnArraysElementsAreInitialisedAndChecked) {
    sim::Heap heap;
    auto numbers = mm::allocate_array<u64>(heap.allocator(), 5).take();
    for (const u64 n : numbers) EXPECT_EQ(n, 0u);
    EXPECT_DEATH(static_cast<void>(numbers[5]), "an index lies inside its array");
    auto objects = mm::allocate_array<Counted>(heap.allocator(), 3).take();
    EXPECT_EQ(Counted::alive, 3);
    objects = mm::OwnedArray<Counted>();
    EXPECT_EQ(Counted::alive, 0);
}

TEST(Allocator, AnEmptyArrayTakesNoMemory) {
    sim::Heap heap;
    EXPECT_TRUE(mm::allocate_array<u64>(heap.allocator(), 0).take().empty());
    EXPECT_EQ(heap.live(), 0u);
}

TEST(Allocator, AFailureIsAChainAndNothingIsAlive) {
    sim::Heap heap;
    heap.fail_after(0);
    EXPECT_TRUE(fails_with(mm::allocate<Counted>(heap.allocator()), mm::out_of_frames));
    EXPECT_EQ(Counted::alive, 0);
}

TEST(Allocator, TheSiteNamesTheTypeAndTheCallersLine) {
    const mm::Allocator allocator{nullptr, remember, nullptr};
    EXPECT_TRUE(fails_with(mm::allocate<Counted>(allocator), mm::out_of_frames));
    const u32 line = __LINE__ - 1;
    EXPECT_EQ(last_site.line, line);
    EXPECT_NE(std::string(last_site.type).find("Counted"), std::string::npos);
    EXPECT_EQ(std::string(last_site.function), "TestBody");
    EXPECT_TRUE(fails_with(mm::allocate_array<u64>(allocator, 2), mm::out_of_frames));
    EXPECT_EQ(last_site.line, line + 5);
    EXPECT_EQ(std::string(last_site.type), "unsigned long");
}

} // namespace
