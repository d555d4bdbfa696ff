// tests/unit/guest/injected_bugs_test.cpp — runs every bug of targets/injected_bugs on this host and compares
// the findings with bugs.json.
#include <sstream>

#include "tests/sim/program.h"
#include "tests/sim/test.h"
#include "tests/unit/guest/target_files.h"

namespace {

using targets::Running;
using targets::string_of;

// One line of bugs.json: a flat object, so that this short reader is enough.
class Expected {
  public:
    explicit Expected(std::string line) : line_(std::move(line)) {}
    bool has(const std::string &key) const { return at(key) != std::string::npos; }
    std::string text(const std::string &key) const {
        const usize from = at(key);
        if (from == std::string::npos) return "";
        const usize start = line_.find('"', from) + 1;
        return line_.substr(start, line_.find('"', start) - start);
    }
    i64 number(const std::string &key) const { return std::stol(line_.substr(at(key))); }

  private:
    usize at(const std::string &key) const {
        const usize found = line_.find("\"" + key + "\": ");
        return found == std::string::npos ? found : found + key.size() + 4;
    }
    std::string line_;
};

std::vector<Expected> bugs_of(const std::string &name) {
    std::vector<Expected> bugs;
    std::ifstream file("targets/" + name + "/bugs.json");
    for (std::string line; std::getline(file, line);)
        if (line.find("\"byte\"") != std::string::npos) bugs.emplace_back(line);
    return bugs;
}

std::string name_of(vm::Ending ending) {
    return ending == vm::Ending::done ? "done" : ending == vm::Ending::crash ? "crash" : "timeout";
}
std::string name_of(vm::Access access) {
    return access == vm::Access::read ? "read" : access == vm::Access::write ? "write" : "";
}

void expect_finding(const Running &target, const vm::Finding &finding, const Expected &bug) {
    EXPECT_EQ(string_of(finding.kind), bug.text("kind"));
    EXPECT_EQ(finding.text[sizeof(finding.text) - 1], 0);
    ASSERT_GT(finding.frame_count, 0u);
    // C++ names are mangled here: the plain name is a part of them.
    std::string function = bug.text("function");
    function = function.substr(0, function.find('('));
    function = function.substr(function.rfind(':') + 1);
    EXPECT_NE(target.function(finding.frames[0]).find(function), std::string::npos) << target.trace(finding);
    if (!finding.frames_cut)
        EXPECT_EQ(target.function(finding.frames[finding.frame_count - 1]), "LLVMFuzzerTestOneInput")
            << target.trace(finding);
    if (bug.has("region")) EXPECT_EQ(string_of(finding.region), bug.text("region"));
    if (bug.has("access")) EXPECT_EQ(name_of(finding.access), bug.text("access"));
    if (bug.has("offset")) EXPECT_EQ(finding.offset, bug.number("offset"));
    EXPECT_NE(finding.hash, 0u);
}

void run_all(const std::string &name) {
    Running target(name);
    if (!target.start_to_snapshot_point()) GTEST_SKIP() << "processes cannot be traced here";
    const u64 at_snapshot_point = target.process().digest().take();
    for (const Expected &bug : bugs_of(name)) {
        SCOPED_TRACE(name + " " + bug.text("name"));
        const std::vector<u8> input = {static_cast<u8>(bug.number("byte")), 'x', 'y', 'z'};
        const vm::Outcome first = target.run(input);
        EXPECT_EQ(name_of(first.ending), bug.text("outcome"));
        if (first.ending == vm::Ending::crash) expect_finding(target, first.finding, bug);
        target.reset();
        EXPECT_EQ(target.process().digest().take(), at_snapshot_point) << "the reset brings everything back";
        const vm::Outcome second = target.run(input);
        EXPECT_EQ(second.finding.hash, first.finding.hash);
        EXPECT_EQ(second.edges_spent, first.edges_spent);
        target.reset();
    }
    EXPECT_EQ(rstate::frames_in_use(0), 0u);
}

TEST(InjectedBugs, BugsInCAreFoundAndNamed) { run_all("injected_bugs"); }
TEST(InjectedBugs, BugsInCxxAreFoundAndNamed) { run_all("injected_bugs_cxx"); }

} // namespace
