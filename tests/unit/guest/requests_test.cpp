// tests/unit/guest/requests_test.cpp — system calls enter the target's library; what the library asks of the
// hypervisor.
#include "guest/process.h"

#include "tests/sim/program.h"
#include "tests/sim/test.h"
#include "tests/unit/guest/sample.h"

namespace {

using namespace sample;

// The program with the library that answers system calls: its entry, its slot for the return address, its
// copy.
ElfBuilder with_library() {
    ElfBuilder builder = program();
    builder.symbol("rl_syscall_entry", at(Function::inner, 0x80), 0);
    builder.symbol("rl_syscall_return", data + 0x40, 0);
    builder.symbol("rl_user_copy_access", at(Function::inner, 0x90), 0);
    builder.symbol("rl_user_copy_failed", at(Function::inner, 0xa0), 0);
    return builder;
}

TEST(Requests, TheStubEntersTheLibraryWithTheReturnAddressInItsSlot) {
    Loaded loaded(with_library());
    const u64 stub = loaded.machine().system().system_call_target;
    const auto bytes = get<std::array<u8, 18>>(loaded.machine(), stub);
    EXPECT_EQ(bytes, (std::array<u8, 18>{0x48, 0x89, 0x0c, 0x25, 0x40, 0x20, 0x40, 0x00, // mov [slot], rcx
                                         0x48, 0xc7, 0xc1, 0x80, 0x12, 0x40, 0x00,       // mov rcx, entry
                                         0x48, 0x0f, 0x07}));                            // sysret
}

TEST(Requests, WithoutTheLibraryASystemCallIsAFinding) {
    Loaded loaded;
    const u64 stub = loaded.machine().system().system_call_target;
    const auto bytes = get<std::array<u8, 3>>(loaded.machine(), stub);
    EXPECT_EQ(bytes, (std::array<u8, 3>{0x0f, 0x01, 0xd9})) << "VMMCALL";
    loaded.to_snapshot_point();
    loaded.machine().then([](ScriptedMachine &m) {
        fault_in_inner(m);
        return system_call(m, 57);
    });
    const vm::Outcome outcome = loaded.run();
    EXPECT_EQ(outcome.ending, vm::Ending::crash);
    EXPECT_EQ(outcome.finding.frames[0], at(Function::inner, 0x30) - 2);
}

TEST(Requests, ACopyOfTheLibraryThatFaultsFails) {
    for (const u8 vector : {u8{13}, u8{14}}) {
        Loaded loaded(with_library());
        loaded.to_snapshot_point();
        loaded.machine().then([vector](ScriptedMachine &m) {
            m.registers().rip = at(Function::inner, 0x90);
            return exception(vector);
        });
        loaded.machine().then([](ScriptedMachine &m) {
            EXPECT_EQ(m.registers().rip, at(Function::inner, 0xa0));
            return hypercall(m, RL_CALL_DONE);
        });
        EXPECT_EQ(loaded.run().ending, vm::Ending::done);
    }
}

TEST(Requests, RequestsOfTheLibraryGoOn) {
    Loaded loaded;
    loaded.to_snapshot_point();
    loaded.machine().then([](ScriptedMachine &m) { return hypercall(m, RL_CALL_SET_FS, 0x1234560); });
    loaded.machine().then([](ScriptedMachine &m) {
        EXPECT_EQ(m.system().fs_base, 0x1234560u);
        EXPECT_EQ(m.registers().rax, 0u);
        return hypercall(m, RL_CALL_SET_FS, 1ul << 60); // not canonical
    });
    loaded.machine().then([](ScriptedMachine &m) {
        EXPECT_EQ(m.system().fs_base, 0x1234560u);
        return hypercall(m, RL_CALL_PROTECT, RL_MAPPING_BASE | RL_RIGHT_READ, page_size);
    });
    loaded.machine().then([](ScriptedMachine &m) {
        EXPECT_EQ(m.registers().rax, 0u);
        EXPECT_EQ(m.forgotten, 1u);
        return hypercall(m, RL_CALL_PROTECT, 0x5000'0000, page_size); // no memory there
    });
    loaded.machine().then([](ScriptedMachine &m) {
        EXPECT_EQ(static_cast<i64>(m.registers().rax), -12);
        return hypercall(m, RL_CALL_PROTECT, RL_MAPPING_BASE | 8, page_size); // no such right
    });
    loaded.machine().then([](ScriptedMachine &m) {
        EXPECT_EQ(static_cast<i64>(m.registers().rax), -22);
        return hypercall(m, RL_CALL_REFUSED, ~0ul); // an address that nothing has
    });
    loaded.machine().then([](ScriptedMachine &m) { return hypercall(m, RL_CALL_DONE); });
    EXPECT_EQ(loaded.run().ending, vm::Ending::done);
    EXPECT_TRUE(loaded.machine().played());
    EXPECT_EQ(loaded.machine().statistics().requests, 6u);
    EXPECT_EQ(loaded.machine().statistics().refused_calls, 1u);
}

rl_refused refused_open_tree(u64 sp, u64 path) {
    return {.number = 428,
            .arguments = {1, path, 3, 4, 5, 6},
            .rip = at(Function::inner, 0x32),
            .error = -38,
            .sp = sp,
            .bp = RL_STACK_TOP - 0x200};
}

TEST(Requests, ARefusedCallIsKeptWithItsPathItsStackAndItsCount) {
    constexpr u64 call_at = data + 0x300, path_at = data + 0x380;
    Loaded loaded;
    loaded.to_snapshot_point();
    sim::clear_log();
    for (const u64 sp : {0x240u, 0x240u, 0x280u})
        loaded.machine().then([sp](ScriptedMachine &m) {
            fault_in_inner(m);
            put(m, path_at, std::array<char, 8>{"/a\x1b\"b"});
            put(m, call_at, refused_open_tree(RL_STACK_TOP - sp, path_at));
            return hypercall(m, RL_CALL_REFUSED, call_at);
        });
    loaded.machine().then([](ScriptedMachine &m) { return hypercall(m, RL_CALL_DONE); });
    loaded.run();
    loaded.process().reset().take();
    const Span<const vm::RefusedCall> calls = loaded.process().refused_calls();
    ASSERT_EQ(calls.size(), 2u) << "one for each place";
    EXPECT_EQ(string_of(calls[0].name), "open_tree");
    EXPECT_EQ(calls[0].count, 2u);
    EXPECT_EQ(calls[1].count, 1u);
    EXPECT_EQ(calls[0].error, 38u);
    EXPECT_EQ(calls[0].arguments[5], 6u);
    EXPECT_STREQ(calls[0].path, "/a\x1b\"b");
    EXPECT_EQ(calls[0].frames[0], at(Function::inner, 0x30));
    EXPECT_EQ(calls[0].frames[1], at(Function::harness, 0x44));
    ASSERT_EQ(sim::log().size(), 1u) << "once for each number";
    EXPECT_NE(sim::log()[0].find("path \"/a\\x1b\"b\""), std::string::npos);
    EXPECT_NE(sim::log()[0].find("in inner < LLVMFuzzerTestOneInput"), std::string::npos);
}

TEST(Requests, RefusedCallsFromManyPlacesAreCountedAll) {
    Loaded loaded;
    loaded.to_snapshot_point();
    constexpr u64 call_at = data + 0x300, times = 100;
    for (u64 i = 0; i < times; ++i)
        loaded.machine().then([i](ScriptedMachine &m) {
            put(m, call_at, refused_open_tree(RL_STACK_TOP - 0x1000 - 16 * i, ~0ul)); // no such address
            return hypercall(m, RL_CALL_REFUSED, call_at);
        });
    loaded.machine().then([](ScriptedMachine &m) { return hypercall(m, RL_CALL_DONE); });
    loaded.run();
    u64 count = 0;
    for (const vm::RefusedCall &call : loaded.process().refused_calls()) count += call.count;
    EXPECT_EQ(count, times);
    EXPECT_STREQ(loaded.process().refused_calls()[0].path, "");
}

TEST(Requests, TheLibraryCanEndTheCase) {
    const std::pair<u64, std::string> endings[] = {
        {RL_CALL_EXIT, "exit"}, {RL_CALL_SIGNAL, "abort"}, {RL_CALL_DEADLOCK, "deadlock"}};
    for (const auto &ending : endings) {
        const u64 number = ending.first;
        Loaded loaded;
        loaded.to_snapshot_point().machine().then([number](ScriptedMachine &m) {
            fault_in_inner(m);
            return hypercall(m, number, 6);
        });
        EXPECT_EQ(string_of(loaded.run().finding.kind), ending.second);
    }
}

} // namespace
