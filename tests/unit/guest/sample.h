// tests/unit/guest/sample.h — a small program and a machine that holds it, for tests that script what the
// guest does.
#pragma once

#include <array>
#include <memory>

#include "guest/process.h"
#include "tests/sim/elf_builder.h"
#include "tests/sim/scripted_machine.h"

namespace sample {

using sim::ElfBuilder;
using sim::ScriptedMachine;
using Process = guest::Process<ScriptedMachine>;

constexpr u64 code = 0x401000, data = 0x402000, data_size = 0x4000;
constexpr u64 control_at = data + 0x100, report_at = data + 0x200, counters_at = data + 0x400,
              budget_at = data + 0x80, comparisons_at = data + 0x1000, comparison_count_at = data + 0x90,
              schedule_at = data + 0x98;
constexpr u32 counter_count = 300, comparison_capacity = 16;
constexpr u32 rx = ElfBuilder::read | ElfBuilder::execute, rw = ElfBuilder::read | ElfBuilder::write;

// Functions of 0x100 bytes each from `code`: _start, LLVMFuzzerTestOneInput, inner, __asan_report, describe.
enum class Function : u64 { start, harness, inner, runtime, describe };
constexpr u64 at(Function function, u64 offset = 0) {
    return code + 0x100 * static_cast<u64>(function) + offset;
}

inline std::vector<u8> code_bytes() {
    std::vector<u8> bytes(0x500, 0x90);
    for (u64 function = 0; function < 5; ++function) {
        const u8 prologue[] = {0x55, 0x48, 0x89, 0xe5}; // push rbp; mov rbp, rsp
        std::memcpy(bytes.data() + 0x100 * function, prologue, sizeof(prologue));
        bytes[0x100 * function + 0x40] = 0xe8; // a call that returns to +0x45
    }
    return bytes;
}

inline ElfBuilder program() {
    ElfBuilder builder;
    builder.load(0x400000, ElfBuilder::read, {1, 2, 3}).load(code, rx, code_bytes());
    builder.load(data, rw, {7, 8, 9}, data_size).entry(code);
    builder.symbol("_start", at(Function::start), 0x100);
    builder.symbol("LLVMFuzzerTestOneInput", at(Function::harness), 0x100);
    builder.symbol("inner", at(Function::inner), 0x100);
    builder.symbol("__asan_report", at(Function::runtime), 0x100);
    builder.symbol("describe", at(Function::describe), 0x100);
    return builder;
}

inline rl_control control() {
    rl_control c = {};
    c.magic = RL_CONTROL_MAGIC, c.version = RL_ABI_VERSION, c.size = sizeof(c);
    c.input = RL_INPUT_START, c.input_capacity = RL_INPUT_CAPACITY;
    c.counters = counters_at, c.counter_count = counter_count;
    c.budget = budget_at, c.comparison_count = comparison_count_at;
    c.comparisons = comparisons_at, c.comparison_capacity = comparison_capacity;
    c.describe = at(Function::describe), c.describe_stack = data + 0x3ff8, c.report = report_at;
    c.schedule = schedule_at;
    return c;
}

template <class T> void put(ScriptedMachine &machine, u64 address, const T &value) {
    machine.write(GuestVirt(address), Bytes(reinterpret_cast<const u8 *>(&value), sizeof(value))).take();
}
template <class T> T get(ScriptedMachine &machine, u64 address) {
    T value = {};
    machine.read(GuestVirt(address), MutableBytes(reinterpret_cast<u8 *>(&value), sizeof(value))).take();
    return value;
}

inline vm::Exit hypercall(ScriptedMachine &machine, u64 number, u64 first = 0, u64 second = 0) {
    machine.registers().rax = RL_HYPERCALL | number;
    machine.registers().rdi = first, machine.registers().rsi = second;
    vm::Exit exit;
    exit.kind = vm::ExitKind::hypercall;
    return exit;
}
inline vm::Exit system_call(ScriptedMachine &machine, u64 number, std::vector<u64> arguments = {}) {
    vm::Registers &r = machine.registers();
    arguments.resize(6);
    r.rcx = r.rip, r.r11 = r.rflags, r.rax = number;
    r.rdi = arguments[0], r.rsi = arguments[1], r.rdx = arguments[2];
    r.r10 = arguments[3], r.r8 = arguments[4], r.r9 = arguments[5];
    r.rip = machine.system().system_call_target;
    r.privilege = vm::Privilege::supervisor;
    vm::Exit exit;
    exit.kind = vm::ExitKind::hypercall;
    exit.privilege = vm::Privilege::supervisor;
    return exit;
}
inline vm::Exit exception(u8 vector, u32 error_code = 0) {
    vm::Exit exit;
    exit.kind = vm::ExitKind::exception;
    exit.vector = vector;
    exit.error_code = error_code;
    exit.what = "exception";
    return exit;
}
inline vm::Exit page_fault(u64 address, vm::Access access, bool present = false) {
    vm::Exit exit = exception(14, present ? 5 : 4);
    exit.address = address;
    exit.access = access;
    return exit;
}

inline std::string string_of(Text text) { return {text.data(), text.size()}; }

// Frames of inner, called by the harness, called by _start.
inline void put_frames(ScriptedMachine &m, u64 &bp) {
    constexpr u64 inner = RL_STACK_TOP - 0x200, outer = RL_STACK_TOP - 0x100;
    bp = inner;
    put(m, inner, std::array<u64, 2>{outer, at(Function::harness, 0x45)});
    put(m, outer, std::array<u64, 2>{0, at(Function::start, 0x45)});
}

inline void fault_in_inner(ScriptedMachine &m) {
    m.registers().rip = at(Function::inner, 0x30);
    put_frames(m, m.registers().rbp);
    m.registers().rsp = m.registers().rbp - 0x20;
}

// The program in a machine; `to_snapshot_point()` runs its start-up.
class Loaded {
  public:
    explicit Loaded(ElfBuilder builder = program(), std::string name = "target",
                    const guest::BroughtFiles &files = {})
        : file_(builder.build()), slots_(16), name_(std::move(name)) {
        program_ = std::make_unique<guest::Program>(
            guest::Program::make(sim::bytes_of(file_), {slots_.data(), slots_.size()}).take());
        program_->with(Text(name_.data(), name_.size()), files);
        machine_ = std::make_unique<ScriptedMachine>(program_->layout().memory_needed());
        process_ = std::make_unique<Process>(
            Process::load(*machine_, *program_, {.start_ticks = 11, .case_ticks = 22, .describe_ticks = 33})
                .take());
    }
    ScriptedMachine &machine() { return *machine_; }
    Process &process() { return *process_; }
    const guest::Program &program_file() const { return *program_; }

    rstate::Result<void> try_snapshot_point(const rl_control &block = control()) {
        machine_->then([block](ScriptedMachine &m) {
            put(m, control_at, block);
            return hypercall(m, RL_CALL_SNAPSHOT, control_at);
        });
        return process_->run_to_snapshot_point();
    }
    Loaded &to_snapshot_point() {
        try_snapshot_point().take();
        vm::Snapshot snapshot;
        machine_->take_snapshot(snapshot).take();
        return *this;
    }
    vm::Outcome run(Bytes input = {}, u64 budget = 1000) {
        vm::CaseOptions options;
        options.edge_budget = budget;
        return *process_->run_case(input, options).take();
    }

  private:
    std::vector<u8> file_;
    std::vector<guest::Function> slots_;
    std::string name_;
    std::unique_ptr<guest::Program> program_;
    std::unique_ptr<ScriptedMachine> machine_;
    std::unique_ptr<Process> process_;
};

} // namespace sample
