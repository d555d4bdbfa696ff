// tests/unit/guest/output_test.cpp — what a target prints: shown at once, or read when its case has ended.
#include "guest/codes.h"
#include "guest/process.h"

#include "tests/sim/program.h"
#include "tests/sim/test.h"
#include "tests/unit/guest/sample.h"

namespace {

using namespace sample;

constexpr u64 output_at = data + 0x2000, text_at = data + 0x100;

Loaded &at_snapshot_point(Loaded &loaded) {
    rl_control block = control();
    block.output = output_at;
    loaded.try_snapshot_point(block).take();
    vm::Snapshot snapshot;
    loaded.machine().take_snapshot(snapshot).take();
    sim::clear_log();
    return loaded;
}

// The target prints so much in a case, one byte after another, as targets/runtime/linux/output.c does.
std::string read_back(const std::string &text, u64 more_printed = 0, usize room = vm::most_printed) {
    Loaded loaded;
    at_snapshot_point(loaded).machine().then([&](ScriptedMachine &m) {
        auto output = get<rl_output>(m, output_at);
        for (const char c : text) output.text[output.printed++ % sizeof(output.text)] = static_cast<u8>(c);
        output.printed += more_printed;
        put(m, output_at, output);
        return hypercall(m, RL_CALL_DONE);
    });
    loaded.run();
    std::vector<u8> bytes(room);
    const vm::Printed printed = loaded.process().read_output({bytes.data(), bytes.size()}).take();
    EXPECT_EQ(printed.total, text.size() + more_printed);
    return {reinterpret_cast<const char *>(printed.last.data()), printed.last.size()};
}

TEST(Output, TheLastBytesOfACaseAreThere) {
    EXPECT_EQ(read_back(""), "");
    EXPECT_EQ(read_back("two\nlines"), "two\nlines");
    std::string long_text;
    for (u32 i = 0; i < 3000; ++i) long_text += std::to_string(i);
    EXPECT_EQ(read_back(long_text), long_text.substr(long_text.size() - vm::most_printed));
    EXPECT_EQ(read_back(long_text, 0, 10), long_text.substr(long_text.size() - 10));
    EXPECT_EQ(read_back("x", ~0ul - 1).size(), vm::most_printed) << "the counter may be any number";
}

TEST(Output, ATargetWithoutOneHasPrintedNothing) {
    Loaded loaded;
    loaded.to_snapshot_point().machine().then([](ScriptedMachine &m) { return hypercall(m, RL_CALL_DONE); });
    loaded.run();
    EXPECT_EQ(loaded.process().read_output({}).take().total, 0u);
}

TEST(Output, OneThatTheTargetCannotWriteIsRefused) {
    Loaded loaded;
    rl_control block = control();
    block.output = data + data_size - 16;
    EXPECT_TRUE(fails_with(loaded.try_snapshot_point(block), guest::bad_control));
}

// Each piece is printed by a hypercall of one case.
std::vector<std::string> shown(const std::vector<std::string> &pieces, vm::CaseOptions options) {
    Loaded loaded;
    at_snapshot_point(loaded);
    for (const std::string &piece : pieces)
        loaded.machine().then([piece](ScriptedMachine &m) {
            m.write(GuestVirt(text_at), Text(piece.data(), piece.size()).bytes()).take();
            return hypercall(m, RL_CALL_PRINT, text_at, piece.size());
        });
    loaded.machine().then([&](ScriptedMachine &m) {
        return hypercall(m, RL_CALL_DONE, (m.registers().rcx & RL_FLAG_OUTPUT) != 0);
    });
    options.edge_budget = 1000;
    loaded.process().run_case({}, options).take();
    return sim::log();
}

TEST(Output, IsShownLineByLineAndEscaped) {
    EXPECT_EQ(shown({"on", "e\ntw", "o\\\x1b[2J\t\xff"}, {.show_output = true}),
              (std::vector<std::string>{"target: one", "target: two\\\\\\x1b[2J\\t\\xff"}));
}

TEST(Output, AllOfItIsShownWhenAskedFor) {
    const std::vector<std::string> pieces(100, "line\n");
    EXPECT_EQ(shown(pieces, {.show_output = true}).size(), 100u);
    EXPECT_LT(shown(pieces, {}).size(), 20u);
}

TEST(Output, TheTargetIsToldToShowIt) {
    Loaded loaded;
    at_snapshot_point(loaded).machine().then(
        [](ScriptedMachine &m) { return hypercall(m, RL_CALL_DONE, m.registers().rcx & RL_FLAG_OUTPUT); });
    EXPECT_EQ(loaded.process().run_case({}, {.show_output = true}).take()->value, RL_FLAG_OUTPUT);
}

} // namespace
