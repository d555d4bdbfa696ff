// tests/unit/fuzz/records_test.cpp — the lines that tools read and people read.
#include "fuzz/records.h"

#include <sstream>

#include "fuzz/hit_levels.h"
#include "fuzz/json.h"
#include "fuzz/outbox.h"
#include "tests/sim/test.h"
#include "tests/unit/fuzz/fake.h"

namespace {

std::string written;
const Output out{[](void *, Text text) { written.append(text.data(), text.size()); }, nullptr};

struct RecordLinesTest : testing::Test {
    RecordLinesTest() { written.clear(); }
    static bool has(const std::string &part) { return written.find(part) != std::string::npos; }
};

bool resolve(void *, u64 pc, const Output &to) {
    if (pc == 0) return false;
    print(to, "function_{x}+0x12", pc);
    return true;
}
const rstate::Resolver resolver{resolve, nullptr};

// As guest::Symbols resolves: an escaped name and the offset.
bool resolve_hostile(void *name, u64 pc, const Output &to) {
    const std::string &bytes = *static_cast<std::string *>(name);
    print(to, "{}+{x}", escaped({bytes.data(), bytes.size()}), pc);
    return true;
}

vm::Finding overflow() {
    vm::Finding f;
    f.hash = 0x1234;
    f.kind = "heap-buffer-overflow", f.region = "heap block", f.access = vm::Access::read, f.access_size = 4;
    f.address = 0x10000fc0, f.region_base = 0x10001000, f.region_size = 128, f.offset = -64;
    f.frames[0] = 0x401000, f.frames[1] = 0x402000, f.frame_count = 2;
    f.allocated[0] = 0x403000;
    return f;
}

TEST_F(RecordLinesTest, JsonTextIsEscaped) {
    fuzz::JsonLine(out, "x").text("t", {"a\"b\\c\n\x7f\xff", 8}).end();
    EXPECT_EQ(written, "{\"type\":\"x\",\"t\":\"a\\\"b\\\\c\\u000a\\u007f\\u00ff\"}\n");
}

TEST_F(RecordLinesTest, JsonNestsAndSeparates) {
    fuzz::JsonLine line(out, "x");
    line.open("list", '[').open("", '{').number("a", 1).number("b", 2).close('}').number("", 3).close(']');
    line.signed_number("n", -5).fraction("f", 1007).truth("yes", true).open("none", '[').close(']').end();
    EXPECT_EQ(
        written,
        "{\"type\":\"x\",\"list\":[{\"a\":1,\"b\":2},3],\"n\":-5,\"f\":1.007,\"yes\":true,\"none\":[]}\n");
}

TEST_F(RecordLinesTest, Base64FollowsTheStandard) {
    const std::pair<std::string, std::string> known[] = {
        {"", ""},        {"f", "Zg=="},          {"fo", "Zm8="},
        {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}, {"\xff\xfe", "//4="}};
    for (const auto &[plain, coded] : known) {
        written.clear();
        fuzz::JsonLine(out, "x").base64("d", fake::bytes(plain)).end();
        EXPECT_EQ(written, "{\"type\":\"x\",\"d\":\"" + coded + "\"}\n");
    }
    written.clear();
    fuzz::JsonLine(out, "x").base64("d", fake::bytes(std::string(1000, 'A'))).end();
    std::string pattern;
    for (u32 i = 0; i < 333; ++i) pattern += "QUFB";
    EXPECT_EQ(written, "{\"type\":\"x\",\"d\":\"" + pattern + "QQ==\"}\n");
}

TEST_F(RecordLinesTest, ACrashRecordHasKindAddressAndFrames) {
    const vm::Finding f = overflow();
    fuzz::write_crash(out, {42, 1, fake::bytes("foo"), &f}, &resolver);
    const std::string record = written.substr(written.find("\n{") + 1);
    EXPECT_EQ(
        record,
        "{\"type\":\"crash\",\"hash\":\"0000000000001234\",\"kind\":\"heap-buffer-overflow\",\"case\":42,"
        "\"core\":1,\"size\":3,\"function\":\"function_0x401000\",\"frames\":[\"0x401000\",\"0x402000\"],"
        "\"address\":\"0x10000fc0\",\"access\":\"read\",\"access_size\":4,\"region\":\"heap block\","
        "\"region_base\":\"0x10001000\",\"region_size\":128,\"offset\":-64,\"alloc\":[\"0x403000\"],"
        "\"free\":[],\"text\":\"\",\"uninitialised\":false,\"edges\":0,\"printed\":0,\"output\":\"\","
        "\"input\":\"Zm9v\"}\n");
}

TEST_F(RecordLinesTest, AHostileNameForgesNoLineAndNoColumn) {
    std::string name = "f+g\n{\"type\":\"corpus\",\"hash\":\"../../x\"}\n  \x1b]0;x\x07\xff";
    const rstate::Resolver hostile{resolve_hostile, &name};
    const vm::Finding f = overflow();
    fuzz::write_crash(out, {42, 1, fake::bytes("foo"), &f}, &hostile);
    std::istringstream lines(written);
    u32 records = 0;
    for (std::string line; std::getline(lines, line);) {
        for (const char c : line) EXPECT_TRUE(c >= ' ' && c < 0x7f) << line;
        records += line[0] == '{';
        EXPECT_TRUE(line[0] == '{' || line.starts_with("error ") || line.starts_with("  ")) << line;
    }
    EXPECT_EQ(records, 1u);
    EXPECT_TRUE(has("\"function\":\"f+g\\\\x0a{\\\"type\\\":")) << "the name to its last '+', escaped";
    EXPECT_TRUE(has("   <- origin\n"));
}

TEST_F(RecordLinesTest, TheLongestCrashFitsAnEmptyOutbox) {
    std::string name(100'000, '"');
    const rstate::Resolver hostile{resolve_hostile, &name};
    vm::Finding f = overflow();
    f.kind = "dynamic-stack-buffer-overflow", f.region = "red zone of a stack variable";
    f.access_size = f.address = f.region_base = f.region_size = ~0ul, f.offset = -1, f.uninitialised = true;
    f.frame_count = vm::max_target_frames, f.frames_cut = true, f.recursion_count = vm::max_recursions;
    for (u32 i = 0; i < vm::max_recursions; ++i) f.recursions[i] = {i, 1, ~0u};
    for (u64 &frame : f.frames) frame = ~0ul;
    for (u32 i = 0; i < vm::max_site_frames; ++i) f.allocated[i] = f.freed[i] = ~0ul;
    std::memset(f.text, '"', sizeof f.text - 1);
    f.thread_count = vm::max_threads;
    for (vm::ThreadStack &thread : f.threads) {
        thread.id = ~0ul, thread.frame_count = vm::max_thread_frames;
        for (u64 &frame : thread.frames) frame = ~0ul;
    }
    std::string output(vm::most_printed, '\x01');
    for (u32 line = 1; line <= fuzz::most_printed_lines; ++line) output[output.size() - 100 * line] = '\n';
    for (u32 max_len = 1; max_len < 3u << 20; max_len += max_len < 100'000 ? 1009 : 100'003) {
        written.clear();
        const std::string input(max_len, 'x');
        // It may be longer than the input that is left of it, which the record's test is not.
        const std::string before(min(max_len, fuzz::longest_original), 'y');
        const Bytes original = fake::bytes(before);
        fuzz::write_crash(out,
                          {~0ul,
                           ~0u,
                           fake::bytes(input),
                           &f,
                           vm::Ending::crash,
                           ~0ul,
                           {~0ul, fake::bytes(output)},
                           original},
                          &hostile);
        EXPECT_LT(written.size(), fuzz::outbox_capacity(max_len)) << max_len;
    }
    EXPECT_TRUE(has("   <- origin\n"));
    std::istringstream lines(written);
    u32 chain = 0;
    for (std::string line; std::getline(lines, line) && line[0] != '{'; ++chain)
        EXPECT_LE(line.size(), fuzz::longest_chain_line);
    EXPECT_EQ(chain, fuzz::most_chain_lines);
}

TEST_F(RecordLinesTest, ADeadlocksRecordAndChainHaveEachThreadsStack) {
    vm::Finding f;
    f.kind = "deadlock", f.frames[0] = 0x401000, f.frame_count = 1, f.thread_count = 2;
    f.threads[0].id = 3, f.threads[0].frames[0] = 0x401000, f.threads[0].frame_count = 1;
    f.threads[1].id = 2, f.threads[1].frames[0] = 0x402000, f.threads[1].frames[1] = 0x403000;
    f.threads[1].frame_count = 2;
    fuzz::write_crash(out, {1, 0, {}, &f}, &resolver);
    EXPECT_TRUE(has("\"threads\":[{\"id\":3,\"frames\":[\"0x401000\"]},"
                    "{\"id\":2,\"frames\":[\"0x402000\",\"0x403000\"]}],"));
    EXPECT_LT(written.find("function_0x402000"), written.find("function_0x403000")) << "innermost first";
    EXPECT_LT(written.find("thread 3"), written.find("thread 2"));
}

TEST_F(RecordLinesTest, TheChainHasEachStackInnermostFirstAndOurOwnOperationsLast) {
    vm::Finding f = overflow();
    f.freed[0] = 0x404000, f.freed[1] = 0x405000;
    fuzz::write_crash(out, {42, 1, fake::bytes("foo"), &f}, &resolver);
    const std::string expected =
        "error target.heap-buffer-overflow on core 1, case 42, hash 0000000000001234\n"
        "  read of 4 bytes at 0x10000fc0, 64 bytes before a 128-byte heap block at 0x10001000\n"
        "    #0 0x401000 in function_0x401000+0x12\n"
        "    #1 0x402000 in function_0x402000+0x12\n"
        "  allocated by:\n"
        "    #0 0x403000 in function_0x403000+0x12\n"
        "  freed by:\n"
        "    #0 0x404000 in function_0x404000+0x12\n"
        "    #1 0x405000 in function_0x405000+0x12\n"
        "  Raclette's own operations, outermost first:\n"
        "  fuzz/worker.cpp           Worker::run_case          running one case    case 42, "
        "input of 3 bytes   <- origin\n{";
    EXPECT_EQ(written.substr(0, expected.size()), expected);
}

TEST_F(RecordLinesTest, OffsetsCountFromTheNearestEndOfTheBlock) {
    vm::Finding f = overflow();
    const std::pair<i64, std::string> places[] = {{-1, "1 bytes before"},
                                                  {0, "0 bytes inside"},
                                                  {100, "100 bytes inside"},
                                                  {128, "0 bytes after"},
                                                  {130, "2 bytes after"}};
    for (const auto &[offset, expected] : places) {
        written.clear();
        f.offset = offset;
        fuzz::print_crash_chain(out, {1, 0, {}, &f}, &resolver);
        EXPECT_TRUE(has(", " + expected + " a 128-byte heap block at 0x10001000")) << offset;
    }
    const std::pair<u64, std::string> sizes[] = {
        {1, "a 1-byte"},    {8, "an 8-byte"},         {11, "an 11-byte"},    {110, "a 110-byte"},
        {80, "an 80-byte"}, {18000, "an 18000-byte"}, {1800, "a 1800-byte"}, {811, "an 811-byte"}};
    for (const auto &[size, expected] : sizes) {
        written.clear();
        f.region_size = size;
        fuzz::print_crash_chain(out, {1, 0, {}, &f}, &resolver);
        EXPECT_TRUE(has(" " + expected + " heap block")) << size;
    }
}

TEST_F(RecordLinesTest, RecursionIsOneRoundAndANumber) {
    vm::Finding f = overflow();
    f.frames[2] = 0x403000, f.frame_count = 3, f.frames_cut = true;
    f.recursions[0] = {0, 2, 37}, f.recursion_count = 1;
    fuzz::write_crash(out, {1, 0, {}, &f}, &resolver);
    EXPECT_TRUE(has("#1 0x402000 in function_0x402000+0x12\n    ... #0 to #1 again, 37 times\n    #2 "));
    EXPECT_TRUE(has("    ... and further frames\n"));
    EXPECT_TRUE(has("\"frames_cut\":true,\"recursion\":[{\"first\":0,\"length\":2,\"repeats\":37}],"));
}

TEST_F(RecordLinesTest, ACrashSaysWhatTheTargetPrintedWithoutAnythingThatATerminalObeys) {
    const vm::Finding f = overflow();
    const std::string output = "first\n\x1b[2J{\"type\":\"end\"}\nerror: \xff\\ \t";
    fuzz::write_crash(out, {1, 0, {}, &f, vm::Ending::crash, 0, {5000, fake::bytes(output)}}, nullptr);
    EXPECT_TRUE(has("\n  printed: first\n  printed: \\x1b[2J{\"type\":\"end\"}\n"
                    "  printed: error: \\xff\\\\ \\t\n"));
    EXPECT_TRUE(has("\"printed\":5000,\"output\":\"Zmlyc3QK"));
}

TEST_F(RecordLinesTest, AChainHasOnlyTheLastLinesOfWhatWasPrinted) {
    const vm::Finding f;
    std::string output;
    for (u32 i = 0; i < 50; ++i) output += "line " + std::to_string(i) + "\n";
    output += std::string(3000, 'x');
    const vm::Printed printed = {output.size(), fake::bytes(output)};
    fuzz::print_crash_chain(out, {1, 0, {}, &f, vm::Ending::crash, 0, printed}, nullptr);
    EXPECT_TRUE(has("printed: line 49") && has("printed: line 43") && !has("printed: line 42"));
    EXPECT_LT(written.size(), 2000u);
}

TEST_F(RecordLinesTest, ACrashThatNothingIsKnownAboutStillHasAChain) {
    const vm::Finding f;
    fuzz::write_crash(out, {1, 0, {}, &f}, nullptr);
    EXPECT_TRUE(has("<- origin") && has("\"frames\":[]"));
}

TEST_F(RecordLinesTest, ATimeoutIsARecordOfItsOwnWithWhereItWas) {
    vm::Finding f;
    f.kind = "timeout", f.hash = 5, f.frames[0] = 0x401000, f.frame_count = 1;
    fuzz::write_crash(out, {2, 3, fake::bytes("f"), &f, vm::Ending::timeout, 99}, &resolver);
    EXPECT_EQ(written.find("error target.timeout on core 3, case 2, hash 0000000000000005"), 0u);
    EXPECT_TRUE(has("{\"type\":\"timeout\",\"hash\":\"0000000000000005\",\"kind\":\"timeout\",\"case\":2"));
    EXPECT_TRUE(has("\"frames\":[\"0x401000\"]") && has("\"edges\":99"));
    written.clear();
    f.kind = "out-of-memory";
    fuzz::write_crash(out, {2, 3, fake::bytes("f"), &f, vm::Ending::out_of_memory}, &resolver);
    EXPECT_TRUE(has("{\"type\":\"out_of_memory\""));
}

TEST_F(RecordLinesTest, StatisticsOfTheCoresSumToTheTotals) {
    const fuzz::SharedSize size{.cores = 2, .edges = 10, .ring_words = 64};
    fake::Memory memory(fuzz::Shared::memory(size));
    fuzz::Shared shared(memory, size, 0);
    shared.counts(0).cases.store(100), shared.counts(1).cases.store(300);
    shared.counts(0).exits.store(110), shared.counts(1).exits.store(300);
    shared.counts(1).dirty_pages.store(4000);
    fuzz::StatsWriter stats;
    stats.write(
        out, shared,
        {.frames_free = 5, .heap_live = 6, .schedule = 8, .hardware_errors = 9, .stray_interrupts = 1},
        2'000'000);
    EXPECT_TRUE(has("\"case\":400,\"time_us\":2000000,\"cases_per_s\":200,"));
    EXPECT_TRUE(has("\"exits_per_case\":1.025,"));
    EXPECT_TRUE(has("\"dirty_pages_per_case\":10.000,"));
    EXPECT_TRUE(has("\"frames_free\":5,\"heap_live\":6,\"threads\":8,"));
    EXPECT_TRUE(has("\"hardware_errors\":9,\"stray_interrupts\":1,"));
    EXPECT_TRUE(has("{\"core\":1,\"case\":300,\"exits\":300,"));
}

TEST_F(RecordLinesTest, FiguresPerCaseCoverTheTimeSinceTheLastRecord) {
    const fuzz::SharedSize size{.cores = 1, .edges = 10, .ring_words = 64};
    fake::Memory memory(fuzz::Shared::memory(size));
    fuzz::Shared shared(memory, size, 0);
    fuzz::StatsWriter stats;
    shared.counts(0).cases.store(1000), shared.counts(0).exits.store(5000);
    stats.write(out, shared, {}, 1'000'000);
    shared.counts(0).cases.store(3000), shared.counts(0).exits.store(7000);
    written.clear();
    stats.write(out, shared, {}, 2'000'000);
    EXPECT_TRUE(has("\"cases_per_s\":2000,") && has("\"exits_per_case\":1.000,"));
    EXPECT_TRUE(has("{\"core\":0,\"case\":3000,\"exits\":7000,"))
        << "the cores' figures are sums since the start";
}

TEST_F(RecordLinesTest, SharesOfTimeAreAllCoresSinceTheLastRecord) {
    const fuzz::SharedSize size{.cores = 2, .edges = 10, .ring_words = 64};
    fake::Memory memory(fuzz::Shared::memory(size));
    fuzz::Shared shared(memory, size, 0);
    fuzz::StatsWriter stats;
    stats.write(out, shared, {}, 1'000'000);
    EXPECT_TRUE(has("\"time_share\":{\"target\":0.000,\"exits\":0.000,\"reset\":0.000,\"mutation\":0.000}"));
    for (const u32 core : {0u, 1u}) {
        fuzz::CoreCounts &counts = shared.counts(core);
        counts.time_all.store(1000), counts.time_target.store(500 + core * 100), counts.time_exits.store(100);
        counts.time_reset.store(200), counts.time_mutation.store(25);
    }
    written.clear();
    stats.write(out, shared, {}, 2'000'000);
    EXPECT_TRUE(has("\"time_share\":{\"target\":0.550,\"exits\":0.100,\"reset\":0.200,\"mutation\":0.025}"));
    shared.counts(0).time_all.store(3000), shared.counts(0).time_reset.store(1200);
    written.clear();
    stats.write(out, shared, {}, 3'000'000);
    EXPECT_TRUE(has("\"time_share\":{\"target\":0.000,\"exits\":0.000,\"reset\":0.500,\"mutation\":0.000}"));
}

TEST_F(RecordLinesTest, ReachedEdgesAreBitsTheLowestFirst) {
    const fuzz::SharedSize size{.cores = 1, .edges = 70, .ring_words = 64};
    fake::Memory memory(fuzz::Shared::memory(size));
    fuzz::Shared shared(memory, size, 0);
    for (const u32 edge : {0u, 9u, 9u, 65u}) shared.reached(edge);
    fuzz::write_edges(out, shared);
    EXPECT_EQ(written.find(
                  "{\"type\":\"edges\",\"edges\":3,\"reached\":\"AQIAAAAAAAACAAAAAAAAAA==\",\"hits\":\"AAAA"),
              0u);
}

TEST_F(RecordLinesTest, HitsAreAByteForEachEdge) {
    const fuzz::SharedSize size{.cores = 2, .edges = 3, .ring_words = 64};
    fake::Memory memory(fuzz::Shared::memory(size));
    fuzz::Shared shared(memory, size, 0);
    shared.add_hits(1, 3), shared.add_hits(1, 5), shared.add_hits(2, ~0ul);
    const Bytes levels = shared.hit_levels();
    EXPECT_EQ(levels[0], 0);
    EXPECT_EQ(levels[1], fuzz::hit_level(8));
    EXPECT_GT(levels[2], levels[1]);
}

TEST_F(RecordLinesTest, AHitLevelIsExactToAnEighth) {
    EXPECT_EQ(fuzz::hit_level(0), 0);
    u8 before = 0;
    for (u64 hits = 1; hits < 1ul << 31; hits += 1 + hits / 7) {
        const u8 level = fuzz::hit_level(hits);
        EXPECT_GE(level, before);
        before = level;
        const u32 exponent = (level - 1u) / 8;
        const u64 decoded = (u64{8 + (level - 1u) % 8} << exponent) >> 3;
        EXPECT_LE(decoded, hits);
        EXPECT_GE(decoded * 9 / 8 + 1, hits) << hits;
    }
    EXPECT_EQ(fuzz::hit_level(~0ul), 255);
}

TEST_F(RecordLinesTest, CrashesAreCountedEachTimeTheyCome) {
    fuzz::CrashDedup crashes;
    fuzz::CountsWriter writer;
    EXPECT_FALSE(writer.due(crashes));
    EXPECT_TRUE(crashes.claim(5));
    EXPECT_TRUE(writer.due(crashes));
    crashes.count_again(5), crashes.count_again(5);
    EXPECT_EQ(crashes.times(), 3u);
    writer.write(out, crashes);
    EXPECT_EQ(written, "{\"type\":\"counts\",\"crashes\":{\"0000000000000005\":3}}\n");
    EXPECT_FALSE(writer.due(crashes));
    fuzz::write_counts(out, crashes);
    EXPECT_EQ(written.find("0000000000000005\":3", 60) != std::string::npos, true);
}

TEST_F(RecordLinesTest, ManyCountsComeInSeveralRecords) {
    fuzz::CrashDedup crashes;
    fuzz::CountsWriter writer;
    for (u64 hash = 1; hash <= 100; ++hash) EXPECT_TRUE(crashes.claim(hash));
    u32 told = 0;
    for (u32 record = 0; record < 3; ++record) {
        written.clear();
        writer.write(out, crashes);
        for (usize at = 0; (at = written.find("\":1", at)) != std::string::npos; ++at) ++told;
        EXPECT_LT(written.size(), 1500u);
    }
    EXPECT_EQ(told, 100u);
}

TEST_F(RecordLinesTest, ACrashHasTheInputThatItWasShrunkFrom) {
    const vm::Finding f = overflow();
    const std::string left = "f", whole = "foo";
    fuzz::Crash crash = {42, 1, fake::bytes(left), &f};
    crash.original = fake::bytes(whole);
    fuzz::write_crash(out, crash, &resolver);
    EXPECT_TRUE(has("\"input\":\"Zg==\",\"original\":\"Zm9v\"}\n"));
    written.clear();
    crash.original = crash.input;
    fuzz::write_crash(out, crash, &resolver);
    EXPECT_FALSE(has("original"));
}

TEST_F(RecordLinesTest, EndAndCorpusAreOneLineEach) {
    fuzz::write_end(out, "ok", 7);
    fuzz::Entry entry;
    entry.hash = 0xabc, entry.fresh_edges = 2, entry.found_case = 9;
    fuzz::write_corpus(out, entry, fake::bytes("fo"), 1);
    EXPECT_EQ(written, "{\"type\":\"end\",\"status\":\"ok\",\"cases\":7}\n"
                       "{\"type\":\"corpus\",\"hash\":\"0000000000000abc\",\"size\":2,\"edges\":2,\"case\":9,"
                       "\"core\":1,\"data\":\"Zm8=\"}\n");
}

TEST_F(RecordLinesTest, AScreenShowsKindAccessAndInnermostFrame) {
    vm::Finding f = overflow();
    fuzz::LastCrash last;
    fuzz::LastCrash::Lines lines;
    EXPECT_FALSE(last.read(lines));
    last.store(fuzz::short_chain({42, 1, fake::bytes("foo"), &f}, &resolver));
    ASSERT_TRUE(last.read(lines));
    EXPECT_TRUE(lines.line(0).starts_with("error target.heap-buffer-overflow on core 1, case 42"));
    EXPECT_TRUE(
        lines.line(1).starts_with("  read of 4 bytes at 0x10000fc0, 64 bytes before a 128-byte heap block"));
    EXPECT_TRUE(lines.line(2) == Text("    #0 0x401000 in function_0x401000+0x12"));
    EXPECT_EQ(lines.line(1).size(), fuzz::LastCrash::longest_line) << "cut";
    f.uninitialised = true;
    std::strcpy(f.text, "an assertion");
    EXPECT_TRUE(fuzz::short_chain({1, 0, {}, &f}, &resolver).line(2).starts_with("    #0 "));
    const vm::Finding nothing;
    EXPECT_TRUE(fuzz::short_chain({1, 0, {}, &nothing}, nullptr).line(0).starts_with("error target."));
}

} // namespace
