// tests/unit/guest/process_test.cpp — a target from its exits: start-up, snapshot point, cases, findings.
#include "guest/process.h"

#include "guest/codes.h"
#include "guest/crash_hash.h"
#include "tests/sim/program.h"
#include "tests/sim/test.h"
#include "tests/unit/guest/sample.h"

namespace {

using namespace sample;

TEST(Process, StartsAtTheEntryWithLinuxsFirstStack) {
    Loaded loaded;
    const vm::Registers &r = loaded.machine().registers();
    EXPECT_EQ(r.rip, code);
    EXPECT_EQ(r.privilege, vm::Privilege::user);
    EXPECT_EQ(r.rsp % 16, 0u);
    EXPECT_EQ(get<u64>(loaded.machine(), r.rsp), 1u) << "argc";
    const u64 path = get<u64>(loaded.machine(), r.rsp + 8);
    EXPECT_EQ((get<std::array<char, 12>>(loaded.machine(), path)), (std::array<char, 12>{"/out/target"}));
    EXPECT_EQ(get<u64>(loaded.machine(), r.rsp + 16), 0u) << "end of argv";
    EXPECT_EQ(get<u64>(loaded.machine(), r.rsp + 24), 0u) << "end of the environment";
    std::map<u64, u64> vector;
    for (u64 place = r.rsp + 32; get<u64>(loaded.machine(), place) != 0; place += 16)
        vector[get<u64>(loaded.machine(), place)] = get<u64>(loaded.machine(), place + 8);
    EXPECT_EQ(vector[6], 4096u) << "AT_PAGESZ";
    EXPECT_EQ(vector[9], code) << "AT_ENTRY";
    EXPECT_EQ(vector[5], 3u) << "AT_PHNUM";
    EXPECT_EQ(vector.count(33), 0u) << "no vDSO";
    EXPECT_NE(get<u64>(loaded.machine(), vector[25]), 0u) << "AT_RANDOM leads to something";
}

TEST(Process, AtTheSnapshotPointTheNextInstructionIsBehindVmmcall) {
    Loaded loaded;
    loaded.machine().registers().rip = at(Function::start, 0x20);
    loaded.try_snapshot_point().take();
    EXPECT_EQ(loaded.machine().registers().rip, at(Function::start, 0x23));
    EXPECT_EQ(loaded.process().counter_count(), counter_count);
    EXPECT_EQ(loaded.machine().protected_first, loaded.program_file().layout().tables());
    EXPECT_EQ(loaded.machine().protected_pages, loaded.program_file().layout().table_pages());
    EXPECT_EQ(loaded.machine().deadlines, (std::vector<u64>{11, 22}));
}

TEST(Process, ACaseGetsItsInputBudgetAndFlags) {
    Loaded loaded;
    loaded.to_snapshot_point();
    loaded.machine().then([](ScriptedMachine &m) {
        EXPECT_EQ(m.registers().rax, 3u);
        EXPECT_EQ(m.registers().rdx, 5000u);
        EXPECT_EQ(m.registers().rcx, 0xbe01u);
        EXPECT_EQ((get<std::array<char, 4>>(m, RL_INPUT_START)), (std::array<char, 4>{'a', 'b', 'c', 0}));
        put(m, budget_at, i64{4000});
        return hypercall(m, RL_CALL_DONE, static_cast<u64>(-1));
    });
    vm::CaseOptions options;
    options.edge_budget = 5000;
    options.record_comparisons = true;
    const vm::Outcome outcome = *loaded.process().run_case(Text("abc").bytes(), options).take();
    EXPECT_EQ(outcome.ending, vm::Ending::done);
    EXPECT_EQ(outcome.value, -1);
    EXPECT_EQ(outcome.edges_spent, 1000u);
}

TEST(Process, AnEmptyInputRuns) {
    Loaded loaded;
    loaded.to_snapshot_point().machine().then([](ScriptedMachine &m) { return hypercall(m, RL_CALL_DONE); });
    EXPECT_EQ(loaded.run().ending, vm::Ending::done);
}

TEST(Process, AnInputLongerThanTheArenaIsRefused) {
    Loaded loaded;
    loaded.to_snapshot_point();
    const std::vector<u8> input(RL_INPUT_CAPACITY + 1);
    EXPECT_TRUE(fails_with(loaded.process().run_case(sim::bytes_of(input), {}), guest::input_too_long));
    loaded.machine().then([](ScriptedMachine &m) { return hypercall(m, RL_CALL_DONE); });
    EXPECT_EQ(loaded.run(sim::bytes_of(input).first(RL_INPUT_CAPACITY)).ending, vm::Ending::done);
}

TEST(Process, ABudgetThatTheTargetOverwroteSpendsNothingAbsurd) {
    Loaded loaded;
    loaded.to_snapshot_point().machine().then([](ScriptedMachine &m) {
        put(m, budget_at, i64{1'000'000'000});
        return hypercall(m, RL_CALL_DONE);
    });
    EXPECT_EQ(loaded.run().edges_spent, 0u);
}

TEST(Process, CountersAreSeenInPlaceAndInOrder) {
    Loaded loaded;
    loaded.to_snapshot_point().machine().then([](ScriptedMachine &m) {
        put(m, counters_at + 7, u8{3});
        put(m, counters_at + counter_count - 1, u8{255});
        put(m, counters_at + counter_count, u8{99}); // no counter
        return hypercall(m, RL_CALL_DONE);
    });
    loaded.run();
    std::map<u32, u8> hit;
    u32 expected = 0;
    loaded.process()
        .visit_counters([&](u32 first, Bytes bytes) {
            EXPECT_EQ(first, expected);
            expected += static_cast<u32>(bytes.size());
            for (u32 i = 0; i < bytes.size(); ++i)
                if (bytes[i] != 0) hit[first + i] = bytes[i];
        })
        .take();
    EXPECT_EQ(expected, counter_count);
    EXPECT_EQ(hit, (std::map<u32, u8>{{7, 3}, {counter_count - 1, 255}}));
}

TEST(Process, ComparisonsAreLimitedByWhatTheTargetHasAndTheCallerWants) {
    Loaded loaded;
    loaded.to_snapshot_point();
    vm::Comparison out[64] = {};
    for (const auto &[counted, room, expected] :
         {std::array<u64, 3>{2, 64, 2}, {1000, 64, 16}, {~0ul, 3, 3}}) {
        loaded.machine().then([counted = counted](ScriptedMachine &m) {
            put(m, comparison_count_at, counted);
            put(m, comparisons_at + sizeof(rl_comparison),
                rl_comparison{0x11, 0x22, 4, RL_COMPARISON_CONSTANT});
            return hypercall(m, RL_CALL_DONE);
        });
        loaded.run();
        EXPECT_EQ(loaded.process().read_comparisons({out, room}).take(), expected);
        EXPECT_EQ(out[1].b, 0x22u);
        EXPECT_EQ(out[1].flags, 1u);
        loaded.process().reset().take();
    }
}

rl_report sample_report() {
    rl_report report = {};
    report.kind = rl_kind_heap_buffer_overflow;
    report.access = rl_access_read;
    report.pc = at(Function::inner, 0x30);
    report.address = RL_HEAP_BASE + 116, report.size = 4;
    report.region = rl_region_heap_red_zone;
    report.region_base = RL_HEAP_BASE + 100, report.region_size = 16, report.offset = 16;
    report.alloc_frames[0] = at(Function::harness, 0x10);
    std::strcpy(report.text, "of interest");
    return report;
}

TEST(Process, AReportBecomesAFindingWithItsCallStack) {
    Loaded loaded;
    loaded.to_snapshot_point().machine().then([](ScriptedMachine &m) {
        rl_report report = sample_report();
        put_frames(m, report.bp);
        report.sp = report.bp - 0x20;
        put(m, report_at, report);
        return hypercall(m, RL_CALL_CRASH, report_at);
    });
    const vm::Outcome outcome = loaded.run();
    ASSERT_EQ(outcome.ending, vm::Ending::crash);
    const vm::Finding &f = outcome.finding;
    EXPECT_EQ(string_of(f.kind), "heap-buffer-overflow");
    EXPECT_EQ(string_of(f.region), "red zone of a heap block");
    EXPECT_EQ(f.access, vm::Access::read);
    EXPECT_EQ(f.access_size, 4u);
    EXPECT_EQ(f.offset, 16);
    EXPECT_STREQ(f.text, "of interest");
    EXPECT_EQ(f.allocated[0], at(Function::harness, 0x10));
    ASSERT_EQ(f.frame_count, 2u) << "the harness is the outermost";
    EXPECT_EQ(f.frames[0], at(Function::inner, 0x30));
    EXPECT_EQ(f.frames[1], at(Function::harness, 0x44)) << "inside the call, not behind it";
    EXPECT_EQ(f.hash, guest::crash_hash(f, loaded.program_file().symbols()));
}

TEST(Process, AReportOutsideTheTargetsMemoryIsStillACrash) {
    for (const u64 place : {0ul, ~0ul, data + data_size - 8, guest::stub_address, u64{RL_SHADOW_OFFSET}}) {
        Loaded loaded;
        loaded.to_snapshot_point().machine().then([place](ScriptedMachine &m) {
            m.registers().rip = at(Function::inner, 0x30);
            return hypercall(m, RL_CALL_CRASH, place);
        });
        const vm::Outcome outcome = loaded.run();
        EXPECT_EQ(outcome.ending, vm::Ending::crash);
        EXPECT_EQ(outcome.finding.frames[0], at(Function::inner, 0x30));
    }
}

TEST(Process, AReportWithInvalidValuesIsReadSafely) {
    Loaded loaded;
    loaded.to_snapshot_point().machine().then([](ScriptedMachine &m) {
        std::array<u8, sizeof(rl_report)> nonsense;
        nonsense.fill(0xff);
        put(m, report_at, nonsense);
        return hypercall(m, RL_CALL_CRASH, report_at);
    });
    const vm::Finding finding = loaded.run().finding;
    EXPECT_EQ(string_of(finding.kind), "unknown");
    EXPECT_EQ(finding.text[sizeof(finding.text) - 1], 0);
    EXPECT_EQ(finding.frame_count, 0u);
}

TEST(Process, AFaultIsDescribedByTheTargetsRuntime) {
    Loaded loaded;
    static constexpr u64 wild = 0x5000'0000;
    loaded.to_snapshot_point();
    loaded.machine().then([](ScriptedMachine &m) {
        fault_in_inner(m);
        m.registers().rflags = 0x402;
        return page_fault(wild, vm::Access::write);
    });
    loaded.machine().then([](ScriptedMachine &m) {
        EXPECT_EQ(m.registers().rip, at(Function::describe));
        EXPECT_EQ(m.registers().rdi, wild);
        EXPECT_EQ(m.registers().rsp, control().describe_stack);
        EXPECT_EQ(m.registers().rflags, 2u) << "the direction flag is clear, as every function may expect";
        EXPECT_GT(get<i64>(m, budget_at), 1'000'000) << "describing must not run out of edges";
        rl_report report = {};
        report.region = rl_region_heap_freed;
        report.region_base = wild - 8, report.region_size = 4, report.offset = 8;
        report.free_frames[0] = at(Function::harness, 0x20);
        put(m, report_at, report);
        return hypercall(m, RL_CALL_DESCRIBED, report_at);
    });
    const vm::Outcome outcome = loaded.run();
    const vm::Finding &f = outcome.finding;
    EXPECT_EQ(string_of(f.kind), "wild-access");
    EXPECT_EQ(f.access, vm::Access::write);
    EXPECT_EQ(f.address, wild);
    EXPECT_EQ(string_of(f.region), "freed heap block");
    EXPECT_EQ(f.freed[0], at(Function::harness, 0x20));
    EXPECT_EQ(f.frames[0], at(Function::inner, 0x30));
    EXPECT_EQ(loaded.machine().registers().rip, at(Function::inner, 0x30)) << "back where the fault was";
    EXPECT_EQ(outcome.edges_spent, 1000u);
    EXPECT_EQ(loaded.machine().deadlines, (std::vector<u64>{11, 22, 33, 22}));
}

TEST(Process, AFailedDescriptionIsNotedInTheFinding) {
    vm::Exit late;
    late.kind = vm::ExitKind::deadline;
    vm::Exit lost;
    lost.kind = vm::ExitKind::shutdown;
    const std::vector<ScriptedMachine::Step> failures = {
        [](ScriptedMachine &) { return page_fault(0x10, vm::Access::read); },
        [late](ScriptedMachine &) { return late; },
        [lost](ScriptedMachine &) { return lost; },
        [](ScriptedMachine &m) { return hypercall(m, RL_CALL_CRASH, report_at); },
        [](ScriptedMachine &m) { return hypercall(m, RL_CALL_DONE); },
        [](ScriptedMachine &m) { return hypercall(m, RL_CALL_TIMEOUT); },
        [](ScriptedMachine &m) { return hypercall(m, RL_CALL_EXIT); },
        [](ScriptedMachine &m) { return system_call(m, 57); },
    };
    for (const auto &failure : failures) {
        Loaded loaded;
        loaded.to_snapshot_point();
        loaded.machine().then([](ScriptedMachine &m) {
            fault_in_inner(m);
            return page_fault(0x5000'0000, vm::Access::read);
        });
        loaded.machine().then(failure);
        const vm::Outcome outcome = loaded.run();
        EXPECT_EQ(string_of(outcome.finding.kind), "wild-access");
        EXPECT_STREQ(outcome.finding.text, "no description");
        EXPECT_EQ(outcome.finding.frame_count, 2u);
        EXPECT_TRUE(loaded.machine().played());
    }
    EXPECT_EQ(rstate::frames_in_use(0), 0u);
}

TEST(Process, InvalidHypercallsAreFindings) {
    for (const u64 number :
         {0ul, RL_CALL_SNAPSHOT + 0ul, RL_CALL_DESCRIBED + 0ul, 77ul, 0xffff'ffff'0000'0002ul}) {
        Loaded loaded;
        loaded.to_snapshot_point().machine().then([number](ScriptedMachine &m) {
            fault_in_inner(m);
            return hypercall(m, number, control_at);
        });
        EXPECT_EQ(string_of(loaded.run().finding.kind), "illegal-instruction") << number;
    }
}

TEST(Process, ProcessorAndClockAreTheSameEverywhereAndComeBackWithAReset) {
    Loaded loaded;
    loaded.to_snapshot_point();
    u64 clocks[2] = {};
    for (u64 &clock : clocks) {
        loaded.machine().then([](ScriptedMachine &m) {
            const u8 rdtsc[] = {0x0f, 0x31};
            m.write(GuestPhys(m.translate(GuestVirt(at(Function::inner, 0x30))).take()), rdtsc).take();
            m.registers().rip = at(Function::inner, 0x30);
            return exception(13);
        });
        loaded.machine().then([&clock](ScriptedMachine &m) {
            EXPECT_EQ(m.registers().rip, at(Function::inner, 0x32));
            clock = m.registers().rdx << 32 | m.registers().rax;
            m.registers().rax = 1, m.registers().rcx = 0;
            vm::Exit exit;
            exit.kind = vm::ExitKind::cpuid;
            return exit;
        });
        loaded.machine().then([](ScriptedMachine &m) {
            EXPECT_EQ(m.registers().rip, at(Function::inner, 0x34));
            EXPECT_EQ(m.registers().rcx >> 27 & 3, 0u) << "no OSXSAVE, no AVX";
            EXPECT_EQ(m.registers().rcx >> 30 & 1, 0u) << "no RDRAND";
            EXPECT_EQ(m.registers().rdx >> 26 & 1, 1u) << "SSE2";
            return hypercall(m, RL_CALL_DONE);
        });
        EXPECT_EQ(loaded.run().ending, vm::Ending::done);
        loaded.process().reset().take();
    }
    EXPECT_NE(clocks[0], 0u);
    EXPECT_EQ(clocks[0], clocks[1]);
}

TEST(Process, AStartUpThatEndsOtherwiseIsExplained) {
    Loaded exits;
    exits.machine().then([](ScriptedMachine &m) { return hypercall(m, RL_CALL_EXIT, 3); });
    EXPECT_TRUE(fails_with(exits.process().run_to_snapshot_point(), guest::ended_early));
    Loaded crashes;
    crashes.machine().then([](ScriptedMachine &m) {
        fault_in_inner(m);
        return page_fault(0, vm::Access::read);
    });
    auto result = crashes.process().run_to_snapshot_point();
    ASSERT_FALSE(result.ok());
    rstate::Error error = result.take_error();
    EXPECT_TRUE(error.is(guest::crashed_early));
    std::string text;
    const Output out{[](void *to, Text piece) { *static_cast<std::string *>(to) += string_of(piece) + "\n"; },
                     &text};
    const rstate::Resolver resolver = crashes.program_file().symbols().resolver();
    print_error(out, error, {}, &resolver);
    error.release();
    EXPECT_NE(text.find("null-dereference"), std::string::npos) << text;
    EXPECT_NE(text.find("inner+0x30"), std::string::npos) << text;
    Loaded hangs;
    vm::Exit late;
    late.kind = vm::ExitKind::deadline;
    hangs.machine().then(late);
    EXPECT_TRUE(fails_with(hangs.process().run_to_snapshot_point(), guest::snapshot_point_not_reached));
}

TEST(Process, ExitsThatNoTargetCanCauseAreOurErrors) {
    for (const vm::ExitKind kind : {vm::ExitKind::shutdown, vm::ExitKind::beyond_memory}) {
        Loaded loaded;
        vm::Exit exit;
        exit.kind = kind;
        loaded.to_snapshot_point().machine().then(exit);
        EXPECT_TRUE(fails_with(loaded.process().run_case({}, {}), guest::unexpected_exit));
    }
    Loaded loaded;
    vm::Exit exit = exception(13);
    exit.privilege = vm::Privilege::supervisor;
    loaded.to_snapshot_point().machine().then(exit);
    EXPECT_TRUE(fails_with(loaded.process().run_case({}, {}), guest::unexpected_exit));
}

// An emulator executes what a processor refuses, or the guest is not where its exit says: never our error.
TEST(Process, AnInstructionThatCannotBeSkippedIsAFinding) {
    const auto cpuid = [](ScriptedMachine &m) {
        fault_in_inner(m);
        m.can_skip = false, m.registers().rax = 1;
        vm::Exit exit;
        exit.kind = vm::ExitKind::cpuid;
        return exit;
    };
    const auto print = [](ScriptedMachine &m) {
        fault_in_inner(m);
        m.can_skip = false;
        return hypercall(m, RL_CALL_PRINT);
    };
    for (const ScriptedMachine::Step &step : {ScriptedMachine::Step(cpuid), ScriptedMachine::Step(print)}) {
        Loaded loaded;
        loaded.to_snapshot_point().machine().then(step);
        const vm::Finding finding = loaded.run().finding;
        EXPECT_EQ(string_of(finding.kind), "illegal-instruction");
        EXPECT_EQ(finding.frames[0], at(Function::inner, 0x30));
    }
}

// Puts `code` where the next instruction of `inner` stands, and stops there.
auto stopping_at(const std::vector<u8> &code, const vm::Exit &exit) {
    return [code, exit](ScriptedMachine &m) -> rstate::Result<vm::Exit> {
        m.write(GuestPhys(m.translate(GuestVirt(at(Function::inner, 0x30))).take()),
                {code.data(), code.size()})
            .take();
        fault_in_inner(m);
        return exit;
    };
}

TEST(Process, TheClockIsReadOnlyWhereTheFaultSaysSo) {
    vm::Exit intercepted;
    intercepted.kind = vm::ExitKind::time_stamp;
    for (const std::vector<u8> &code :
         {std::vector<u8>{0x0f, 0x31}, {0x48, 0x66, 0x0f, 0x31}, {0x48, 0x0f, 0x01, 0xf9}}) {
        for (const vm::Exit &exit : {exception(13), intercepted}) {
            Loaded loaded;
            loaded.to_snapshot_point().machine().then(stopping_at(code, exit)).then([&](ScriptedMachine &m) {
                EXPECT_EQ(m.registers().rip, at(Function::inner, 0x30) + code.size());
                return hypercall(m, RL_CALL_DONE);
            });
            EXPECT_EQ(loaded.run().ending, vm::Ending::done);
        }
    }
    struct {
        std::vector<u8> code;
        vm::Exit exit;
        const char *kind;
    } const others[] = {
        {{0x0f, 0x31}, page_fault(at(Function::inner, 0x30), vm::Access::execute, true), "wild-access"},
        {{0xf0, 0x0f, 0x31}, exception(6), "illegal-instruction"},
        {{0xf0, 0x0f, 0x31}, exception(13), "illegal-instruction"}, // on an emulator
        {{0xf0, 0x0f, 0x31}, intercepted, "illegal-instruction"},
        {{0x0f, 0x31}, exception(1), "other-exception"},
        {{0xc4, 0xe1, 0x78, 0x31, 0xc0}, exception(6), "illegal-instruction"}, // VEX, then 31
    };
    for (const auto &one : others) {
        Loaded loaded;
        loaded.to_snapshot_point().machine().then(stopping_at(one.code, one.exit));
        const vm::Outcome outcome = loaded.run();
        EXPECT_EQ(outcome.ending, vm::Ending::crash);
        EXPECT_EQ(string_of(outcome.finding.kind), one.kind)
            << int{one.code[0]} << ' ' << int{one.exit.vector};
    }
}

TEST(Process, AForbiddenInstructionIsAFinding) {
    Loaded loaded;
    vm::Exit exit;
    exit.kind = vm::ExitKind::other;
    exit.what = "MONITOR";
    loaded.to_snapshot_point().machine().then(exit);
    const vm::Finding finding = loaded.run().finding;
    EXPECT_EQ(string_of(finding.kind), "other-exception");
    EXPECT_STREQ(finding.text, "MONITOR");
}

TEST(Process, TheControlBlockIsChecked) {
    const auto refused = [](auto change) {
        rl_control block = control();
        change(block);
        Loaded loaded;
        return fails_with(loaded.try_snapshot_point(block), guest::bad_control);
    };
    EXPECT_TRUE(refused([](rl_control &c) { c.magic = 1; }));
    EXPECT_TRUE(refused([](rl_control &c) { c.version = RL_ABI_VERSION + 1; }));
    EXPECT_TRUE(refused([](rl_control &c) { c.size = 8; }));
    EXPECT_TRUE(refused([](rl_control &c) { c.counters = 0; }));
    EXPECT_TRUE(refused([](rl_control &c) { c.counters = code; })) << "not writable";
    EXPECT_TRUE(refused([](rl_control &c) { c.counter_count = ~0ul; }));
    EXPECT_TRUE(refused([](rl_control &c) { c.counter_count = data_size; }));
    EXPECT_TRUE(refused([](rl_control &c) { c.budget = budget_at + 1; }));
    EXPECT_TRUE(refused([](rl_control &c) { c.budget = guest::stub_address; }));
    EXPECT_TRUE(refused([](rl_control &c) { c.comparisons = ~0ul - 8; }));
    EXPECT_TRUE(refused([](rl_control &c) { c.comparison_capacity = 1ul << 60; }));
    EXPECT_TRUE(refused([](rl_control &c) { c.comparison_count = 8; }));
    EXPECT_TRUE(refused([](rl_control &c) { c.report = data + data_size - 16; }));
    EXPECT_TRUE(refused([](rl_control &c) { c.describe = 0; }));
    EXPECT_TRUE(refused([](rl_control &c) { c.describe_stack = 0; }));
    EXPECT_TRUE(refused([](rl_control &c) { c.input = RL_INPUT_BASE - 1; }));
    EXPECT_TRUE(refused([](rl_control &c) { c.input_capacity = RL_INPUT_SIZE; }));
    Loaded loaded;
    loaded.machine().then(
        [](ScriptedMachine &m) { return hypercall(m, RL_CALL_SNAPSHOT, RL_SHADOW_OFFSET); });
    EXPECT_TRUE(fails_with(loaded.process().run_to_snapshot_point(), guest::bad_control));
}

TEST(Process, WithoutMemoryLoadingFailsAndNothingLeaks) {
    const std::vector<u8> file = program().build();
    std::vector<guest::Function> slots(16);
    const guest::Program parsed =
        guest::Program::make(sim::bytes_of(file), {slots.data(), slots.size()}).take();
    u64 failures = 0;
    for (u64 writes = 0;; writes += 1 + writes / 16) {
        ScriptedMachine machine(parsed.layout().memory_needed());
        machine.fail_after(writes);
        auto process = Process::load(machine, parsed);
        const bool ok = process.ok();
        if (!ok) EXPECT_TRUE(process.error().is(vm::bad_options));
        failures += !ok;
        rstate::handled(std::move(process));
        if (ok) break;
    }
    EXPECT_GT(failures, 20u);
    EXPECT_EQ(rstate::frames_in_use(0), 0u);
}

TEST(Process, ATargetLargerThanItsMachineIsRefused) {
    Loaded loaded;
    ScriptedMachine small(loaded.program_file().layout().memory_needed() - page_size);
    EXPECT_TRUE(fails_with(Process::load(small, loaded.program_file()), guest::target_too_large));
}

TEST(Process, AttachedToASnapshotPointItRunsCasesAtOnce) {
    Loaded first;
    first.to_snapshot_point();
    Process second = Process::attach(first.machine(), first.program_file(), first.process().snapshot_point());
    first.machine().then([](ScriptedMachine &m) { return hypercall(m, RL_CALL_DONE, 5); });
    EXPECT_EQ(second.run_case({}, {}).take()->value, 5);
}

TEST(ProcessDeathTest, ACaseWithoutAResetIsOurBug) {
    Loaded loaded;
    loaded.to_snapshot_point().machine().then([](ScriptedMachine &m) { return hypercall(m, RL_CALL_DONE); });
    loaded.run();
    EXPECT_DEATH(loaded.run(), "a case starts from the snapshot");
}

} // namespace
