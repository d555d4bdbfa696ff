// tests/unit/stage2/kernel_file_test.cpp — the kernel's ELF file: parsed, relocated in place, refused when
// it is not a kernel image.
#include "stage2/kernel_file.h"

#include <cstring>
#include <random>
#include <vector>

#include "boot/formats/codes.h"
#include "tests/sim/test.h"
#include "tests/unit/stage2/small_kernel.h"

namespace {

using sim::ElfBuilder;
using stage2::KernelFile;

using namespace sim::small_kernel;
using Small = sim::SmallKernel;
constexpr u32 dt_rela = 7;

u64 word_at(const std::vector<u8> &bytes, u64 at) {
    u64 value = 0;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
}
MutableBytes all(std::vector<u8> &file) { return {file.data(), file.size()}; }

std::vector<KernelFile::Segment> segments_of(const KernelFile &kernel) {
    std::vector<KernelFile::Segment> found;
    EXPECT_TRUE(kernel
                    .for_each_segment([&](const KernelFile::Segment &segment) -> rstate::Result<> {
                        found.push_back(segment);
                        return {};
                    })
                    .ok());
    return found;
}

TEST(KernelFile, SegmentsComeWithTheirPlacesBytesAndPermissions) {
    std::vector<u8> file = Small{}.build();
    auto parsed = KernelFile::parse(all(file));
    ASSERT_TRUE(parsed.ok());
    const KernelFile &kernel = parsed.value();
    EXPECT_EQ(kernel.entry(), 0x40u);
    EXPECT_EQ(kernel.pages(), 5u);
    EXPECT_EQ(kernel.text_bytes(), page_size);
    const auto segments = segments_of(kernel);
    ASSERT_EQ(segments.size(), 3u);
    EXPECT_TRUE(segments[0].executable && !segments[0].writable && segments[0].bytes[0] == 0xCC);
    EXPECT_TRUE(!segments[1].executable && !segments[1].writable);
    EXPECT_TRUE(segments[2].writable && segments[2].bytes.size() == 0x40);
    EXPECT_EQ(segments[2].first_page(), data);
    EXPECT_EQ(segments[2].end_page(), data + 3 * page_size);
}

TEST(KernelFile, RelocationAddsTheBaseToEveryPointerAndNothingElse) {
    std::vector<u8> file = Small{}.build();
    const std::vector<u8> before = file;
    auto kernel = KernelFile::parse(all(file));
    ASSERT_TRUE(kernel.ok());
    ASSERT_TRUE(kernel.value().relocate(0xFFFF800000000000).ok());
    const std::vector<KernelFile::Segment> segments = segments_of(kernel.value());
    const u64 at = static_cast<u64>(segments[2].bytes.data() - file.data());
    EXPECT_EQ(word_at(file, at), 0xFFFF800000000010);
    EXPECT_EQ(word_at(file, at + 8), 0x20u)
        << "bit 0 of a bitmap is its mark, bit 1 the word behind the last";
    EXPECT_EQ(word_at(file, at + 16), 0xFFFF800000001111);
    usize changed = 0;
    for (usize i = 0; i < file.size(); ++i) changed += file[i] != before[i];
    EXPECT_LE(changed, 16u);
}

TEST(KernelFile, RelocatingByTheNegativeBaseGivesTheFileAsItWas) {
    std::vector<u8> file = Small{}.build();
    const std::vector<u8> before = file;
    auto kernel = KernelFile::parse(all(file));
    ASSERT_TRUE(kernel.ok());
    const u64 base = 0xFFFF912345678000;
    ASSERT_TRUE(kernel.value().relocate(base).ok());
    EXPECT_NE(file, before);
    auto again = KernelFile::parse(all(file));
    ASSERT_TRUE(again.ok()) << "nothing that says where the parts lie is relocated";
    ASSERT_TRUE(again.value().relocate(0 - base).ok());
    EXPECT_EQ(file, before);
}

TEST(KernelFile, AnErrorOfTheUserEndsTheWalk) {
    std::vector<u8> file = Small{}.build();
    auto kernel = KernelFile::parse(all(file));
    ASSERT_TRUE(kernel.ok());
    u32 seen = 0;
    EXPECT_TRUE(
        fails_with(kernel.value().for_each_segment([&](const KernelFile::Segment &) -> rstate::Result<> {
            ++seen;
            return FAIL(boot::damaged, "the test ends here");
        }),
                   boot::damaged));
    EXPECT_EQ(seen, 1u);
}

TEST(KernelFile, RelocationsOutsideTheImageOrOfAnotherKindAreErrors) {
    const auto refuses = [](const Small &small) {
        std::vector<u8> file = small.build();
        auto kernel = KernelFile::parse(all(file));
        EXPECT_TRUE(kernel.ok());
        return fails_with(kernel.value().relocate(0x1000), boot::damaged);
    };
    EXPECT_TRUE(refuses({.table = 0x9000})) << "the table is nowhere";
    EXPECT_TRUE(refuses({.table_bytes = 0x1000})) << "the table ends nowhere";
    EXPECT_TRUE(refuses({.table = relr_at + 4, .table_bytes = 8})) << "the table is not aligned";
    EXPECT_TRUE(refuses({.first = 0x9000})) << "a pointer is nowhere";
    EXPECT_TRUE(refuses({.first = data + 0x3C})) << "a pointer lies half in what the file holds";
    EXPECT_TRUE(refuses({.bitmap = ~0ul})) << "a bitmap reaches behind the file's part";
    EXPECT_TRUE(refuses({.tag = dt_rela})) << "unpacked relocations";
}

TEST(KernelFile, FilesThatAreNoKernelImageAreErrors) {
    const auto refuses = [](std::vector<u8> file) {
        return fails_with(KernelFile::parse(all(file)), boot::damaged);
    };
    std::vector<u8> good = Small{}.build();
    EXPECT_TRUE(refuses({})) << "empty";
    EXPECT_TRUE(refuses(std::vector<u8>(good.begin(), good.begin() + 63))) << "half a header";
    EXPECT_TRUE(refuses(std::vector<u8>(good.begin(), good.end() - 1))) << "a segment's last byte is missing";
    for (const usize at : {usize{0}, usize{4}, usize{5}, usize{16}, usize{18}, usize{32}, usize{56}}) {
        std::vector<u8> bad = good;
        bad[at] ^= 0xFF;
        EXPECT_TRUE(refuses(bad)) << "byte " << at << " of the header";
    }
    EXPECT_TRUE(refuses(ElfBuilder(ElfBuilder::position_independent)
                            .load(0, ElfBuilder::read | ElfBuilder::execute, std::vector<u8>(16))
                            .entry(0x5000)
                            .build()))
        << "the entry is not in the code";
    EXPECT_TRUE(refuses(ElfBuilder(ElfBuilder::position_independent)
                            .load(0, ElfBuilder::read | ElfBuilder::execute, std::vector<u8>(16), 1_GiB)
                            .build()))
        << "a segment of a gigabyte";
    EXPECT_TRUE(refuses(ElfBuilder(ElfBuilder::position_independent)
                            .load(0, ElfBuilder::read | ElfBuilder::execute, std::vector<u8>(0x1800))
                            .load(0x1800, ElfBuilder::read, std::vector<u8>(16))
                            .build()))
        << "two segments share a page";
}

TEST(KernelFile, DamageAnywhereIsAnErrorOrStaysInsideTheFile) {
    const std::vector<u8> good = Small{}.build();
    std::mt19937_64 random(4);
    for (u32 round = 0; round < 20000; ++round) {
        std::vector<u8> file = good;
        for (u64 n = 1 + random() % 3; n > 0; --n) {
            const u64 at = random() % 2 == 0 ? random() % 400 : random() % file.size();
            file[at] = static_cast<u8>(random() % 4 == 0 ? 0xFF : random());
        }
        auto kernel = KernelFile::parse(all(file));
        if (kernel.ok()) rstate::handled(kernel.value().relocate(0x7000));
        if (kernel.ok()) static_cast<void>(segments_of(kernel.value()));
        rstate::handled(std::move(kernel));
    }
}

} // namespace
