// tests/unit/guest/target_files.h — the real targets that the build makes, and a process that runs one on
// this host.
#pragma once

#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "guest/process.h"
#include "tests/sim/elf_builder.h"
#include "tests/sim/traced_machine.h"

namespace targets {

using sim::TracedMachine;
using Process = guest::Process<TracedMachine>;

inline std::vector<u8> read_file(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline std::string folder() {
    const char *other = getenv("RL_TEST_TARGETS");
    return other != nullptr ? other : "build/targets";
}

// A target at its snapshot point, with the snapshot taken.
class Running {
  public:
    explicit Running(const std::string &name) : Running(read_file(folder() + "/" + name + "/target.elf")) {}
    explicit Running(std::vector<u8> file) : file_(std::move(file)) {}

    // False where processes cannot be traced; our own errors end the test program.
    bool start() {
        slots_.resize(guest::Program::slots_needed(sim::bytes_of(file_)).take());
        program_ = std::make_unique<guest::Program>(
            guest::Program::make(sim::bytes_of(file_), {slots_.data(), slots_.size()}).take());
        machine_ = TracedMachine::make(align_up(program_->layout().memory_needed(), 2_MiB));
        if (machine_ == nullptr) return false;
        constexpr guest::Deadlines deadlines{.start_ticks = 600, .case_ticks = 300, .describe_ticks = 100};
        process_ = std::make_unique<Process>(Process::load(*machine_, *program_, deadlines).take());
        return true;
    }
    bool start_to_snapshot_point() {
        if (!start()) return false;
        auto result = process_->run_to_snapshot_point();
        if (!result.ok()) rstate::report(result.take_error());
        CHECK(result.ok(), "the target reaches its snapshot point");
        machine_->take_snapshot(snapshot_).take();
        return true;
    }

    vm::Outcome run(Bytes input, u64 budget = 20'000'000) {
        vm::CaseOptions options;
        options.edge_budget = budget;
        return *process_->run_case(input, options).take();
    }
    vm::Outcome run(const std::vector<u8> &input) { return run(sim::bytes_of(input)); }
    void reset() { process_->reset().take(); }

    Process &process() { return *process_; }
    TracedMachine &machine() { return *machine_; }
    const guest::Program &program() const { return *program_; }
    std::string function(u64 pc) const {
        const guest::Function *found = program_->symbols().find(pc);
        return found == nullptr ? "?" : std::string(found->name.data(), found->name.size());
    }
    std::string trace(const vm::Finding &finding) const {
        std::string text;
        for (u32 i = 0; i < finding.frame_count; ++i)
            text += (i == 0 ? "" : " < ") + function(finding.frames[i]);
        return text;
    }

  private:
    std::vector<u8> file_;
    std::vector<guest::Function> slots_;
    std::unique_ptr<guest::Program> program_;
    std::unique_ptr<TracedMachine> machine_;
    std::unique_ptr<Process> process_;
    vm::Snapshot snapshot_;
};

inline std::string string_of(Text text) { return {text.data(), text.size()}; }

} // namespace targets
