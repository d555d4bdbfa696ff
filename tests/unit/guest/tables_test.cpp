// tests/unit/guest/tables_test.cpp — the target's address space, read back from its page tables entry by
// entry.
#include "guest/tables.h"

#include "guest/codes.h"
#include "tests/sim/test.h"
#include "tests/unit/guest/sample.h"

namespace {

using namespace sample;

constexpr u64 present = 1, writable = 2, user = 4, accessed = 0x20, dirty = 0x40, large = 0x80,
              no_execute = 1ul << 63;

struct Leaf {
    bool found = false;
    bool write = false, execute = false, ring3 = false, all_marked = true;
    u64 physical = 0, size = 0;
};

// Walks the tables as the processor does.
Leaf walk(ScriptedMachine &machine, u64 address) {
    Leaf leaf;
    leaf.write = leaf.execute = leaf.ring3 = true;
    u64 table = machine.system().cr3.value();
    for (u32 level = 4;; --level) {
        const u64 size = page_size << (9 * (level - 1));
        u64 entry = 0;
        machine
            .read(GuestPhys(table + address / size % 512 * 8),
                  MutableBytes(reinterpret_cast<u8 *>(&entry), 8))
            .take();
        if ((entry & present) == 0) return {};
        leaf.write &= (entry & writable) != 0, leaf.execute &= (entry & no_execute) == 0,
            leaf.ring3 &= (entry & user) != 0;
        leaf.all_marked &= (entry & accessed) != 0;
        if (level == 1 || (entry & large) != 0) {
            leaf.all_marked &= (entry & dirty) != 0;
            leaf.found = true;
            leaf.size = size;
            leaf.physical = (entry & 0xf'ffff'ffff'f000) + address % size;
            return leaf;
        }
        table = entry & 0xf'ffff'ffff'f000;
    }
}

class Tables : public testing::Test {
  protected:
    Leaf at(u64 address) { return walk(loaded.machine(), address); }
    Loaded loaded;
    const guest::GuestLayout &layout = loaded.program_file().layout();
};

TEST_F(Tables, EveryPageOfEveryRegionIsMappedAsLaidOut) {
    for (const guest::Region &region : layout.regions()) {
        for (u64 address = region.address; address < region.end(); address += page_size) {
            const Leaf leaf = at(address);
            ASSERT_TRUE(leaf.found) << region.name << " " << address;
            ASSERT_EQ(leaf.physical, (region.physical + (address - region.address)).value()) << region.name;
            ASSERT_TRUE(leaf.ring3 && leaf.all_marked);
            ASSERT_EQ(leaf.write, region.writable);
            ASSERT_EQ(leaf.execute, region.executable);
            ASSERT_FALSE(leaf.write && leaf.execute);
            ASSERT_EQ(leaf.size, region.large ? 2_MiB : page_size);
        }
    }
}

TEST_F(Tables, NoTwoRegionsShareMemoryOfTheMachine) {
    std::map<u64, const char *> owner;
    for (u64 page = 0; page < layout.table_pages(); ++page)
        owner[layout.tables().frame_number() + page] = "tables";
    owner[layout.zero_page().frame_number()] = "zero page";
    owner[layout.stub_page().frame_number()] = "stub";
    for (const guest::Region &region : layout.regions())
        for (u64 page = 0; page < region.size / page_size; ++page)
            EXPECT_TRUE(owner.emplace(region.physical.frame_number() + page, region.name).second)
                << region.name;
    EXPECT_EQ(owner.count(0), 0u) << "page 0 of the machine is unused";
    EXPECT_LE(owner.rbegin()->first, layout.memory_needed() / page_size - 1);
    EXPECT_LE(layout.memory_needed(), vm::max_memory);
}

TEST_F(Tables, BetweenTheRegionsNothingIsMapped) {
    for (const u64 address : std::initializer_list<u64>{0ul,
                                                        0xffful,
                                                        0x1000ul,
                                                        guest::stub_address - 1,
                                                        guest::stub_address + page_size,
                                                        0x3ff000ul,
                                                        data + data_size,
                                                        guest::break_base - 1,
                                                        guest::break_base + guest::break_size,
                                                        RL_MAPPING_BASE + RL_MAPPING_SIZE + 0ul,
                                                        RL_HEAP_BASE - 1ul,
                                                        RL_HEAP_BASE + RL_HEAP_SIZE + 0ul,
                                                        RL_INPUT_BASE - 1ul,
                                                        RL_INPUT_BASE + RL_INPUT_SIZE + 0ul,
                                                        guest::stack_bottom - 1,
                                                        RL_STACK_TOP + 0ul,
                                                        RL_SHADOW_OFFSET - 1ul,
                                                        0x0000'7fff'ffff'f000ul,
                                                        0xffff'8000'0000'0000ul,
                                                        0xffff'ffff'ffff'f000ul})
        EXPECT_FALSE(at(address).found) << std::hex << address;
}

TEST_F(Tables, TheStubIsForTheSupervisorAlone) {
    const Leaf leaf = at(guest::stub_address);
    EXPECT_TRUE(leaf.found && leaf.execute);
    EXPECT_FALSE(leaf.ring3 || leaf.write);
    EXPECT_EQ(leaf.physical, layout.stub_page().value());
}

TEST_F(Tables, TheShadowOfTheHeapIsPoisonedAndCostsNothing) {
    for (const u64 address : std::initializer_list<u64>{RL_HEAP_BASE, RL_HEAP_BASE + RL_HEAP_SIZE - 1ul})
        EXPECT_EQ(get<u8>(loaded.machine(), RL_SHADOW_OF(address)), RL_SHADOW_HEAP) << std::hex << address;
    EXPECT_EQ(at(RL_SHADOW_OF(RL_HEAP_BASE)).physical, loaded.machine().fill_first.value());
    EXPECT_EQ(loaded.machine().fill_pages * page_size, RL_HEAP_SIZE / 8);
    EXPECT_LT(loaded.machine().pages_touched(), 50u);
}

void expect_zeros(const Leaf &leaf, const guest::GuestLayout &layout, u64 address) {
    EXPECT_TRUE(leaf.found) << std::hex << address;
    EXPECT_EQ(leaf.physical & ~0xffful, layout.zero_page().value()) << std::hex << address;
    EXPECT_TRUE(leaf.ring3 && leaf.all_marked);
    EXPECT_FALSE(leaf.write || leaf.execute);
}

TEST_F(Tables, TheShadowOfWhatIsMappedCanBeWritten) {
    for (const u64 address : std::initializer_list<u64>{
             code, data + data_size - 1, u64{RL_HEAP_BASE}, RL_HEAP_BASE + RL_HEAP_SIZE - 1ul,
             u64{RL_INPUT_START}, RL_STACK_TOP - 1ul, guest::stack_bottom, u64{RL_MAPPING_BASE},
             RL_MAPPING_BASE + RL_MAPPING_SIZE - 1ul}) {
        const Leaf leaf = at(RL_SHADOW_OF(address));
        EXPECT_TRUE(leaf.found && leaf.write && leaf.ring3) << std::hex << address;
    }
}

TEST_F(Tables, TheShadowOfEverythingElseIsReadOnlyZeros) {
    for (const u64 address : std::initializer_list<u64>{
             0ul, 0x3'0000ul, 0x0900'0000ul, 0x1414'1414ul, 0x7bfe'0000ul, 0x7fff'7ffful, 0x1000'7fff'8000ul,
             0x2000'0000'0000ul, 0x4141'4141'4141ul, RL_HEAP_BASE - 16_MiB,
             RL_HEAP_BASE + RL_HEAP_SIZE + 256_KiB, RL_HEAP_BASE + 1_GiB * 512, 0x7fff'ffff'fffful})
        expect_zeros(at(RL_SHADOW_OF(address)), layout, address);
    u8 zeros[page_size] = {};
    loaded.machine().read(layout.zero_page(), zeros).take();
    for (const u8 byte : zeros) ASSERT_EQ(byte, 0);
}

// A wild pointer into the shadow faults, at the latest at its check.
TEST_F(Tables, TheShadowOfTheShadowIsNotMapped) {
    for (const u64 address :
         std::initializer_list<u64>{0x9000'0000, 0x1'0000'0000, 0x55'5555'5000, 0xfff'ffff'0000}) {
        EXPECT_FALSE(at(RL_SHADOW_OF(address)).found) << std::hex << address;
    }
    for (const u64 edge : {guest::shadow_gap, guest::shadow_end}) {
        expect_zeros(at(edge - 1), layout, edge - 1);
        EXPECT_FALSE(at(edge).found) << std::hex << edge;
    }
    for (const u64 edge : {guest::shadow_start, guest::high_shadow}) {
        expect_zeros(at(edge), layout, edge);
        EXPECT_FALSE(at(edge - 1).found) << std::hex << edge;
    }
}

// A table that many entries point to is built once, and all tables lie in the protected pages.
TEST_F(Tables, AllTablesAreContiguousAndFew) {
    std::map<u64, u32> levels{{loaded.machine().system().cr3.value(), 4}};
    std::vector<u64> left{loaded.machine().system().cr3.value()};
    while (!left.empty()) {
        const u64 table = left.back();
        left.pop_back();
        const u32 level = levels[table];
        if (level == 1) continue;
        for (u64 i = 0; i < 512; ++i) {
            u64 entry = 0;
            loaded.machine()
                .read(GuestPhys(table + 8 * i), MutableBytes(reinterpret_cast<u8 *>(&entry), 8))
                .take();
            if ((entry & present) == 0 || (entry & large) != 0) continue;
            const u64 below = entry & 0xf'ffff'ffff'f000;
            if (levels.emplace(below, level - 1).second) left.push_back(below);
            EXPECT_EQ(levels[below], level - 1) << "no table serves at two levels";
        }
    }
    EXPECT_EQ(levels.size(), layout.table_pages());
    EXPECT_EQ(levels.begin()->first, layout.tables().value());
    EXPECT_EQ(levels.rbegin()->first, layout.tables().value() + (layout.table_pages() - 1) * page_size);
}

TEST_F(Tables, RightsOfAPartOfALargePageChangeAlone) {
    const u64 page = RL_MAPPING_BASE + 5 * page_size;
    guest::Tables tables(guest::Memory::of(loaded.machine()), layout);
    EXPECT_TRUE(tables.protect(page, 2 * page_size, RL_RIGHT_READ).take());
    EXPECT_EQ(tables.spare_used(), 1u);
    const Leaf changed = at(page), before = at(page - 1), behind = at(page + 2 * page_size);
    EXPECT_TRUE(changed.found && !changed.write && !changed.execute && changed.all_marked);
    EXPECT_EQ(changed.physical, layout.find(page, 1)->physical.value() + 5 * page_size);
    EXPECT_TRUE(before.write && behind.write);
    EXPECT_TRUE(tables.protect(page, page_size, 0).take());
    EXPECT_FALSE(at(page).found);
    EXPECT_TRUE(tables.protect(page, page_size, RL_RIGHT_READ | RL_RIGHT_WRITE | RL_RIGHT_EXECUTE).take());
    EXPECT_TRUE(at(page).write && at(page).execute);
    EXPECT_EQ(tables.spare_used(), 1u) << "the same table serves all pages of the large one";
}

TEST_F(Tables, RightsOfWhatIsNotMappedDoNotChange) {
    guest::Tables tables(guest::Memory::of(loaded.machine()), layout);
    for (const u64 address : {0ul, guest::stub_address, u64{RL_SHADOW_OFFSET}, 1ul << 60})
        EXPECT_FALSE(tables.protect(address, page_size, RL_RIGHT_READ).take()) << address;
}

TEST_F(Tables, WithoutASpareTableALargePageStaysWhole) {
    guest::Tables tables(guest::Memory::of(loaded.machine()), layout, guest::GuestLayout::spare_table_pages);
    EXPECT_FALSE(tables.protect(RL_MAPPING_BASE, page_size, 0).take());
    EXPECT_TRUE(at(RL_MAPPING_BASE).write);
}

TEST_F(Tables, SegmentsHoldTheFilesBytesAndZerosBehindThem) {
    EXPECT_EQ(get<u8>(loaded.machine(), data + 2), 9);
    EXPECT_EQ(get<u8>(loaded.machine(), data + 3), 0);
    EXPECT_EQ(get<u32>(loaded.machine(), code), 0xe5894855u);
    EXPECT_LT(loaded.machine().pages_touched(), 40u) << "what is all zero is not written";
}

TEST(GuestLayout, APageInTheMiddleOfAProgramOfManyMegabytesIsMapped) {
    ElfBuilder big = program();
    big.load(0x800000, rw, {1}, 0x7000000);
    Loaded loaded(std::move(big));
    for (const u64 address : std::initializer_list<u64>{0x800000ul, 0x1234000ul, 0x77ff000ul})
        EXPECT_TRUE(walk(loaded.machine(), address).write);
    EXPECT_TRUE(walk(loaded.machine(), RL_SHADOW_OF(0x77ff000ul)).write);
    EXPECT_FALSE(walk(loaded.machine(), 0x7800000).found);
}

} // namespace
