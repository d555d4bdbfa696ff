// tests/unit/targets/vectors_test.cpp — how the target's runtime exchanges the x87 and SSE registers of
// threads.
//
// On the processor that runs the test. The runtime's names of errors and flags are macros of the system's
// headers, so it comes first.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wold-style-cast" // it is C
extern "C" {
#include "targets/runtime/linux/vectors.c" // NOLINT(bugprone-suspicious-include)
}
#pragma clang diagnostic pop
#undef MIN
#undef PAGE

#include <array>
#include <cstring>

#include "tests/sim/test.h"

namespace {

struct alignas(16) Image {
    std::array<u8, 512> bytes{};
    template <class T> T at(usize offset) const {
        T value;
        std::memcpy(&value, bytes.data() + offset, sizeof(value));
        return value;
    }
    u64 xmm(usize i) const { return at<u64>(160 + 16 * i); }
    void set_xmm(usize i, u64 value) { std::memcpy(bytes.data() + 160 + 16 * i, &value, sizeof(value)); }
};

Image now() {
    Image image;
    rl_save_vectors(image.bytes.data());
    return image;
}

// What the registers hold after `wanted` is loaded; then they are as before. The compiler's own use of SSE
// registers must not come between the load and the look, so both are calls of code that has no variables.
struct Loaded {
    bool used_fxrstor;
    Image image;
};
Loaded load(const Image &wanted) {
    static Image before, after;
    rl_save_vectors(before.bytes.data());
    const bool used_fxrstor = rl_load_vectors(wanted.bytes.data());
    rl_save_vectors(after.bytes.data());
    __asm__ volatile("fxrstor64 %0" ::"m"(before));
    return {used_fxrstor, after};
}

TEST(Vectors, SseRegistersAreLoadedWithoutFxrstor) {
    constexpr u32 mxcsr_toward_zero = 0x7f80;
    Image wanted = now();
    for (usize i = 0; i < 16; ++i) wanted.set_xmm(i, 0x1111111111111111 * (i + 1));
    std::memcpy(wanted.bytes.data() + 24, &mxcsr_toward_zero, sizeof(mxcsr_toward_zero));
    const Loaded loaded = load(wanted);
    EXPECT_FALSE(loaded.used_fxrstor);
    EXPECT_EQ(loaded.image.at<u32>(24), mxcsr_toward_zero);
    for (usize i = 0; i < 16; ++i) EXPECT_EQ(loaded.image.xmm(i), wanted.xmm(i)) << i;
}

TEST(Vectors, AnotherX87StateIsLoadedWhole) {
    __asm__ volatile("fldpi");
    const Image wanted = now();
    __asm__ volatile("fstp %st(0)\n\tfninit");
    const Loaded loaded = load(wanted);
    EXPECT_TRUE(loaded.used_fxrstor);
    EXPECT_EQ(loaded.image.at<u64>(32), wanted.at<u64>(32)); // ST(0)
    EXPECT_EQ(loaded.image.at<u16>(2), wanted.at<u16>(2));   // status word
}

TEST(Vectors, AnotherControlWordIsAnotherState) {
    Image wanted = now();
    wanted.bytes[1] ^= 0x0c; // rounding control
    EXPECT_TRUE(load(wanted).used_fxrstor);
}

} // namespace
