// tests/unit/mm/records_test.cpp — records by id: kept apart, reused, and their frames given back.
#include "mm/records.h"

#include <map>
#include <random>

#include "tests/sim/memory.h"
#include "tests/sim/test.h"

namespace {

struct RecordsTest : testing::Test {
    SimMemory memory{2000, Phys(0x1000000), SimMemory::Mode::quick};
    mm::FramePool<SimMemory> pool{memory};
    mm::Frames<SimMemory> frames{memory};
    mm::Records<SimMemory> records{frames};

    RecordsTest() {
        pool.add({memory.first(), 2000 * page_size, 0, 0, 0}).take();
        frames.attach(0, pool);
    }
    static mm::Record record(u64 size) {
        mm::Record record;
        record.size = size;
        return record;
    }
};

TEST_F(RecordsTest, ARecordIsReadBackByItsId) {
    const u32 one = records.add(record(1)).take(), two = records.add(record(2)).take();
    EXPECT_NE(one, two);
    EXPECT_NE(one, 0u) << "id 0 means none";
    records.write(one, record(11)).take();
    EXPECT_EQ(records.read(one).take().size, 11u);
    EXPECT_EQ(records.read(two).take().size, 2u);
}

TEST_F(RecordsTest, UsingARemovedIdIsABug) {
    const u32 id = records.add(record(1)).take();
    static_cast<void>(records.add(record(2)).take());
    records.remove(id);
    EXPECT_DEATH(rstate::ignore(records.read(id), "dies"), "an id has a record");
}

TEST_F(RecordsTest, RandomAddsAndRemovesAgreeWithAnOracleAndGiveEveryFrameBack) {
    std::mt19937_64 random(9);
    std::map<u32, u64> live;
    for (u32 step = 0; step < 60'000; ++step) {
        const bool growing = step / 10'000 % 2 == 0;
        if (live.empty() || random() % 8 < (growing ? 6 : 2)) {
            const u32 id = records.add(record(step)).take();
            ASSERT_TRUE(live.insert({id, step}).second);
            ASSERT_LE(id, mm::max_record_id);
        } else {
            auto victim = live.lower_bound(static_cast<u32>(random() % (live.rbegin()->first + 1)));
            ASSERT_EQ(records.read(victim->first).take().size, victim->second);
            records.remove(victim->first);
            live.erase(victim);
        }
        ASSERT_EQ(records.count(), live.size());
    }
    u64 seen = 0;
    records.visit([&](u32 id, const mm::Record &r) { seen += live.at(id) == r.size; }).take();
    EXPECT_EQ(seen, live.size());
    EXPECT_LE(frames.used(), live.size() / 8 + 10)
        << "leaves that are nearly empty are filled before new ones";
    for (const auto &[id, size] : live) records.remove(id);
    EXPECT_EQ(frames.used(), 0u);
}

TEST_F(RecordsTest, WhereverAddingFailsNoFrameIsLost) {
    for (u64 n = 0;; ++n) {
        memory.fail_after(n);
        auto id = records.add(record(1));
        memory.never_fail();
        if (id.ok()) break;
        rstate::handled(std::move(id));
        EXPECT_EQ(frames.used(), 0u) << n;
        EXPECT_EQ(records.count(), 0u);
    }
}

} // namespace
