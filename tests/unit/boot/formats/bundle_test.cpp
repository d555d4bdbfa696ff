// tests/unit/boot/formats/bundle_test.cpp — bundles: every part is found again; damaged bundles are refused.
#include "boot/formats/bundle.h"

#include <cstring>
#include <string>
#include <vector>

#include "base/hash.h"
#include "boot/formats/codes.h"
#include "tests/sim/elf_builder.h"
#include "tests/sim/test.h"

namespace {

using boot::Bundle;
using sim::bytes_of;

struct Part {
    std::string name, data;
};

template <class T> void put(std::vector<u8> &file, u64 at, T value) {
    std::memcpy(file.data() + at, &value, sizeof(value));
}

constexpr u64 header_size = 40, entry_size = 72, length_at = 56, offset_at = 48, hash_at = 64;
constexpr u64 entry_at(u64 index) { return header_size + entry_size * index; }

void sign_directory(std::vector<u8> &file, u64 count) {
    put(file, 24, xxh64(bytes_of(file).sub(header_size, entry_size * count)));
}

std::vector<u8> make(const std::vector<Part> &parts) {
    std::vector<u8> file(header_size + entry_size * parts.size());
    std::memcpy(file.data(), "RLBUNDL1", 8);
    put(file, 8, u32{1});
    put(file, 12, static_cast<u32>(parts.size()));
    for (usize i = 0; i < parts.size(); ++i) {
        file.resize(align_up(file.size(), 16));
        std::memcpy(file.data() + entry_at(i), parts[i].name.data(), parts[i].name.size());
        put(file, entry_at(i) + offset_at, u64{file.size()});
        put(file, entry_at(i) + length_at, u64{parts[i].data.size()});
        put(file, entry_at(i) + hash_at, xxh64(Text(parts[i].data.data(), parts[i].data.size()).bytes()));
        file.insert(file.end(), parts[i].data.begin(), parts[i].data.end());
    }
    put(file, 16, u64{file.size()});
    sign_directory(file, parts.size());
    return file;
}

const std::vector<Part> usual = {{"options", "cpus=2\n"},
                                 {"seed/a.png", "AAAA"},
                                 {"target.elf", "ELF"},
                                 {"seed/b.gif", ""},
                                 {"corpus/00", "x"}};

TEST(Bundle, FindsPartsByName) {
    const auto file = make(usual);
    const Bundle bundle = Bundle::parse(bytes_of(file)).take();
    EXPECT_EQ(bundle.count(), 5u);
    EXPECT_TRUE(bundle.has("options"));
    EXPECT_FALSE(bundle.has("seed/"));
    const Bytes data = bundle.find("target.elf").take();
    EXPECT_TRUE(Text::from_field(data) == "ELF");
    EXPECT_TRUE(fails_with(bundle.find("replay"), boot::bundle_missing));
}

TEST(Bundle, IteratesOverAPrefix) {
    const auto file = make(usual);
    const Bundle bundle = Bundle::parse(bytes_of(file)).take();
    std::vector<std::string> names;
    for (u32 i = bundle.next("seed/"); i < bundle.count(); i = bundle.next("seed/", i + 1)) {
        const Text name = bundle.entry(i).name;
        names.emplace_back(name.data(), name.size());
    }
    EXPECT_EQ(names, (std::vector<std::string>{"seed/a.png", "seed/b.gif"}));
    EXPECT_TRUE(bundle.entry(3).data.empty());
}

TEST(Bundle, MayLieInALargerBuffer) {
    auto file = make(usual);
    file.resize(file.size() + 1000, 0xff);
    EXPECT_TRUE(Bundle::parse(bytes_of(file)).ok());
}

TEST(Bundle, WithoutPartsIsValid) {
    const auto file = make({});
    EXPECT_EQ(Bundle::parse(bytes_of(file)).take().count(), 0u);
}

TEST(Bundle, EveryFlippedBitIsNoticed) {
    const auto whole = make(usual);
    for (usize bit = 0; bit < whole.size() * 8; ++bit) {
        auto file = whole;
        file[bit / 8] ^= static_cast<u8>(1 << bit % 8);
        const bool gap =
            std::memcmp(file.data(), whole.data(), whole.size()) != 0 && bit / 8 >= 32 && bit / 8 < 40;
        auto bundle = Bundle::parse(bytes_of(file));
        bool noticed = !bundle.ok();
        rstate::handled(std::move(bundle));
        // The reserved word and the gaps between parts carry nothing.
        bool carries = !gap;
        if (bit / 8 >= entry_at(usual.size())) {
            carries = false;
            for (usize i = 0; i < usual.size(); ++i) {
                u64 offset = 0;
                std::memcpy(&offset, whole.data() + entry_at(i) + offset_at, 8);
                carries |= bit / 8 >= offset && bit / 8 < offset + usual[i].data.size();
            }
        }
        EXPECT_EQ(noticed, carries) << "bit " << bit;
    }
}

TEST(Bundle, EveryTruncationIsNoticed) {
    const auto whole = make(usual);
    for (usize size = 0; size < whole.size(); ++size) {
        const std::vector<u8> file(whole.begin(), whole.begin() + static_cast<long>(size));
        EXPECT_TRUE(fails_with(Bundle::parse(bytes_of(file)), boot::bundle_malformed)) << size;
    }
}

TEST(Bundle, RefusesPartsThatLieOutside) {
    struct Change {
        u64 field, value;
    };
    for (const Change change :
         {Change{offset_at, 0}, Change{offset_at, 1ul << 63}, Change{offset_at, ~15ul},
          Change{length_at, ~0ul}, Change{length_at, 1'000'000}, Change{offset_at, 401}}) {
        auto file = make(usual);
        put(file, entry_at(1) + change.field, change.value);
        sign_directory(file, usual.size());
        EXPECT_TRUE(fails_with(Bundle::parse(bytes_of(file)), boot::bundle_malformed)) << change.value;
    }
}

TEST(Bundle, RefusesNamesWithoutAnEnd) {
    auto file = make(usual);
    std::memset(file.data() + entry_at(0), 'a', 48);
    sign_directory(file, usual.size());
    EXPECT_TRUE(fails_with(Bundle::parse(bytes_of(file)), boot::bundle_malformed));
}

TEST(Bundle, SaysDamagedWhenOnlyAHashIsWrong) {
    auto file = make(usual);
    file.back() ^= 1;
    EXPECT_TRUE(fails_with(Bundle::parse(bytes_of(file)), boot::bundle_damaged));
}

} // namespace
