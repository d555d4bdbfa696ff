// tests/unit/boot/formats/elf_test.cpp — ELF files, whole and broken.
#include "boot/formats/elf.h"

#include "boot/formats/codes.h"
#include "tests/sim/elf_builder.h"
#include "tests/sim/test.h"

namespace {

using boot::Elf;
using sim::bytes_of;
using sim::ElfBuilder;

constexpr u32 rx = ElfBuilder::read | ElfBuilder::execute, rw = ElfBuilder::read | ElfBuilder::write;

ElfBuilder small_program() {
    ElfBuilder builder;
    builder.load(0x400000, ElfBuilder::read, {1, 2, 3}).load(0x401000, rx, {0xc3, 0x90}).entry(0x401001);
    builder.load(0x402010, rw, {7, 8, 9}, 0x3000);
    return builder;
}

template <class T> void overwrite(std::vector<u8> &file, u64 at, T value) {
    std::memcpy(file.data() + at, &value, sizeof(value));
}
constexpr u64 segment_at(u64 index) { return 64 + 56 * index; }

testing::AssertionResult malformed(const std::vector<u8> &file) {
    return fails_with(Elf::parse(bytes_of(file)), boot::elf_malformed);
}
testing::AssertionResult unsupported(const std::vector<u8> &file) {
    return fails_with(Elf::parse(bytes_of(file)), boot::elf_unsupported);
}

TEST(Elf, GivesSegmentsWithTheirRightsAndBytes) {
    const auto file = small_program().build();
    const Elf elf = Elf::parse(bytes_of(file)).take();
    EXPECT_EQ(elf.entry(), 0x401001u);
    EXPECT_EQ(elf.start(), 0x400000u);
    EXPECT_EQ(elf.end(), 0x406000u);
    ASSERT_EQ(elf.segment_count(), 3u);
    const boot::Segment data = elf.segment(2);
    EXPECT_EQ(data.kind, boot::SegmentKind::load);
    EXPECT_TRUE(data.writable && data.readable && !data.executable);
    EXPECT_EQ(data.address, 0x402010u);
    EXPECT_EQ(data.memory_size, 0x3000u);
    ASSERT_EQ(data.bytes.size(), 3u);
    EXPECT_EQ(data.bytes[2], 9);
    EXPECT_TRUE(elf.segment(1).executable && !elf.segment(1).writable);
    EXPECT_FALSE(elf.position_independent() || elf.has_interpreter());
}

TEST(Elf, KnowsWhereItsProgramHeadersAreLoaded) {
    ElfBuilder builder;
    auto file = builder.load(0x400000, rx, std::vector<u8>(8, 0x90)).entry(0x400000).build();
    EXPECT_EQ(Elf::parse(bytes_of(file)).take().program_headers(), 0u) << "the segment begins behind them";
    overwrite(file, segment_at(0) + 8, u64{0});     // the file from its start...
    overwrite(file, segment_at(0) + 32, u64{4096}); // ...one page of it
    overwrite(file, segment_at(0) + 40, u64{4096});
    EXPECT_EQ(Elf::parse(bytes_of(file)).take().program_headers(), 0x400040u);
}

TEST(Elf, KnowsWhatIsCode) {
    const auto file = small_program().build();
    const Elf elf = Elf::parse(bytes_of(file)).take();
    EXPECT_TRUE(elf.is_code(0x401001));
    EXPECT_FALSE(elf.is_code(0x401002));
    EXPECT_FALSE(elf.is_code(0x402010));
}

TEST(Elf, EveryPrefixOfAFileIsRefusedOrReadSafely) {
    const auto file = small_program().build();
    for (usize size = 0; size < file.size(); ++size) {
        const std::vector<u8> prefix(file.begin(), file.begin() + static_cast<long>(size));
        auto elf = Elf::parse(bytes_of(prefix));
        if (elf.ok()) EXPECT_TRUE(fails_with(elf.value().symbols(), boot::elf_malformed)) << size;
        rstate::handled(std::move(elf));
    }
}

TEST(Elf, RefusesWhatIsNotAProgramForThisProcessor) {
    auto other = [](u64 at, auto value) {
        auto file = small_program().build();
        overwrite(file, at, value);
        return file;
    };
    EXPECT_TRUE(malformed(other(0, u8{0x7e})));
    EXPECT_TRUE(unsupported(other(4, u8{1}))) << "32-bit";
    EXPECT_TRUE(unsupported(other(5, u8{2}))) << "big endian";
    EXPECT_TRUE(unsupported(other(16, u16{1}))) << "an object file";
    EXPECT_TRUE(unsupported(other(16, u16{4}))) << "a core";
    EXPECT_TRUE(unsupported(other(18, u16{183}))) << "AArch64";
}

TEST(Elf, RefusesTablesThatDoNotFit) {
    for (const u64 place : {~0ul, ~0ul - 55, 1ul << 63, 4'000'000ul}) {
        auto file = small_program().build();
        overwrite(file, 32, place);
        EXPECT_TRUE(malformed(file)) << place;
    }
    auto file = small_program().build();
    overwrite(file, 54, u16{55});
    EXPECT_TRUE(malformed(file));
    overwrite(file, 54, u16{56});
    overwrite(file, 56, u16{0});
    EXPECT_TRUE(malformed(file));
}

TEST(Elf, RefusesImpossibleSegments) {
    struct Change {
        u64 field, value;
        const char *why;
    };
    const Change changes[] = {
        {8, 1ul << 40, "outside the file"}, {32, ~0ul, "file size overflows"},
        {32, 5, "more file than memory"},   {40, ~0ul, "memory size overflows"},
        {16, 1ul << 47, "upper half"},      {16, 0x402234, "off its alignment"},
        {48, 3, "no power of two"},         {16, 0x401010, "overlaps"},
    };
    for (const Change &change : changes) {
        auto file = small_program().build();
        if (change.field == 32 && change.value == 5) overwrite(file, segment_at(2) + 40, u64{4});
        overwrite(file, segment_at(2) + change.field, change.value);
        EXPECT_TRUE(malformed(file)) << change.why;
    }
}

TEST(Elf, RefusesSegmentsThatShareAPageOrAreWritableCode) {
    EXPECT_TRUE(
        malformed(ElfBuilder().load(0x400000, rx, {1}).load(0x400800, rw, {2}).entry(0x400000).build()));
    EXPECT_TRUE(unsupported(ElfBuilder().load(0x400000, rx | rw, {1}).entry(0x400000).build()));
}

TEST(Elf, RefusesAnEntryOutsideItsCode) {
    EXPECT_TRUE(malformed(small_program().entry(0x402010).build()));
    EXPECT_TRUE(malformed(small_program().entry(0x401002).build()));
    EXPECT_TRUE(malformed(ElfBuilder().entry(0).build())) << "nothing to load";
}

TEST(Elf, ReadsSymbols) {
    const auto file = small_program().symbol("main", 0x401000, 2).symbol("other", 0, 0, 0, 0).build();
    const Elf elf = Elf::parse(bytes_of(file)).take();
    const boot::SymbolTable table = elf.symbols().take();
    ASSERT_EQ(table.count(), 3u) << "the first is the null symbol";
    EXPECT_TRUE(table.at(1).name == "main");
    EXPECT_EQ(table.at(1).address, 0x401000u);
    EXPECT_EQ(table.at(1).kind, boot::Symbol::Kind::function);
    EXPECT_TRUE(table.at(1).defined);
    EXPECT_FALSE(table.at(2).defined);
}

TEST(Elf, SaysThatSymbolsAreMissing) {
    const auto file = small_program().stripped().build();
    const Elf elf = Elf::parse(bytes_of(file)).take();
    EXPECT_TRUE(fails_with(elf.symbols(), boot::elf_no_symbols));
}

TEST(Elf, AnUnreadableSymbolNameIsEmpty) {
    auto file = small_program().symbol("main", 0x401000, 2).build();
    u64 sections = 0;
    std::memcpy(&sections, file.data() + 40, 8);
    u64 symbols = 0;
    std::memcpy(&symbols, file.data() + sections + 64 + 24, 8);
    overwrite(file, symbols + 24, 0x7fffffffu);
    const Elf elf = Elf::parse(bytes_of(file)).take();
    EXPECT_TRUE(elf.symbols().take().at(1).name.empty());
}

} // namespace
