// tests/unit/guest/syscalls_test.cpp — system calls: answered as Linux would where start-up needs them, named
// where not.
#include "guest/syscalls.h"

#include "guest/codes.h"
#include "tests/sim/program.h"
#include "tests/sim/test.h"
#include "tests/unit/guest/sample.h"

namespace {

using namespace sample;
using guest::Phase;

constexpr u64 scratch = data + 0x2000;
constexpr i64 efault = -14, ebadf = -9, einval = -22, enomem = -12, enoent = -2, enosys = -38;

class SyscallsTest : public testing::Test {
  protected:
    i64 call(u64 number, std::vector<u64> arguments = {}, Phase phase = Phase::starting) {
        const guest::Answer answer = syscalls.answer(make(number, std::move(arguments)), phase).take();
        EXPECT_EQ(answer.action, guest::Answer::Action::resume);
        return answer.value;
    }
    guest::Answer answer(u64 number, std::vector<u64> arguments = {}) {
        return syscalls.answer(make(number, std::move(arguments)), Phase::starting).take();
    }
    testing::AssertionResult unanswered(u64 number, std::vector<u64> arguments = {},
                                        Phase phase = Phase::starting) {
        return fails_with(syscalls.answer(make(number, std::move(arguments)), phase), guest::system_call);
    }
    static guest::Syscall make(u64 number, std::vector<u64> arguments) {
        guest::Syscall call;
        call.number = number;
        for (usize i = 0; i < arguments.size(); ++i) call.arguments[i] = arguments[i];
        return call;
    }
    void put_text(u64 address, const std::string &text) {
        loaded.machine().write(GuestVirt(address), Text(text.c_str(), text.size() + 1).bytes()).take();
    }

    Loaded loaded;
    guest::Syscalls syscalls{guest::Memory::of(loaded.machine()), loaded.program_file().layout()};
};

TEST_F(SyscallsTest, AnUnknownOneIsNamedWithItsArguments) {
    auto result = syscalls.answer(make(57, {0x11, 0x22}), Phase::starting);
    ASSERT_FALSE(result.ok());
    rstate::Error error = result.take_error();
    std::string text;
    print_error({[](void *to, Text piece) {
                     *static_cast<std::string *>(to) += std::string(piece.data(), piece.size()) + "\n";
                 },
                 &text},
                error);
    error.release();
    for (const char *part : {"guest.system_call", "fork", "57", "17", "34"})
        EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
}

TEST_F(SyscallsTest, EveryNumberIsAnsweredOrNamed) {
    for (u64 number = 0; number < 600; ++number) {
        auto result = syscalls.answer(make(number, {}), Phase::starting);
        EXPECT_NE(guest::syscall_name(number), nullptr);
        rstate::handled(std::move(result));
    }
    EXPECT_STREQ(guest::syscall_name(0), "read");
    EXPECT_STREQ(guest::syscall_name(334), "rseq");
    EXPECT_STREQ(guest::syscall_name(424), "pidfd_send_signal");
    EXPECT_STREQ(guest::syscall_name(400), "unknown");
    EXPECT_STREQ(guest::syscall_name(~0ul), "unknown");
    EXPECT_EQ(rstate::frames_in_use(0), 0u);
}

TEST_F(SyscallsTest, AddressesThatTheTargetMayNotTouchAreFaults) {
    for (const u64 bad : {0ul, ~0ul, ~0ul - 200, u64{RL_SHADOW_OFFSET}, guest::stub_address, 0x3000'0000ul,
                          guest::stack_bottom - 8, code}) {
        if (bad != code) EXPECT_EQ(call(1, {1, bad, 4}), efault) << bad; // code can be read
        EXPECT_EQ(call(63, {bad}), efault) << bad;
        EXPECT_EQ(call(5, {1, bad}), efault) << bad;
        EXPECT_EQ(call(228, {0, bad}), efault) << bad;
        EXPECT_EQ(call(318, {bad, 16}), efault) << bad;
        EXPECT_EQ(call(204, {0, 8, bad}), efault) << bad;
        if (bad != 0) EXPECT_EQ(call(302, {0, 7, 0, bad}), efault) << bad;
        if (bad != 0) EXPECT_EQ(call(13, {6, 0, bad, 8}), efault) << bad;
    }
}

TEST_F(SyscallsTest, WhatIsWrittenGoesToTheLogLineByLine) {
    sim::clear_log();
    put_text(scratch, "one\ntw\x01o\n{\"type\":\"fake\"}\nlast");
    EXPECT_EQ(call(1, {1, scratch, 31}), 31);
    const std::vector<std::string> lines = sim::log();
    ASSERT_EQ(lines.size(), 4u);
    EXPECT_NE(lines[0].find("one"), std::string::npos);
    EXPECT_NE(lines[1].find("tw.o"), std::string::npos) << "no control characters on the console";
    EXPECT_NE(lines[2][0], '{') << "a target cannot forge a record";
    EXPECT_EQ(call(1, {5, scratch, 4}), ebadf);
    EXPECT_EQ(call(0, {0, scratch, 4}), 0) << "standard input is at its end";
    EXPECT_EQ(call(0, {3, scratch, 4}), ebadf);
}

TEST_F(SyscallsTest, VectorsAreWrittenPieceByPiece) {
    sim::clear_log();
    put_text(scratch, "abcdef");
    put(loaded.machine(), scratch + 64, std::array<u64, 6>{scratch, 2, 0, 0, scratch + 2, 4});
    EXPECT_EQ(call(20, {2, scratch + 64, 3}), 6);
    EXPECT_EQ(sim::log().size(), 2u);
    EXPECT_EQ(call(20, {2, scratch + 64, 5000}), einval);
    EXPECT_EQ(call(20, {2, 0, 1}), efault);
    put(loaded.machine(), scratch + 64, std::array<u64, 2>{8, 2});
    EXPECT_EQ(call(20, {2, scratch + 64, 1}), efault);
}

TEST_F(SyscallsTest, ATargetThatPrintsInEveryCaseIsSilenced) {
    syscalls.printer().begin_cases();
    put_text(scratch, "hello");
    sim::clear_log();
    for (int i = 0; i < 100; ++i) EXPECT_EQ(call(1, {1, scratch, 5}, Phase::in_case), 5);
    EXPECT_LT(sim::log().size(), 20u);
    EXPECT_GT(sim::log().size(), 10u);
}

TEST_F(SyscallsTest, TheBreakGrowsWithinItsRegion) {
    const u64 start = static_cast<u64>(call(12, {0}));
    EXPECT_EQ(start, guest::break_base);
    EXPECT_EQ(call(12, {start + 0x21000}), static_cast<i64>(start + 0x21000));
    put(loaded.machine(), start + 0x20ff8, u64{1});
    EXPECT_EQ(call(12, {start + guest::break_size + 1}), static_cast<i64>(start + 0x21000))
        << "refused, unchanged";
    EXPECT_EQ(call(12, {~0ul}), static_cast<i64>(start + 0x21000));
}

TEST_F(SyscallsTest, AnonymousMappingsAreFreshZeroAndNeverTheSame) {
    constexpr u64 anonymous = 0x22, read_write = 3;
    const u64 first = static_cast<u64>(call(9, {0, 5000, read_write, anonymous, ~0ul, 0}));
    const u64 second = static_cast<u64>(call(9, {0, 1, read_write, anonymous, ~0ul, 0}));
    EXPECT_EQ(second - first, 8192u);
    put(loaded.machine(), first + 8191, u8{1});
    EXPECT_EQ(call(11, {first, 8192}), 0);
    EXPECT_NE(static_cast<u64>(call(9, {0, 8192, read_write, anonymous, ~0ul, 0})), first);
    EXPECT_EQ(call(9, {0, guest::mapping_size, read_write, anonymous, ~0ul, 0}), enomem);
    EXPECT_EQ(call(9, {0, ~0ul, read_write, anonymous, ~0ul, 0}), enomem);
    EXPECT_EQ(call(9, {0, 0, read_write, anonymous, ~0ul, 0}), einval);
    EXPECT_TRUE(unanswered(9, {0, 4096, read_write, 2, 3, 0})) << "a file";
    EXPECT_TRUE(unanswered(9, {0, 4096, 7, anonymous, ~0ul, 0})) << "executable";
    EXPECT_TRUE(unanswered(9, {0x1000, 4096, read_write, anonymous | 0x10, ~0ul, 0})) << "fixed";
    EXPECT_TRUE(unanswered(11, {data, 4096}));
    EXPECT_TRUE(unanswered(11, {first, ~0ul}));
}

TEST_F(SyscallsTest, TheProgramsPagesChangeTheirRightsBeforeTheSnapshotPointOnly) {
    const auto entry = [&](u64 address) { // the guest's own last-level entry
        const u64 root = loaded.machine().system().cr3.value();
        u64 table = root;
        for (u32 level = 4;; --level) {
            u64 value = 0;
            const u64 place = table + (address >> (12 + 9 * (level - 1)) & 511) * 8;
            loaded.machine().read(GuestPhys(place), MutableBytes(reinterpret_cast<u8 *>(&value), 8)).take();
            if (level == 1) return value;
            table = value & 0xf'ffff'ffff'f000;
        }
    };
    EXPECT_EQ(entry(data) & 2, 2u);
    EXPECT_EQ(call(10, {data, 4096, 1}), 0);
    EXPECT_EQ(entry(data) & 3, 1u) << "present, read-only";
    EXPECT_EQ(entry(data) >> 63, 1u) << "not executable";
    EXPECT_EQ(entry(data + 4096) & 2, 2u);
    EXPECT_EQ(call(10, {data, 100, 3}), 0);
    EXPECT_EQ(entry(data) & 3, 3u);
    EXPECT_EQ(call(10, {data, 4096, 0}), 0);
    EXPECT_EQ(entry(data) & 1, 0u);
    EXPECT_TRUE(unanswered(10, {data, 4096, 7})) << "never writable and executable";
    EXPECT_TRUE(unanswered(10, {data, 4096, 1}, Phase::in_case));
    EXPECT_EQ(call(10, {RL_HEAP_BASE, 4096, 3}, Phase::in_case), 0) << "changes nothing";
    EXPECT_TRUE(unanswered(10, {RL_HEAP_BASE, 4096, 1})) << "a large page cannot be cut";
    EXPECT_EQ(call(10, {data + 1, 4096, 1}), einval);
    EXPECT_EQ(call(10, {0x7000, 4096, 1}), enomem);
    EXPECT_EQ(call(10, {data, ~0ul, 1}), einval);
}

TEST_F(SyscallsTest, ThreadLocalStorageIsSetThroughFs) {
    const guest::Answer set = answer(158, {0x1002, scratch});
    EXPECT_EQ(set.action, guest::Answer::Action::set_fs_base);
    EXPECT_EQ(set.value, static_cast<i64>(scratch));
    EXPECT_EQ(call(158, {0x1002, 1ul << 63}), -1);
    EXPECT_EQ(call(158, {0x3001, 0}), einval) << "no shadow stack";
    EXPECT_TRUE(unanswered(158, {0x1003, scratch}));
}

TEST_F(SyscallsTest, ItsOwnSignalsEndTheTarget) {
    EXPECT_EQ(answer(234, {2, 2, 6}).action, guest::Answer::Action::signal);
    EXPECT_EQ(answer(234, {2, 2, 6}).value, 6);
    EXPECT_EQ(answer(200, {2, 6}).value, 6);
    EXPECT_EQ(answer(62, {2, 9}).value, 9);
    EXPECT_EQ(call(62, {2, 0}), 0);
    EXPECT_EQ(call(62, {2, 65}), einval);
    EXPECT_EQ(answer(60, {~0ul}).action, guest::Answer::Action::exit);
    EXPECT_EQ(answer(231, {7}).value, 7);
}

TEST_F(SyscallsTest, TimeAndRandomBytesRepeatAfterARestore) {
    const guest::SyscallState before = syscalls.state();
    const auto observe = [&] {
        std::array<u64, 4> seen = {};
        call(228, {1, scratch});
        seen[0] = get<u64>(loaded.machine(), scratch + 8);
        call(228, {1, scratch});
        seen[1] = get<u64>(loaded.machine(), scratch + 8);
        EXPECT_EQ(call(318, {scratch, 11}), 11);
        seen[2] = get<u64>(loaded.machine(), scratch);
        EXPECT_EQ(call(318, {scratch, 8}), 8);
        seen[3] = get<u64>(loaded.machine(), scratch);
        return seen;
    };
    const auto first = observe();
    EXPECT_LT(first[0], first[1]) << "time passes";
    EXPECT_NE(first[2], first[3]);
    syscalls.restore(before);
    EXPECT_EQ(observe(), first);
}

TEST_F(SyscallsTest, RandomBytesStopWhereTheBufferDoes) {
    put(loaded.machine(), scratch, std::array<u8, 16>{});
    EXPECT_EQ(call(318, {scratch, 3}), 3);
    EXPECT_EQ(get<u8>(loaded.machine(), scratch + 3), 0);
    EXPECT_EQ(call(318, {data + data_size - 8, 9}), efault);
    EXPECT_EQ(call(318, {scratch, 4096}), 256);
}

TEST_F(SyscallsTest, TheOtherAnswersOfStartUp) {
    EXPECT_EQ(call(218, {scratch}), 2);
    EXPECT_EQ(call(39), 2);
    EXPECT_EQ(call(186), 2);
    EXPECT_EQ(call(273, {scratch, 24}), 0);
    EXPECT_EQ(call(334, {scratch, 32, 0, 0}), enosys);
    EXPECT_EQ(call(28, {RL_HEAP_BASE, 4096, 4}), 0);
    EXPECT_EQ(call(13, {6, scratch, scratch + 64, 8}), 0);
    EXPECT_EQ(call(14, {0, scratch, scratch + 64, 8}), 0);
    EXPECT_EQ(call(131, {0, scratch}), 0);
    EXPECT_EQ(get<u32>(loaded.machine(), scratch + 8), 2u) << "SS_DISABLE";
    EXPECT_EQ(call(16, {1, 0x5401, scratch}), -25) << "not a terminal";
    EXPECT_TRUE(unanswered(16, {1, 0x5402, scratch}));
    EXPECT_EQ(call(63, {scratch}), 0);
    EXPECT_EQ(get<u32>(loaded.machine(), scratch), 0x756e694cu) << "Linu...";
    EXPECT_EQ(call(302, {0, 3, 0, scratch}), 0);
    EXPECT_EQ(get<u64>(loaded.machine(), scratch), RL_STACK_SIZE);
    EXPECT_EQ(call(302, {0, 3, scratch, 0}), -1);
    EXPECT_EQ(call(204, {0, 128, scratch}), 8);
    EXPECT_EQ(get<u64>(loaded.machine(), scratch), 1u);
    EXPECT_EQ(call(5, {1, scratch}), 0);
    EXPECT_EQ(get<u32>(loaded.machine(), scratch + 24) & 0170000, 0020000u) << "a character device";
    EXPECT_EQ(call(5, {7, scratch}), ebadf);
}

TEST_F(SyscallsTest, OnlyThePathOfTheProgramItselfExists) {
    put_text(scratch, "/proc/self/exe");
    EXPECT_EQ(call(89, {scratch, scratch + 64, 100}), 7);
    EXPECT_EQ(get<char>(loaded.machine(), scratch + 65), 't');
    EXPECT_EQ(call(267, {~99ul, scratch, scratch + 64, 3}), 3);
    put_text(scratch, "/etc/passwd1234");
    EXPECT_EQ(call(89, {scratch, scratch + 64, 100}), enoent);
    EXPECT_EQ(call(262, {1, scratch, scratch + 64, 0x1000}), enoent);
    put_text(scratch, "");
    EXPECT_EQ(call(262, {1, scratch, scratch + 64, 0x1000}), 0);
    EXPECT_EQ(call(262, {9, scratch, scratch + 64, 0x1000}), ebadf);
}

TEST_F(SyscallsTest, AFutexThatNoThreadCanWakeIsAnError) {
    put(loaded.machine(), scratch, u32{1});
    EXPECT_EQ(call(202, {scratch, 0x81, 1}), 0) << "wake";
    EXPECT_EQ(call(202, {scratch, 0x80, 2}), -11) << "the value has changed";
    EXPECT_TRUE(unanswered(202, {scratch, 0x80, 1}));
    EXPECT_EQ(call(202, {0, 0, 1}), efault);
    EXPECT_TRUE(unanswered(202, {scratch, 5, 1}));
}

} // namespace
