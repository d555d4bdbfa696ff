// tests/unit/guest/brought_files_test.cpp — the files that a target brings: how they are packed, and where
// they go.
#include "guest/brought_files.h"

#include "guest/codes.h"
#include "tests/sim/test.h"
#include "tests/unit/guest/sample.h"

namespace {

using namespace sample;
using guest::BroughtFiles;

void append(std::vector<u8> &records, u64 path_length, u64 size, const std::string &path,
            const std::string &bytes) {
    const rl_brought_file head = {path_length, size};
    const u8 *const raw = reinterpret_cast<const u8 *>(&head);
    records.insert(records.end(), raw, raw + sizeof(head));
    for (const std::string &part : {path, bytes}) {
        records.insert(records.end(), part.begin(), part.end());
        records.resize(align_up(records.size(), 16));
    }
}

std::vector<u8> two_files() {
    std::vector<u8> records;
    append(records, 4, 3, "/one", "abc");
    append(records, 6, 0, "/two/x", "");
    return records;
}

TEST(BroughtFiles, AreCountedAndWrittenWhereTheLibraryLooks) {
    const std::vector<u8> records = two_files();
    const BroughtFiles files = BroughtFiles::parse(sim::bytes_of(records)).take();
    EXPECT_EQ(files.count(), 2u);
    Loaded loaded(program(), "name", files);
    std::vector<u8> there(records.size() + sizeof(rl_brought_file));
    loaded.machine().read(GuestVirt(RL_FILES_BASE), MutableBytes(there.data(), there.size())).take();
    std::vector<u8> expected = records;
    expected.resize(there.size()); // the end of the list
    EXPECT_EQ(there, expected);
    EXPECT_EQ((get<std::array<char, 10>>(loaded.machine(), RL_PATH)), (std::array<char, 10>{"/out/name"}));
}

TEST(BroughtFiles, OnlyTheirPagesTakeMemory) {
    Loaded without;
    std::vector<u8> records;
    append(records, 4, 5 * page_size, "/big", std::string(5 * page_size, 'x'));
    Loaded with(program(), "target", BroughtFiles::parse(sim::bytes_of(records)).take());
    EXPECT_EQ(with.machine().pages_touched(), without.machine().pages_touched() + 6);
}

TEST(BroughtFiles, ANameThatIsTooLongIsCut) {
    Loaded loaded(program(), std::string(500, 'n').c_str());
    EXPECT_EQ(get<u8>(loaded.machine(), RL_STACK_TOP - 1), 0u);
    EXPECT_EQ(get<u8>(loaded.machine(), RL_STACK_TOP - 2), 'n');
}

TEST(BroughtFiles, WhatIsPackedOtherwiseIsRefused) {
    const auto refused = [](const std::vector<u8> &records) {
        return fails_with(BroughtFiles::parse(sim::bytes_of(records)), guest::bad_files);
    };
    const std::vector<u8> whole = two_files();
    constexpr usize first_ends = 32 + 3, second_begins = 48; // the padding between them may be missing
    for (usize size = 1; size < whole.size(); ++size)
        if (size < first_ends || size > second_begins)
            EXPECT_TRUE(refused({whole.begin(), whole.begin() + static_cast<i64>(size)})) << size;
    for (const u64 bad : {u64{0}, u64{4097}, ~u64{0}, ~u64{0} - 15}) {
        std::vector<u8> path, size;
        append(path, bad, 0, "/x", "");
        append(size, 2, bad == 0 ? 17 : bad, "/x", "y");
        EXPECT_TRUE(refused(path)) << bad;
        EXPECT_TRUE(refused(size)) << bad;
    }
}

} // namespace
