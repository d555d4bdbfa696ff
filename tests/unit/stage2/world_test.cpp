// tests/unit/stage2/world_test.cpp — the kernel's address space as stage2 builds it, in memory of this
// process, which is physical memory to IdentityMemory: what is mapped, and that every missing frame is an
// error.
#include "stage2/world.h"

#include <map>
#include <sys/mman.h>

#include "tests/sim/test.h"
#include "tests/unit/stage2/small_kernel.h"

namespace {

using stage2::World;

constexpr u32 cores = 3;
constexpr u64 stack_pages = 16;

// Pages at their own addresses, all bits set as after a firmware that cleared nothing.
class Ground {
  public:
    explicit Ground(u64 pages) : bytes_(pages * page_size) {
        void *const at = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(at != MAP_FAILED, "the host has memory", bytes_);
        std::memset(at, 0xFF, bytes_);
        first_ = Phys(reinterpret_cast<u64>(at));
    }
    ~Ground() { munmap(pointer_to<void>(Virt(first_.value())), bytes_); }
    Ground(const Ground &) = delete;
    mm::PhysRange range() const { return {first_, bytes_, 0, 0, 0}; }

  private:
    u64 bytes_;
    Phys first_;
};

// What boot_kernel in stage2/main.cpp does, up to the cores' start.
struct Built {
    Phys root;
    stage2::LoadedKernel kernel;
    Virt bundle, stacks[cores];
    mm::CoreSeed seeds[cores];
};
rstate::Result<Built> build(mm::PhysRange &ground, KeyedRandom &random) {
    static mm::IdentityMemory identity;
    std::vector<u8> file = sim::SmallKernel{}.build();
    Built built;
    World world = TRY(World::make(identity, mm::BootFrames(ground), random), "starting the kernel's world");
    built.root = world.root();
    built.kernel = TRY(world.load_kernel({file.data(), file.size()}), "loading the kernel");
    built.bundle =
        TRY(world.map_existing(Phys(0x1234'5000), 5 * page_size + 1, mm::read_only), "mapping the bundle");
    TRY(world.map_handover(Phys(0x8000)), "mapping the way in");
    for (u32 core = 0; core < cores; ++core) {
        TRY(world.map_page(mm::read_only), "making a core's arguments", core);
        built.stacks[core] = TRY(world.map_fresh(stack_pages, mm::read_write), "making a core's stack", core);
        TRY(world.make_window(built.seeds[core]), "making a core's window", core);
    }
    return built;
}

struct WorldOfStage2 : testing::Test {
    Ground ground{1000};
    mm::PhysRange range = ground.range();
    KeyedRandom random;
    mm::IdentityMemory memory;

    WorldOfStage2() { random.mix(Text("the tests' entropy").bytes()); }
    std::map<u64, mm::Entry> pages_of(Phys root) {
        std::map<u64, mm::Entry> pages;
        World::Table(memory, root)
            .visit([&](Virt address, const mm::Location &at) -> rstate::Result<> {
                if (at.entry.present()) pages[address.value()] = at.entry;
                return rstate::done();
            })
            .take();
        return pages;
    }
};

TEST_F(WorldOfStage2, EachRangeLiesAloneAndNothingIsWritableAndExecutable) {
    const Built built = build(range, random).take();
    const auto pages = pages_of(built.root);
    EXPECT_EQ(pages.size(), 5 + 6 + 1 + cores * (1 + stack_pages + 1));
    for (const auto &[address, entry] : pages)
        EXPECT_FALSE(entry.writable() && entry.executable()) << std::hex << address;
    const auto alone = [&](Virt first, u64 count) {
        EXPECT_EQ(pages.count((first - page_size).value()), 0u);
        EXPECT_EQ(pages.count((first + count * page_size).value()), 0u);
        for (u64 i = 0; i < count; ++i) EXPECT_EQ(pages.count((first + i * page_size).value()), 1u);
    };
    alone(built.kernel.base, 5);
    alone(built.bundle, 6);
    for (u32 core = 0; core < cores; ++core) {
        alone(built.stacks[core], stack_pages);
        alone(built.seeds[core].window_table, 1);
        EXPECT_EQ(pages.at(built.seeds[core].window_table.value()).frame(),
                  built.seeds[core].window_table_frame);
    }
    EXPECT_TRUE(pages.at(built.kernel.base.value()).executable());
    EXPECT_TRUE(pages.at(0x8000).executable()) << "the way in";
}

TEST_F(WorldOfStage2, FreshMemoryIsZeroedAndTheImageIsWhereItIsMapped) {
    const Built built = build(range, random).take();
    const auto pages = pages_of(built.root);
    const auto byte_at = [&](Virt address) {
        return *pointer_to<u8>(Virt(pages.at(address.page().value()).frame().value()) +
                               address.value() % page_size);
    };
    EXPECT_EQ(byte_at(built.kernel.base + 0x20), 0xCC) << "code";
    EXPECT_EQ(byte_at(built.kernel.base + sim::small_kernel::data + 0x2000), 0) << "bss";
    for (u64 i = 0; i < stack_pages * page_size; i += 509) ASSERT_EQ(byte_at(built.stacks[1] + i), 0);
}

// From stage2's first frame to the last one: with one frame less than it needs, and one less than that.
TEST_F(WorldOfStage2, EachMissingFrameIsReportedWithItsPurpose) {
    KeyedRandom places = random; // the same each time: how many tables a world needs depends on them
    static_cast<void>(build(range, places).take());
    const u64 needed = range.boot_bytes / page_size;
    ASSERT_GT(needed, 100u);
    for (u64 there = 0; there < needed; ++there) {
        const Ground small(there + 1); // the first keeps books
        mm::PhysRange few = small.range();
        places = random;
        auto built = build(few, places);
        ASSERT_FALSE(built.ok()) << there;
        EXPECT_TRUE(built.error().is(mm::out_of_frames)) << there;
        u32 failures = 0;
        for (const rstate::Frame *frame = built.error().frame(); frame != nullptr; frame = frame->inner)
            ++failures;
        EXPECT_GE(failures, 3u) << there;
        EXPECT_EQ(few.boot_bytes, there * page_size) << "all that was there was used";
        rstate::handled(std::move(built));
    }
    EXPECT_EQ(rstate::frames_in_use(0), 0u);
    sim::record_figure(std::to_string(needed) + " points that failed once");
}

} // namespace
