// tests/unit/boot/formats/acpi_test.cpp — ACPI tables, well formed and malformed.
#include "boot/formats/acpi.h"

#include <cstring>
#include <string>
#include <vector>

#include "boot/formats/codes.h"
#include "tests/sim/test.h"

namespace {

using boot::Topology;
using Data = std::vector<u8>;

template <class T> void put(Data &data, usize at, T value) {
    std::memcpy(data.data() + at, &value, sizeof value);
}

void sign(Data &table, usize checksum_at = 9) {
    table[checksum_at] = 0;
    u8 sum = 0;
    for (const u8 byte : table) sum = static_cast<u8>(sum + byte);
    table[checksum_at] = static_cast<u8>(-sum);
}

Data join(const std::vector<Data> &parts) {
    Data all;
    for (const Data &part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
}

// A whole table: the 36-byte header with length and checksum, `fixed` zero bytes, then the structures.
Data table(const std::string &signature, usize fixed, const std::vector<Data> &structures) {
    Data all = join({Data(36 + fixed), join(structures)});
    std::memcpy(all.data(), signature.data(), 4);
    put(all, 4, static_cast<u32>(all.size()));
    sign(all);
    return all;
}

Data local_apic(u8 id, u32 flags = 1) {
    Data s{0, 8, id, id, 0, 0, 0, 0};
    put(s, 4, flags);
    return s;
}
Data x2apic(u32 id, u32 flags = 1) {
    Data s(16);
    s[0] = 9, s[1] = 16;
    put(s, 4, id);
    put(s, 8, flags);
    return s;
}
Data io_apic() { return {1, 12, 0, 0, 0, 0, 0xC0, 0xFE, 0, 0, 0, 0}; }
Data core_affinity(u8 id, u32 node, u32 flags = 1) {
    Data s(16);
    s[0] = 0, s[1] = 16, s[2] = static_cast<u8>(node), s[3] = id;
    put(s, 4, flags);
    for (usize i = 0; i < 3; ++i) s[9 + i] = static_cast<u8>(node >> (8 * (i + 1)));
    return s;
}
Data x2apic_affinity(u32 id, u32 node) {
    Data s(24);
    s[0] = 2, s[1] = 24;
    put(s, 4, node);
    put(s, 8, id);
    put(s, 12, u32{1});
    return s;
}
Data memory_affinity(u64 start, u64 length, u32 node, u32 flags = 1) {
    Data s(40);
    s[0] = 1, s[1] = 40;
    put(s, 2, node);
    put(s, 8, start);
    put(s, 16, length);
    put(s, 28, flags);
    return s;
}
Data madt(const std::vector<Data> &structures) { return table("APIC", 8, structures); }
Data srat(const std::vector<Data> &structures) { return table("SRAT", 12, structures); }

// Tables at physical addresses, as the firmware leaves them; what lies outside cannot be read.
class Firmware {
  public:
    static constexpr u64 base = 0x7FE0000;

    u64 add(const Data &table) {
        memory_.resize(align_up(memory_.size(), 16));
        const u64 at = base + memory_.size();
        memory_.insert(memory_.end(), table.begin(), table.end());
        return at;
    }
    Data &memory() { return memory_; }

    // The root pointer over an XSDT of these tables (revision 2), or an RSDT (revision 0).
    Data root(const std::vector<u64> &tables, u8 revision = 2) {
        Data entries;
        for (const u64 at : tables) {
            Data entry(revision >= 2 ? 8 : 4);
            std::memcpy(entry.data(), &at, entry.size());
            entries = join({entries, entry});
        }
        const u64 list = add(table(revision >= 2 ? "XSDT" : "RSDT", 0, {entries}));
        Data root(revision >= 2 ? 36 : 20);
        std::memcpy(root.data(), "RSD PTR ", 8);
        root[15] = revision;
        put(root, 16, static_cast<u32>(revision >= 2 ? 0xDEADBEEF : list));
        if (revision >= 2) put(root, 20, u32{36}), put(root, 24, list);
        Data first(root.begin(), root.begin() + 20);
        sign(first, 8);
        root[8] = first[8];
        if (revision >= 2) sign(root, 32);
        return root;
    }

    rstate::Result<> read(const Data &root, Topology &topology) {
        const boot::PhysicalView view{[](void *self, u64 at, u64 length) {
                                          const Data &m = static_cast<Firmware *>(self)->memory_;
                                          const Bytes all(m.data(), m.size());
                                          return at >= base && all.holds(at - base, length)
                                                     ? all.sub(at - base, length)
                                                     : Bytes();
                                      },
                                      this};
        return boot::read_topology({root.data(), root.size()}, view, topology);
    }

  private:
    Data memory_;
};

Bytes bytes(const Data &data) { return {data.data(), data.size()}; }

std::vector<u32> ids(const Topology &topology) {
    std::vector<u32> all;
    for (u32 i = 0; i < topology.core_count; ++i) all.push_back(topology.cores[i].apic_id);
    return all;
}

TEST(Acpi, TheRootPointerIsFoundOnItsBoundaryAndOnlyWithARightChecksum) {
    Firmware firmware;
    const Data root = firmware.root({}, 0);
    Data area(256);
    EXPECT_EQ(boot::find_rsdp(bytes(area)), area.size());
    std::memcpy(area.data() + 20, root.data(), root.size());
    EXPECT_EQ(boot::find_rsdp(bytes(area)), area.size()) << "not on a 16-byte boundary";
    std::memcpy(area.data() + 64, root.data(), root.size());
    area[64 + 10] ^= 1;
    EXPECT_EQ(boot::find_rsdp(bytes(area)), area.size()) << "bad checksum";
    std::memcpy(area.data() + 128, root.data(), root.size());
    EXPECT_EQ(boot::find_rsdp(bytes(area)), 128u);
    EXPECT_EQ(boot::find_rsdp(bytes(area).first(140)), 140u) << "cut off";
}

TEST(Acpi, CoresAndNodesAreReadThroughEitherRootTable) {
    for (const u8 revision : {u8{0}, u8{2}}) {
        Firmware firmware;
        const u64 other = firmware.add(table("HPET", 20, {}));
        // The SRAT stands first on purpose: its nodes are wanted after the MADT's cores.
        const u64 nodes =
            firmware.add(srat({core_affinity(0, 0), core_affinity(1, 1), core_affinity(2, 0x12345),
                               memory_affinity(0, 1_GiB, 0), memory_affinity(1_GiB, 1_GiB, 1)}));
        const u64 cores =
            firmware.add(madt({local_apic(0), io_apic(), local_apic(1), local_apic(2), local_apic(3, 0)}));
        Topology topology;
        ASSERT_TRUE(firmware.read(firmware.root({other, nodes, cores}, revision), topology).ok());
        EXPECT_EQ(ids(topology), (std::vector<u32>{0, 1, 2}));
        EXPECT_EQ(topology.cores[1].node, 1u);
        EXPECT_EQ(topology.cores[2].node, 0x12345u) << "a node's number is in two pieces";
        EXPECT_EQ(topology.node_of_memory(0), 0u);
        EXPECT_EQ(topology.node_of_memory(1_GiB), 1u);
        EXPECT_EQ(topology.node_of_memory(2_GiB), 0u) << "what no range names";
        EXPECT_TRUE(topology.has_madt && topology.has_srat);
    }
}

TEST(Acpi, AWrongSecondChecksumOfTheRootPointerSelectsTheRsdt) {
    Firmware firmware;
    const u64 cores = firmware.add(madt({local_apic(7)}));
    const Data old = firmware.root({cores}, 0);
    Data root = firmware.root({0xBAD0000}, 2);
    std::memcpy(root.data() + 16, old.data() + 16, 4); // the RSDT's address; both checksums are now wrong
    Topology topology;
    ASSERT_TRUE(firmware.read(root, topology).ok());
    EXPECT_EQ(ids(topology), (std::vector<u32>{7}));
}

TEST(Acpi, AnUnreadableXsdtIsReplacedByTheRsdt) {
    Firmware firmware;
    const u64 cores = firmware.add(madt({local_apic(4)}));
    const Data old = firmware.root({cores}, 0);
    Data root = firmware.root({cores});
    std::memcpy(root.data() + 16, old.data() + 16, 4);
    put(root, 24, u64{0x1'0000'0000});
    sign(root, 32);
    Topology topology;
    ASSERT_TRUE(firmware.read(root, topology).ok());
    EXPECT_EQ(ids(topology), (std::vector<u32>{4}));
}

// The first MiB of a machine, and what lies at the address that the loader gave.
struct Places {
    Data low = Data(1_MiB), given;
    static constexpr u64 told_at = 0x7000000;

    std::string found(u64 at = told_at) {
        const boot::PhysicalView view{[](void *self, u64 physical, u64 length) {
                                          const Places &all = *static_cast<Places *>(self);
                                          const bool high = physical >= told_at;
                                          const Bytes memory = bytes(high ? all.given : all.low);
                                          physical -= high ? told_at : 0;
                                          return memory.holds(physical, length) ? memory.sub(physical, length)
                                                                                : Bytes();
                                      },
                                      this};
        const Bytes root = boot::find_root(at, view);
        // Each root pointer below says in its maker's name where it is.
        return root.empty() ? "none" : std::string(root.begin() + 9, root.begin() + 15);
    }
    static Data root(const std::string &maker) {
        Data root(36);
        std::memcpy(root.data(), "RSD PTR ", 8);
        std::memcpy(root.data() + 9, maker.data(), 6);
        root.resize(20);
        sign(root, 8);
        root.resize(36);
        return root;
    }
    void place(usize at, const std::string &maker) {
        const Data made = root(maker);
        std::memcpy(low.data() + at, made.data(), made.size());
    }
};

TEST(Acpi, TheRootPointerIsTakenFromTheLoaderOrElseSearchedFor) {
    Places places;
    EXPECT_EQ(places.found(), "none");
    places.place(0xF5B80, "in ROM");
    EXPECT_EQ(places.found(0), "in ROM") << "the loader gave no address";
    EXPECT_EQ(places.found(), "in ROM") << "nothing can be read there";
    places.given = Data(36, 0xAA);
    EXPECT_EQ(places.found(), "in ROM") << "something else lies there";
    places.given = Places::root("placed");
    EXPECT_EQ(places.found(), "placed");
    places.given[10] ^= 1;
    EXPECT_EQ(places.found(), "in ROM") << "bad checksum";
    put(places.low, 0x40E, u16{0x9FC0});
    places.place(0x9FC00 + 0x3C0, "in BDA");
    EXPECT_EQ(places.found(), "in BDA");
    put(places.low, 0x40E, u16{0x7000});
    places.place(0x70000, "in RAM");
    EXPECT_EQ(places.found(), "in ROM") << "no such data area";
}

TEST(Acpi, ACoreListedAsApicAndAsX2apicCountsOnce) {
    Topology topology;
    ASSERT_TRUE(boot::parse_madt(
                    bytes(madt({local_apic(0), local_apic(1), x2apic(0), x2apic(1), x2apic(300)})), topology)
                    .ok());
    EXPECT_EQ(ids(topology), (std::vector<u32>{0, 1, 300}));
}

TEST(Acpi, CoresBeyondTheLargestNumberAreCountedAndLeftOut) {
    std::vector<Data> cores;
    for (u32 i = 0; i < max_cores + 5; ++i) cores.push_back(x2apic(i));
    Topology topology;
    ASSERT_TRUE(boot::parse_madt(bytes(madt(cores)), topology).ok());
    EXPECT_EQ(topology.core_count, max_cores);
    EXPECT_EQ(topology.cores_left_out, 5u);
}

TEST(Acpi, TheRunningCoreIsFirstEvenBehindMoreCoresThanFit) {
    std::vector<Data> cores;
    for (u32 i = 0; i < 300; ++i) cores.push_back(x2apic(i));
    Topology topology;
    topology.cores[topology.core_count++] = {299, 0};
    ASSERT_TRUE(boot::parse_madt(bytes(madt(cores)), topology).ok());
    EXPECT_EQ(topology.cores[0].apic_id, 299u);
    EXPECT_EQ(topology.cores[1].apic_id, 0u);
    EXPECT_EQ(topology.core_count, max_cores);
    EXPECT_EQ(topology.cores_left_out, 300 - max_cores);
    EXPECT_TRUE(topology.first_is_listed);
}

TEST(Acpi, TheRunningCoreMayBeMissingOrDisabled) {
    Topology topology;
    topology.cores[topology.core_count++] = {7, 0};
    ASSERT_TRUE(boot::parse_madt(bytes(madt({local_apic(0), local_apic(7, 0)})), topology).ok());
    EXPECT_FALSE(topology.first_is_listed);
}

TEST(Acpi, WithoutAMadtThereAreNoCoresAndNoError) {
    Firmware firmware;
    Topology topology;
    ASSERT_TRUE(firmware.read(firmware.root({firmware.add(table("FACP", 40, {}))}), topology).ok());
    EXPECT_FALSE(topology.has_madt);
    EXPECT_EQ(topology.core_count, 0u);
}

TEST(Acpi, ATableWithABadChecksumOrLengthIsAnError) {
    const auto broken = [](usize at, u32 length_or_byte, bool whole_word) {
        Firmware firmware;
        const u64 cores = firmware.add(madt({local_apic(0)}));
        u8 *place = &firmware.memory()[cores - Firmware::base + at];
        std::memcpy(place, &length_or_byte, whole_word ? 4 : 1);
        Topology topology;
        return fails_with(firmware.read(firmware.root({cores}), topology), boot::bad_table);
    };
    EXPECT_TRUE(broken(9, 0x55, false)) << "checksum";
    EXPECT_TRUE(broken(4, 0, true)) << "length nothing";
    EXPECT_TRUE(broken(4, 35, true)) << "length shorter than the header";
    EXPECT_TRUE(broken(4, 0xFFFFFFFF, true)) << "length of 4 GiB";
    EXPECT_TRUE(broken(4, 0xF0000, true)) << "length beyond what can be read";
}

TEST(Acpi, ARootTableWithAnotherSignatureOrUnreadableIsAnError) {
    Firmware firmware;
    Data root = firmware.root({}, 2);
    firmware.memory()[0] = 'Y';
    sign(firmware.memory());
    Topology topology;
    EXPECT_TRUE(fails_with(firmware.read(root, topology), boot::bad_table));
    put(root, 24, u64{0xFFFFFFFF00000000});
    sign(root, 32);
    EXPECT_TRUE(fails_with(firmware.read(root, topology), boot::bad_table));
    root.resize(19);
    EXPECT_TRUE(fails_with(firmware.read(root, topology), boot::bad_table));
}

TEST(Acpi, AnUnreadableTableIsLeftOut) {
    Firmware firmware;
    const u64 cores = firmware.add(madt({local_apic(0)}));
    Topology topology;
    ASSERT_TRUE(firmware.read(firmware.root({cores}), topology).ok());
    EXPECT_FALSE(topology.out_of_reach);
    ASSERT_TRUE(firmware.read(firmware.root({0x100000000, 0, ~0ul, cores}), topology).ok());
    EXPECT_EQ(topology.core_count, 1u);
    EXPECT_TRUE(topology.out_of_reach) << "it is reported";
}

TEST(Acpi, StructuresThatAreCutOffOrHaveNoLengthAreErrors) {
    const auto refuses = [](const Data &structure) {
        Topology topology;
        const Data whole = srat({core_affinity(0, 0), structure});
        return fails_with(boot::parse_srat(bytes(whole), topology), boot::bad_table);
    };
    EXPECT_TRUE(refuses({0})) << "half a structure's head";
    EXPECT_TRUE(refuses({0, 0, 1, 1, 1, 0, 0, 0})) << "no length: would never end";
    EXPECT_TRUE(refuses({0, 1, 1, 1})) << "shorter than its head";
    EXPECT_TRUE(refuses({0, 9, 1, 1, 1, 0, 0, 0})) << "longer than the table";
}

TEST(Acpi, OfAMadtThatBreaksOffWhatStandsBeforeIsKept) {
    for (const Data &broken : {Data{0}, Data{0, 0, 1, 1, 1, 0, 0, 0}, Data{0, 9, 1, 1, 1, 0, 0, 0}}) {
        Topology topology;
        ASSERT_TRUE(boot::parse_madt(bytes(madt({local_apic(0), local_apic(1), broken})), topology).ok());
        EXPECT_EQ(ids(topology), (std::vector<u32>{0, 1}));
        EXPECT_TRUE(topology.madt_is_cut);
    }
    Topology topology;
    ASSERT_TRUE(boot::parse_madt(bytes(madt({local_apic(0)})), topology).ok());
    EXPECT_FALSE(topology.madt_is_cut);
}

TEST(Acpi, ABrokenSratIsIgnoredWithAllThatItSaid) {
    const std::vector<std::vector<Data>> structures = {
        {core_affinity(1, 1), memory_affinity(0, 1_GiB, 1), {1, 0}}, {core_affinity(1, 1)}};
    for (usize i = 0; i < 2; ++i) {
        Firmware firmware;
        const u64 cores = firmware.add(madt({local_apic(0), local_apic(1)}));
        const u64 nodes = firmware.add(srat(structures[i]));
        if (i == 1) firmware.memory()[nodes - Firmware::base + 9] ^= 1; // the checksum
        Topology topology;
        ASSERT_TRUE(firmware.read(firmware.root({cores, nodes}), topology).ok());
        EXPECT_EQ(ids(topology), (std::vector<u32>{0, 1}));
        EXPECT_EQ(topology.cores[1].node, 0u);
        EXPECT_EQ(topology.node_range_count, 0u);
        EXPECT_FALSE(topology.has_srat);
    }
}

// As boards were seen to have it: what no core uses is filled with one id, or with ones.
TEST(Acpi, EntriesThatNoCoreHasAreOneGhostOrNone) {
    std::vector<Data> entries;
    for (u8 id = 0; id < 16; ++id) entries.push_back(local_apic(id));
    for (u8 id = 16; id < 32; ++id) entries.push_back(local_apic(id, 0));
    for (u32 i = 0; i < 8; ++i) entries.push_back(x2apic(0x17161514));
    for (u32 i = 0; i < 40; ++i) entries.push_back(x2apic(0xFFFFFFFF, 0xFFFFFFFF));
    entries.push_back(local_apic(0xFF));
    Topology topology;
    ASSERT_TRUE(boot::parse_madt(bytes(madt(entries)), topology).ok());
    ASSERT_EQ(topology.core_count, 17u) << "the ghost is tried once; all cores at once would be no core";
    EXPECT_EQ(topology.cores[16].apic_id, 0x17161514u);
    EXPECT_EQ(topology.cores_left_out, 0u);
}

TEST(Acpi, IoApicsAndTheHpetAreFound) {
    Firmware firmware;
    std::vector<Data> entries = {local_apic(0), io_apic()};
    for (u32 i = 0; i < boot::max_io_apics; ++i) entries.push_back(io_apic());
    const u64 cores = firmware.add(madt(entries));
    Data hpet = table("HPET", 20, {});
    put(hpet, 44, u64{0xFED00000});
    sign(hpet);
    Topology topology;
    ASSERT_TRUE(firmware.read(firmware.root({cores, firmware.add(hpet)}), topology).ok());
    EXPECT_EQ(topology.io_apic_count, boot::max_io_apics) << "more are left out";
    EXPECT_EQ(topology.io_apics[0], 0xFEC00000u);
    EXPECT_EQ(topology.hpet, 0xFED00000u);
    hpet[40] = 1; // in port space
    sign(hpet);
    Topology other;
    ASSERT_TRUE(boot::parse_hpet(bytes(hpet), other).ok());
    EXPECT_EQ(other.hpet, 0u);
    EXPECT_TRUE(fails_with(boot::parse_hpet(bytes(table("HPET", 19, {})), other), boot::bad_table));
}

TEST(Acpi, StructuresTooShortForTheirTypeAreSkipped) {
    Topology topology;
    ASSERT_TRUE(boot::parse_madt(bytes(madt({{0, 4, 1, 1}, {9, 4, 0, 0}, local_apic(2)})), topology).ok());
    EXPECT_EQ(ids(topology), (std::vector<u32>{2}));
    ASSERT_TRUE(boot::parse_srat(bytes(srat({{0, 4, 1, 1}, {1, 4, 0, 0}, {2, 4, 0, 0}})), topology).ok());
    EXPECT_EQ(topology.node_range_count, 0u);
}

TEST(Acpi, TablesShorterThanTheirFixedPartAreErrors) {
    Topology topology;
    EXPECT_TRUE(fails_with(boot::parse_madt(bytes(table("APIC", 7, {})), topology), boot::bad_table));
    EXPECT_TRUE(fails_with(boot::parse_srat(bytes(table("SRAT", 11, {})), topology), boot::bad_table));
}

TEST(Acpi, AffinityThatIsDisabledOrWrapsIsIgnored) {
    Topology topology;
    ASSERT_TRUE(boot::parse_madt(bytes(madt({local_apic(0), x2apic(500)})), topology).ok());
    ASSERT_TRUE(boot::parse_srat(bytes(srat({core_affinity(0, 3, 0), memory_affinity(0, 1_GiB, 1, 0),
                                             memory_affinity(~0ul, 2, 1), x2apic_affinity(500, 7)})),
                                 topology)
                    .ok());
    EXPECT_EQ(topology.cores[0].node, 0u);
    EXPECT_EQ(topology.cores[1].node, 7u);
    EXPECT_EQ(topology.node_range_count, 0u);
}

TEST(Acpi, MoreAffinityRangesThanAreKeptCountAsNodeZero) {
    std::vector<Data> ranges;
    for (u64 i = 0; i < Topology::max_node_ranges + 3; ++i)
        ranges.push_back(memory_affinity(i * 1_GiB, 1_GiB, 4));
    Topology topology;
    ASSERT_TRUE(boot::parse_srat(bytes(srat(ranges)), topology).ok());
    EXPECT_EQ(topology.node_range_count, Topology::max_node_ranges);
    EXPECT_EQ(topology.node_of_memory((Topology::max_node_ranges + 1) * 1_GiB), 0u);
}

// Whatever a byte is changed to, the answer is a topology or an error; the sanitizers watch the reads.
TEST(Acpi, EveryTruncationAndEveryFlippedByteIsSurvived) {
    const Data whole = madt({local_apic(0), io_apic(), x2apic(1), local_apic(2)});
    for (usize size = 0; size < whole.size(); ++size) {
        const Data cut(whole.begin(),
                       whole.begin() + static_cast<long>(size)); // its own block: an overrun is seen
        Topology topology;
        rstate::handled(boot::parse_madt(bytes(cut), topology));
        rstate::handled(boot::parse_srat(bytes(cut), topology));
    }
    for (usize at = 0; at < whole.size(); ++at)
        for (u32 value = 0; value < 256; value += 5) {
            Data changed = whole;
            changed[at] = static_cast<u8>(value);
            Topology topology;
            rstate::handled(boot::parse_madt(bytes(changed), topology));
            ASSERT_LE(topology.core_count, max_cores);
        }
}

} // namespace
