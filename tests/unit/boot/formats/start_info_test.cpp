// tests/unit/boot/formats/start_info_test.cpp — the information of PVH, Multiboot2 and Linux loaders, well
// formed and malformed.
#include "boot/formats/start_info.h"

#include <cstring>
#include <string>
#include <vector>

#include "boot/formats/codes.h"
#include "tests/sim/test.h"

namespace {

using boot::StartInfo;
using Data = std::vector<u8>;
using Reader = rstate::Result<> (*)(u64, const boot::PhysicalView &, StartInfo &);

constexpr u64 base = 0x9000;

template <class T> void put(Data &data, usize at, T value) {
    if (data.size() < at + sizeof value) data.resize(at + sizeof value);
    std::memcpy(data.data() + at, &value, sizeof value);
}

boot::PhysicalView view_of(Data &memory) {
    return {[](void *context, u64 at, u64 length) {
                const Data &m = *static_cast<Data *>(context);
                const Bytes all(m.data(), m.size());
                return at >= base && all.holds(at - base, length) ? all.sub(at - base, length) : Bytes();
            },
            &memory};
}

struct Entry {
    u64 start, length;
    u32 type;
};
const std::vector<Entry> some_entries{{0, 0x9FC00, 1}, {0x100000, 0x7F00000, 1}, {0x8000000, 0x1000, 3}};

void put_entry(Data &data, usize at, const Entry &entry) {
    put(data, at, entry.start), put(data, at + 8, entry.length), put(data, at + 16, entry.type);
}

Data pvh(const std::vector<Entry> &entries, u32 version = 1) {
    Data data(56);
    put(data, 0, 0x336EC578u), put(data, 4, version), put(data, 32, u64{0xF5000});
    put(data, 40, base + 64), put(data, 48, static_cast<u32>(entries.size()));
    data.resize(64 + 24 * entries.size());
    for (usize i = 0; i < entries.size(); ++i) put_entry(data, 64 + 24 * i, entries[i]);
    return data;
}

void add_tag(Data &data, u32 type, const Data &body) {
    data.resize(align_up(data.size(), 8));
    const usize at = data.size();
    put(data, at, type), put(data, at + 4, static_cast<u32>(8 + body.size()));
    data.insert(data.end(), body.begin(), body.end());
    put(data, 0, static_cast<u32>(data.size()));
}

Data memory_tag(const std::vector<Entry> &entries, u32 entry_size = 24) {
    Data body(8);
    put(body, 0, entry_size);
    for (const Entry &entry : entries) {
        const usize at = body.size();
        body.resize(at + entry_size);
        put_entry(body, at, entry);
    }
    return body;
}

Data multiboot2(const std::vector<Entry> &entries, u32 entry_size = 24) {
    Data data(8);
    add_tag(data, 2, Data{'G', 'R', 'U', 'B', 0});
    add_tag(data, 15, Data(36, 2));
    add_tag(data, 14, Data(20, 1));
    add_tag(data, 6, memory_tag(entries, entry_size));
    add_tag(data, 0, {});
    return data;
}

// boot_params with the first 128 entries, and the others in nodes of `per_node` behind it.
Data linux_page(const std::vector<Entry> &entries, usize per_node = 100) {
    Data data(4096);
    const usize in_page = std::min<usize>(entries.size(), 128);
    put(data, 0x202, 0x53726448u), put(data, 0x70, u64{0xF6000}), data[0x1E8] = static_cast<u8>(in_page);
    for (usize i = 0; i < in_page; ++i) put_entry(data, 0x2D0 + 20 * i, entries[i]);
    usize link = 0x250;
    for (usize first = in_page; first < entries.size(); first += per_node) {
        const usize count = std::min(per_node, entries.size() - first), node = align_up(data.size(), 16);
        put(data, link, base + node);
        data.resize(node + 16 + 20 * count);
        put(data, node + 8, 1u), put(data, node + 12, static_cast<u32>(20 * count));
        for (usize i = 0; i < count; ++i) put_entry(data, node + 16 + 20 * i, entries[first + i]);
        link = node;
    }
    return data;
}

std::vector<Entry> many(usize count) {
    std::vector<Entry> all;
    for (usize i = 0; i < count; ++i) all.push_back({i << 20, 0x1000 + i, i % 3 == 0 ? 2u : 1u});
    return all;
}

void expect_entries(const StartInfo &info, const std::vector<Entry> &entries) {
    ASSERT_EQ(info.count, entries.size());
    for (usize i = 0; i < entries.size(); ++i) {
        EXPECT_EQ(info.map[i].base, entries[i].start);
        EXPECT_EQ(info.map[i].length, entries[i].length);
        EXPECT_EQ(info.map[i].type, entries[i].type);
        EXPECT_EQ(info.map[i].attributes & 1, 1u) << "an entry that is not to be ignored";
    }
}

void expect_read(Reader read, Data data, const std::vector<Entry> &entries, u64 rsdp) {
    StartInfo info;
    ASSERT_TRUE(read(base, view_of(data), info).ok());
    expect_entries(info, entries);
    EXPECT_EQ(info.rsdp, rsdp);
}

void expect_error(Reader read, Data data, const rstate::Code &code) {
    StartInfo info;
    EXPECT_TRUE(fails_with(read(base, view_of(data), info), code));
}

TEST(StartInfo, PvhGivesItsMapAndTheRootPointer) {
    expect_read(boot::read_pvh, pvh(some_entries), some_entries, 0xF5000);
}

// The tag is a copy in memory that is free later: StartInfo must keep its own.
TEST(StartInfo, Multiboot2GivesItsMapAndTheNewerCopyOfTheRootPointer) {
    for (const u32 entry_bytes : {24u, 40u}) {
        Data data = multiboot2(some_entries, entry_bytes);
        const Data newer(data.begin() + 8 + 16 + 8, data.begin() + 8 + 16 + 8 + 36);
        StartInfo info;
        ASSERT_TRUE(boot::read_multiboot2(base, view_of(data), info).ok());
        expect_entries(info, some_entries);
        std::fill(data.begin(), data.end(), u8{0xDD});
        EXPECT_EQ(Data(pointer_to<u8>(Virt(info.rsdp)), pointer_to<u8>(Virt(info.rsdp)) + 36), newer);
    }
}

TEST(StartInfo, LinuxGivesItsMapAndTheRootPointer) {
    expect_read(boot::read_linux, linux_page(some_entries), some_entries, 0xF6000);
}

TEST(StartInfo, LinuxHasEntriesBeyond128InAList) {
    expect_read(boot::read_linux, linux_page(many(300)), many(300), 0xF6000);
    expect_read(boot::read_linux, linux_page(many(129), 1), many(129), 0xF6000);
}

TEST(StartInfo, ACircularListEnds) {
    Data data = linux_page(many(130), 1); // two nodes; the last goes back to itself
    const usize last = data.size() - 36;
    put(data, last, base + last);
    StartInfo info;
    EXPECT_TRUE(boot::read_linux(base, view_of(data), info).ok());
    EXPECT_LE(info.count, StartInfo::capacity);
}

TEST(StartInfo, TooManyEntriesAreAnErrorInEachProtocol) {
    const auto most = many(StartInfo::capacity), too_many = many(StartInfo::capacity + 1);
    expect_read(boot::read_pvh, pvh(most), most, 0xF5000);
    expect_error(boot::read_pvh, pvh(too_many), boot::bad_memory_map);
    expect_error(boot::read_multiboot2, multiboot2(too_many), boot::bad_memory_map);
    expect_error(boot::read_linux, linux_page(too_many), boot::bad_memory_map);
}

TEST(StartInfo, NoMapIsAnErrorInEachProtocol) {
    expect_error(boot::read_pvh, pvh({}), boot::bad_memory_map);
    expect_error(boot::read_multiboot2, multiboot2({}), boot::bad_memory_map);
    expect_error(boot::read_linux, linux_page({}), boot::bad_memory_map);
}

TEST(StartInfo, InformationOfAnotherProtocolIsAnError) {
    expect_error(boot::read_pvh, Data(56), boot::bad_handoff);
    expect_error(boot::read_pvh, Data(), boot::bad_handoff);
    expect_error(boot::read_pvh, pvh(some_entries, 0), boot::bad_handoff);
    expect_error(boot::read_linux, Data(4096), boot::bad_handoff);
    expect_error(boot::read_linux, Data(100), boot::bad_handoff);
    expect_error(boot::read_multiboot2, Data(), boot::bad_handoff);
}

TEST(StartInfo, TagsOfImpossibleSizeAreErrors) {
    Data data(8);
    add_tag(data, 2, Data(8));
    put(data, 12, 4u); // shorter than a tag's own header: the walk would never end
    expect_error(boot::read_multiboot2, data, boot::bad_handoff);
    put(data, 12, 0xFFFFFFF8u);
    expect_error(boot::read_multiboot2, data, boot::bad_handoff);
    expect_error(boot::read_multiboot2, multiboot2(some_entries, 23), boot::bad_handoff);
    Data huge(8);
    put(huge, 0, 0x40000000u);
    expect_error(boot::read_multiboot2, huge, boot::bad_handoff);
}

TEST(StartInfo, EveryTruncationAndEveryFlippedByteIsSurvived) {
    const auto survives = [](Reader read, const Data &sample) {
        for (usize at = 0; at < sample.size(); ++at) {
            Data cut(sample.begin(), sample.begin() + static_cast<i64>(at)), flipped = sample;
            flipped[at] ^= 0xFF;
            for (Data *data : {&cut, &flipped}) {
                StartInfo info;
                rstate::handled(read(base, view_of(*data), info));
                EXPECT_LE(info.count, StartInfo::capacity);
            }
        }
    };
    survives(boot::read_pvh, pvh(some_entries));
    survives(boot::read_multiboot2, multiboot2(some_entries));
    survives(boot::read_linux, linux_page(many(130), 1));
}

} // namespace
