// tests/unit/guest/program_test.cpp — which ELF files are targets, their functions, and stack walks.
#include "guest/program.h"

#include "boot/formats/codes.h"
#include "guest/codes.h"
#include "guest/crash_hash.h"
#include "guest/finding.h"
#include "tests/sim/program.h"
#include "tests/sim/test.h"
#include "tests/unit/guest/sample.h"

namespace {

using namespace sample;
using guest::Program;

class Parsed {
  public:
    explicit Parsed(std::vector<u8> file, usize slots = 64) : file_(std::move(file)), slots_(slots) {}
    rstate::Result<Program> make() {
        return Program::make(sim::bytes_of(file_), {slots_.data(), slots_.size()});
    }

  private:
    std::vector<u8> file_;
    std::vector<guest::Function> slots_;
};

std::string name(const Program &parsed, u64 pc) {
    const guest::Function *function = parsed.symbols().find(pc);
    return function == nullptr ? "" : std::string(function->name.data(), function->name.size());
}

TEST(Program, WithoutAHarnessIsRefused) {
    ElfBuilder builder;
    builder.load(code, rx, code_bytes()).entry(code).symbol("main", code, 16);
    EXPECT_TRUE(fails_with(Parsed(builder.build()).make(), guest::no_harness));
    builder.symbol("LLVMFuzzerTestOneInput", 0, 0, 0, 0); // undefined
    EXPECT_TRUE(fails_with(Parsed(builder.build()).make(), guest::no_harness));
}

TEST(Program, OfAnotherKindIsRefusedByItsKind) {
    EXPECT_TRUE(
        fails_with(Parsed(program().inside(3, 0x400000, 3).build()).make(), guest::unsupported_target))
        << "dynamic";
    ElfBuilder independent(ElfBuilder::position_independent);
    independent.load(0, rx, code_bytes()).entry(0x10).symbol("LLVMFuzzerTestOneInput", 0, 8);
    EXPECT_TRUE(fails_with(Parsed(independent.build()).make(), guest::unsupported_target));
    EXPECT_TRUE(fails_with(Parsed(program().stripped().build()).make(), boot::elf_no_symbols));
    std::vector<u8> narrow = program().build();
    narrow[4] = 1;
    EXPECT_TRUE(fails_with(Parsed(narrow).make(), boot::elf_unsupported));
    EXPECT_TRUE(fails_with(Parsed({}).make(), boot::elf_malformed));
}

TEST(Program, OutsideItsPlaceIsRefused) {
    EXPECT_TRUE(fails_with(Parsed(program().load(0x7000000, rw, {1}, 0x2000000).build()).make(),
                           guest::target_too_large));
    ElfBuilder low;
    low.load(0x200000, rx, code_bytes()).entry(0x200000).symbol("LLVMFuzzerTestOneInput", 0x200000, 8);
    EXPECT_TRUE(fails_with(Parsed(low.build()).make(), guest::target_too_large));
    ElfBuilder many = program();
    for (u64 i = 0; i < 20; ++i) many.load(0x500000 + i * 0x1000, rw, {1});
    EXPECT_TRUE(fails_with(Parsed(many.build()).make(), guest::unsupported_target));
}

TEST(Program, SaysHowManySlotsItsSymbolsNeed) {
    const std::vector<u8> file = program().build();
    const u64 slots = Program::slots_needed(sim::bytes_of(file)).take();
    EXPECT_EQ(slots, 6u) << "five and the null symbol";
    EXPECT_TRUE(Parsed(file, slots).make().ok());
    EXPECT_TRUE(fails_with(Parsed(file, 4).make(), guest::storage_too_small));
}

TEST(Program, PlacesOfRandomInstructionsAreFound) {
    std::vector<u8> bytes = code_bytes();
    const u8 rdrand[] = {0x48, 0x0f, 0xc7, 0xf0}, rdseed[] = {0x0f, 0xc7, 0xf9},
             rdpid[] = {0xf3, 0x0f, 0xc7, 0xf8}, cmpxchg16b[] = {0x48, 0x0f, 0xc7, 0x0e};
    std::memcpy(bytes.data() + 0x20, rdrand, sizeof(rdrand));
    std::memcpy(bytes.data() + 0x120, rdpid, sizeof(rdpid));
    std::memcpy(bytes.data() + 0x220, cmpxchg16b, sizeof(cmpxchg16b));
    std::memcpy(bytes.data() + bytes.size() - 3, rdseed, sizeof(rdseed));
    ElfBuilder builder;
    builder.load(code, rx, bytes).entry(code).symbol("LLVMFuzzerTestOneInput", code, 0x100);
    Parsed parsed(builder.build());
    const Program made = parsed.make().take();
    std::vector<u64> found;
    made.each_random_instruction([&](u64 address) { found.push_back(address); });
    EXPECT_EQ(found, (std::vector<u64>{code + 0x21, code + bytes.size() - 3}));
    sim::clear_log();
    guest::report_random_instructions(made);
    EXPECT_NE(sim::log_text().find("LLVMFuzzerTestOneInput"), std::string::npos);
}

TEST(Symbols, AnAddressBelongsToTheFunctionAroundIt) {
    ElfBuilder builder = program();
    builder.symbol("unsized", at(Function::describe, 0x80), 0, 0).symbol("variable", data, 8, 1);
    builder.symbol("elsewhere", data + 8, 8);
    Parsed parsed(builder.build());
    const Program made = parsed.make().take();
    EXPECT_EQ(name(made, at(Function::inner)), "inner");
    EXPECT_EQ(name(made, at(Function::inner, 0xff)), "inner");
    EXPECT_EQ(name(made, at(Function::runtime)), "__asan_report");
    EXPECT_EQ(name(made, at(Function::describe, 0x90)), "unsized");
    EXPECT_EQ(name(made, code - 1), "");
    EXPECT_EQ(name(made, 0), "");
    EXPECT_EQ(made.symbols().named("variable"), nullptr) << "no function";
    EXPECT_EQ(made.symbols().named("elsewhere"), nullptr) << "not in code";
}

TEST(Symbols, BehindASizedFunctionThereIsNone) {
    ElfBuilder builder;
    builder.load(code, rx, code_bytes()).entry(code);
    builder.symbol("LLVMFuzzerTestOneInput", code + 0x80, 0x10).symbol("b", code + 0x40, 0x10);
    Parsed parsed(builder.build());
    const Program made = parsed.make().take();
    EXPECT_EQ(name(made, code + 0x4f), "b");
    EXPECT_EQ(name(made, code + 0x50), "");
    EXPECT_EQ(name(made, code + 0x90), "");
}

TEST(Symbols, OfSeveralNamesThePlainestIsShown) {
    ElfBuilder builder = program();
    const u64 place = at(Function::inner, 0x80);
    builder.symbol("__memcpy_long", place, 8)
        .symbol("memcpy", place, 8)
        .symbol("aaa", place, 0)
        .symbol("memmove", place, 8);
    Parsed parsed(builder.build());
    EXPECT_EQ(name(parsed.make().take(), place), "memcpy");
}

TEST(Symbols, ThousandsAreSortedRight) {
    ElfBuilder builder = program();
    std::vector<u8> bytes(0x10000, 0x90);
    builder.load(0x500000, rx, bytes);
    for (u64 i = 0; i < 4096; ++i) { // in a mixed order
        const u64 n = i * 2654435761 % 4096;
        builder.symbol("f" + std::to_string(n), 0x500000 + n * 16, 16);
    }
    Parsed parsed(builder.build(), 5000);
    const Program made = parsed.make().take();
    for (u64 n = 0; n < 4096; ++n) ASSERT_EQ(name(made, 0x500000 + n * 16 + n % 16), "f" + std::to_string(n));
}

TEST(Symbols, ResolveForChains) {
    Parsed parsed(program().build());
    const Program made = parsed.make().take();
    std::string text;
    const Output out{
        [](void *to, Text piece) { static_cast<std::string *>(to)->append(piece.data(), piece.size()); },
        &text};
    const rstate::Resolver resolver = made.symbols().resolver();
    EXPECT_TRUE(resolver.resolve(resolver.context, at(Function::inner, 0x12), out));
    EXPECT_EQ(text, "inner+0x12");
    EXPECT_FALSE(resolver.resolve(resolver.context, 1, out));
}

TEST(Symbols, AHostileNameIsOneWordInAChain) {
    const u64 place = at(Function::inner, 0x80);
    ElfBuilder builder = program();
    builder.symbol("f\n{\"type\":\"corpus\"}\n\x1b[2J\xff", place, 8)
        .symbol(std::string(100'000, '+'), place + 8, 8);
    Parsed parsed(builder.build());
    const Program made = parsed.make().take();
    TextBuffer<200> evil, large;
    const rstate::Resolver resolver = made.symbols().resolver();
    EXPECT_TRUE(resolver.resolve(resolver.context, place + 1, evil.output()));
    EXPECT_EQ(std::string(evil.text().data(), evil.size()),
              "f\\x0a{\"type\":\"corpus\"}\\x0a\\x1b[2J\\xff+0x1");
    EXPECT_TRUE(resolver.resolve(resolver.context, place + 9, large.output()));
    EXPECT_EQ(std::string(large.text().data(), large.size()), std::string(Escaped::longest, '+') + "...+0x1");
}

vm::Finding crash(Text kind, std::initializer_list<u64> frames) {
    vm::Finding finding;
    finding.kind = kind;
    for (const u64 pc : frames) finding.frames[finding.frame_count++] = pc;
    return finding;
}

TEST(CrashHash, PlacesWithinTheSameThreeFunctionsAreOneCrash) {
    Parsed parsed(program().build());
    const Program made = parsed.make().take();
    const auto hash = [&](Text kind, std::initializer_list<u64> frames) {
        return guest::crash_hash(crash(kind, frames), made.symbols());
    };
    const u64 inner = at(Function::inner), harness = at(Function::harness), runtime = at(Function::runtime);
    const u64 one = hash("overflow", {inner, harness, runtime, inner});
    EXPECT_EQ(one, hash("overflow", {inner + 8, harness + 0x2f, runtime + 1, harness}));
    EXPECT_NE(one, hash("overflow", {inner, harness, harness, inner}));
    EXPECT_NE(one, hash("overflow", {harness, inner, runtime, inner}));
    EXPECT_NE(one, hash("use after free", {inner, harness, runtime, inner}));
}

TEST(CrashHash, FewerFramesAndUnknownPlacesStillDistinguishCrashes) {
    Parsed parsed(program().build());
    const Program made = parsed.make().take();
    const u64 none = guest::crash_hash(crash("overflow", {}), made.symbols());
    const u64 one = guest::crash_hash(crash("overflow", {0x10}), made.symbols());
    EXPECT_NE(none, one);
    EXPECT_NE(one, guest::crash_hash(crash("overflow", {0x11}), made.symbols()));
}

class Walk : public testing::Test {
  protected:
    std::vector<u64> walk(const guest::Place &place) {
        u64 frames[vm::max_target_frames] = {};
        const u32 count =
            guest::walk_stack(guest::Memory::of(loaded.machine()), loaded.program_file(), place, frames)
                .frames;
        return {frames, frames + count};
    }
    void record(u64 bp, u64 saved, u64 back) { put(loaded.machine(), bp, std::array<u64, 2>{saved, back}); }
    Loaded loaded;
    const u64 top = RL_STACK_TOP - 0x1000;
};

TEST_F(Walk, FollowsFramePointersUpToTheHarness) {
    record(top, top + 0x40, at(Function::describe, 0x45));
    record(top + 0x40, top + 0x80, at(Function::harness, 0x45));
    record(top + 0x80, 0, at(Function::start, 0x45));
    EXPECT_EQ(walk({at(Function::inner, 0x30), top - 64, top}),
              (std::vector<u64>{at(Function::inner, 0x30), at(Function::describe, 0x44),
                                at(Function::harness, 0x44)}));
}

TEST_F(Walk, LeavesOutTheRuntime) {
    record(top, top + 0x40, at(Function::runtime, 0x45));
    record(top + 0x40, 0, at(Function::harness, 0x45));
    EXPECT_EQ(walk({at(Function::runtime, 0x30), top - 64, top, true}),
              (std::vector<u64>{at(Function::harness, 0x44)}));
}

TEST_F(Walk, FindsTheCallerOfAFunctionThatHasNoFrameYet) {
    record(top + 0x40, 0, at(Function::harness, 0x45));
    put(loaded.machine(), top, at(Function::inner, 0x45));
    const std::vector<u64> expected = {at(Function::describe), at(Function::inner, 0x44),
                                       at(Function::harness, 0x44)};
    EXPECT_EQ(walk({at(Function::describe), top, top + 0x40, true}), expected) << "before push rbp";
    record(top - 8, top + 0x40, at(Function::inner, 0x45));
    EXPECT_EQ(walk({at(Function::describe, 1), top - 8, top + 0x40, true})[1], expected[1])
        << "behind push rbp";
    EXPECT_EQ(walk({at(Function::describe, 4), top - 8, top - 8, true})[1], expected[1]) << "with its frame";
}

TEST_F(Walk, AJumpToAnUnmappedAddressShowsItsSource) {
    record(top + 0x40, 0, at(Function::harness, 0x45));
    put(loaded.machine(), top, at(Function::inner, 0x45));
    EXPECT_EQ(walk({0, top, top + 0x40, true}),
              (std::vector<u64>{at(Function::inner, 0x44), at(Function::harness, 0x44)}));
}

TEST_F(Walk, ContinuesBehindCodeThatUsesRbpForSomethingElse) {
    record(top + 0x100, top + 0x140, at(Function::inner, 0x45));
    record(top + 0x140, 0, at(Function::harness, 0x45));
    for (const u64 junk :
         std::initializer_list<u64>{0, 1, ~0ul, RL_HEAP_BASE, top + 8, top + 3, RL_STACK_TOP - 8})
        EXPECT_EQ(walk({at(Function::describe, 0x30), top, junk}).size(), 3u) << junk;
}

TEST_F(Walk, DamagedChainsEnd) {
    record(top, top, at(Function::inner, 0x45)); // its own caller
    EXPECT_LE(walk({at(Function::inner, 0x30), top, top}).size(), 2u);
    record(top, top + 16, at(Function::inner, 0x45));
    for (u64 at_record = top + 16; at_record < RL_STACK_TOP - 64; at_record += 16)
        record(at_record, at_record + 16, at(Function::inner, 0x45));
    EXPECT_EQ(walk({at(Function::inner, 0x30), top, top}).size(), 1u) << "a recursion";
    EXPECT_TRUE(walk({~0ul, ~0ul, ~0ul, true}).empty());
    EXPECT_TRUE(walk({0, RL_STACK_TOP, RL_STACK_TOP - 8, true}).empty());
}

TEST(Hash, DependsOnKindAndTheInnermostThreeFunctions) {
    Loaded loaded;
    const guest::Symbols &symbols = loaded.program_file().symbols();
    vm::Finding finding;
    finding.kind = "heap-buffer-overflow";
    finding.frames[0] = at(Function::inner, 0x10), finding.frames[1] = at(Function::describe, 0x10);
    finding.frames[2] = at(Function::harness, 0x10), finding.frames[3] = at(Function::start, 0x10);
    finding.frame_count = 4;
    const u64 hash = guest::crash_hash(finding, symbols);
    vm::Finding other = finding;
    other.frames[0] += 5, other.frames[3] = 0, other.frame_count = 3, other.address = 77;
    EXPECT_EQ(guest::crash_hash(other, symbols), hash) << "not of lines, addresses, outer frames";
    other = finding;
    other.kind = "heap-use-after-free";
    EXPECT_NE(guest::crash_hash(other, symbols), hash);
    other = finding;
    other.frames[2] = at(Function::start);
    EXPECT_NE(guest::crash_hash(other, symbols), hash);
    other = finding;
    other.frame_count = 2;
    EXPECT_NE(guest::crash_hash(other, symbols), hash);
}

} // namespace
