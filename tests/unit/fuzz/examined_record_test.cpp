// tests/unit/fuzz/examined_record_test.cpp — the records of inputs that are examined or minimized.
#include "fuzz/examined_record.h"

#include "tests/sim/test.h"
#include "tests/unit/fuzz/fake.h"

namespace {

std::string written;
const Output out{[](void *, Text text) { written.append(text.data(), text.size()); }, nullptr};

std::string packed(std::vector<fuzz::Feature> features, usize room = 100) {
    std::vector<u8> bytes(room);
    const usize size = fuzz::pack_features({features.data(), features.size()}, {bytes.data(), bytes.size()});
    return fake::string({bytes.data(), size});
}

// As tools/rl/machines/record_types.py reads them.
std::vector<fuzz::Feature> unpacked(const std::string &bytes) {
    std::vector<fuzz::Feature> features;
    u32 part = 0, shift = 0, feature = 0;
    for (const char c : bytes) {
        part |= static_cast<u32>(c & 0x7f) << shift;
        shift += 7;
        if ((c & 0x80) != 0) continue;
        features.push_back(feature += part);
        part = shift = 0;
    }
    return features;
}

TEST(ExaminedRecord, FeaturesArePackedAsDifferences) {
    EXPECT_EQ(packed({}), "");
    EXPECT_EQ(packed({0, 8}), std::string("\x00\x08", 2));
    EXPECT_EQ(packed({0x80, 0x81}), "\x80\x01\x01");
    EXPECT_EQ(packed({~0u}), "\xff\xff\xff\xff\x0f");
}

TEST(ExaminedRecord, PackedFeaturesAreTheSameAgain) {
    std::vector<fuzz::Feature> features;
    for (u64 feature = 0, step = 1; feature <= ~0u; feature += step, step = step * 3 % 1'000'003)
        if (features.empty() || feature > features.back()) features.push_back(static_cast<u32>(feature));
    ASSERT_GT(features.size(), 1000u);
    EXPECT_EQ(unpacked(packed(features, features.size() * fuzz::longest_packed_feature)), features);
}

TEST(ExaminedRecord, WhatDoesNotFitIsLeftOutWhole) {
    const std::string cut = packed({~0u - 2, ~0u - 1, ~0u}, 7);
    EXPECT_EQ(unpacked(cut), (std::vector<fuzz::Feature>{~0u - 2}));
}

TEST(ExaminedRecord, AnInputsRecordSaysHowItEndedAndWhatItReached) {
    written.clear();
    const std::string features = packed({0, 8});
    fuzz::write_examined(out, {3, vm::Ending::crash, -1, 77, 0x1234, 0, 5, fake::bytes(features)});
    EXPECT_EQ(written, "{\"type\":\"examined\",\"index\":3,\"ending\":\"crash\",\"value\":-1,\"edges\":77,"
                       "\"hash\":\"0000000000001234\",\"other_fill\":\"0000000000000000\","
                       "\"leak\":\"0000000000000005\",\"features\":\"AAg=\"}\n");
}

TEST(ExaminedRecord, ASmallerInputsRecordHoldsIt) {
    written.clear();
    fuzz::write_minimized(out, {9, vm::Ending::done, 0, true, fake::bytes("foo")});
    EXPECT_EQ(written, "{\"type\":\"minimized\",\"runs\":9,\"ending\":\"ok\",\"hash\":\"0000000000000000\","
                       "\"done\":true,\"size\":3,\"data\":\"Zm9v\"}\n");
}

} // namespace
