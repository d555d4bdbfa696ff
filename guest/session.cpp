// guest/session.cpp — see session.h.
#include "guest/session.h"

#include "base/log.h"
#include "guest/codes.h"
#include "guest/cpuid.h"
#include "guest/crash_hash.h"
#include "guest/deadlock.h"

namespace guest {

namespace {

constexpr Text kind_timeout = "timeout";
constexpr u64 time_stamp_step = 1000; // each RDTSC advances the counter by this (chosen)
constexpr u64 upper_half = 0xffff'ffff'0000'0000;
constexpr u64 always_one = 2; // RFLAGS bit 1

Event event_of(Event::Kind kind, u64 value = 0) {
    Event event;
    event.kind = kind;
    event.value = value;
    return event;
}

// Whether the exit means that the guest executed an RDTSC or RDTSCP, which in ring 3 is #GP. The bytes at RIP
// alone do not say it: they may be data that the guest tried to run, or need a privilege for another reason.
bool reads_time_stamp(const vm::Exit &exit, const Instruction &instruction) {
    if (exit.kind == vm::ExitKind::exception && exit.vector != general_protection) return false;
    if (exit.kind != vm::ExitKind::exception && exit.kind != vm::ExitKind::time_stamp) return false;
    return !instruction.locked &&
           (instruction.kind == Instruction::Kind::rdtsc || instruction.kind == Instruction::Kind::rdtscp);
}

Event fault_of(rl_kind kind, const char *text) {
    Event event = event_of(Event::Kind::fault);
    event.fault.kind = kind;
    event.fault.text = text;
    return event;
}

} // namespace

vm::Ending ending_of(const Event &event, const vm::Finding &finding) {
    if (event.kind == Event::Kind::timeout || event.kind == Event::Kind::deadline) return vm::Ending::timeout;
    const bool starved = finding.kind == Text(rl_kind_name(rl_kind_out_of_memory));
    return starved ? vm::Ending::out_of_memory : vm::Ending::crash;
}

u64 case_flags(const vm::CaseOptions &options) {
    return (options.record_comparisons ? u64{RL_FLAG_COMPARISONS} : 0) |
           (options.show_output ? u64{RL_FLAG_OUTPUT} : 0) | u64{options.fill} << RL_FLAG_FILL_SHIFT |
           u64{options.leak} << RL_FLAG_LEAK_SHIFT;
}

void report_random_instructions(const Program &program) {
    constexpr u32 most_shown = 3;
    u32 count = 0;
    program.each_random_instruction([&](u64 address) {
        if (count++ >= most_shown) return;
        const Function *function = program.symbols().find(address);
        LOG(guest, "the target may run RDRAND or RDSEED at {x} ({}): its cases might not repeat", address,
            escaped(function != nullptr ? function->name : Text("?")));
    });
    if (count > most_shown) LOG(guest, "... and at {} more places", count - most_shown);
}

rstate::Result<SnapshotPoint> Session::read_snapshot_point(u64 control_address) {
    SnapshotPoint point = TRY(guest::read_snapshot_point(memory_, program_->layout(), control_address),
                              "checking the control block");
    point.emulated = {services_.state(), time_stamp_};
    services_.printer().begin_cases();
    return point;
}

void Session::restore(const EmulatedState &emulated) {
    services_.restore(emulated.services);
    time_stamp_ = emulated.time_stamp;
}

u64 Session::read_mutants(u64 address, MutableBytes out) const {
    rl_mutants made = {};
    if (!program_->layout().readable(address, sizeof made) || !memory_.peek(GuestVirt(address), made))
        return 0;
    if (made.size > out.size() || !program_->layout().readable(made.at, made.size)) return 0;
    const bool read = memory_.peek(GuestVirt(made.at), out.first(made.size));
    return read ? made.size : 0;
}

void Session::note_mutator_failure(const Event &event, const vm::Finding &finding) {
    constexpr u32 most_shown = 3;
    if (mutator_failures_++ >= most_shown) return;
    const Function *function =
        finding.frame_count != 0 ? program_->symbols().find(finding.frames[0]) : nullptr;
    LOG(guest, "the target's own mutator made nothing: {} in {}; its runs are not cases, so this is no crash",
        event.kind == Event::Kind::done ? Text("the harness ran") : finding.kind,
        escaped(function != nullptr ? function->name : Text("?")));
}

Event Session::answer_impossible_instruction(vm::Registers &registers, const vm::SystemRegisters &system) {
    vm::Exit exit;
    exit.kind = vm::ExitKind::exception;
    exit.vector = invalid_opcode;
    return answer_fault(exit, registers, system);
}

void Session::answer_cpuid(vm::Registers &registers) {
    const CpuidAnswer answer = cpuid_answer(static_cast<u32>(registers.rax), static_cast<u32>(registers.rcx));
    registers.rax = answer.eax;
    registers.rbx = answer.ebx;
    registers.rcx = answer.ecx;
    registers.rdx = answer.edx;
}

rstate::Result<Event> Session::answer_hypercall(vm::Registers &registers, Changed &changed, Phase phase) {
    const u64 number = registers.rax ^ RL_HYPERCALL;
    switch (number) {
    case RL_CALL_SNAPSHOT:
        if (phase == Phase::starting) return event_of(Event::Kind::snapshot_point, registers.rdi);
        break;
    case RL_CALL_DONE:
        if (phase == Phase::in_case) return event_of(Event::Kind::done, registers.rdi);
        break;
    case RL_CALL_MUTATED:
        if (phase == Phase::mutating) return event_of(Event::Kind::mutated, registers.rdi);
        break;
    case RL_CALL_CRASH:
        return event_of(Event::Kind::crash, registers.rdi);
    case RL_CALL_TIMEOUT:
        return event_of(Event::Kind::timeout, registers.rdi);
    case RL_CALL_DESCRIBED:
        if (phase == Phase::describing) return event_of(Event::Kind::described, registers.rdi);
        break;
    case RL_CALL_EXIT:
        return event_of(Event::Kind::exit, static_cast<u64>(static_cast<i32>(registers.rdi)));
    case RL_CALL_SIGNAL:
        return event_of(Event::Kind::signal, registers.rdi);
    case RL_CALL_DEADLOCK:
        return event_of(Event::Kind::deadlock, registers.rdi);
    case RL_CALL_PRINT:
    case RL_CALL_SET_FS:
    case RL_CALL_PROTECT:
    case RL_CALL_REFUSED:
        return TRY(answer_request(registers, changed), "answering the target's request", number,
                   registers.rdi);
    default:
        break;
    }
    return fault_of(rl_kind_illegal_instruction, "a hypercall with an unknown number, or at the wrong time");
}

// Requests after which the target goes on.
rstate::Result<Event> Session::answer_request(vm::Registers &registers, Changed &changed) {
    const u64 number = registers.rax ^ RL_HYPERCALL;
    registers.rax = 0;
    switch (number) {
    case RL_CALL_PRINT:
        services_.print(registers.rdi, registers.rsi);
        break;
    case RL_CALL_SET_FS: // VMRUN refuses a base that is not canonical (APM vol 2 §15.5.1 "Basic Operation")
        if (is_canonical(registers.rdi)) changed.system.fs_base = registers.rdi;
        registers.rax = changed.user_sets_bases;
        break;
    case RL_CALL_PROTECT:
        registers.rax = static_cast<u64>(TRY(services_.protect(registers.rdi, registers.rsi),
                                             "changing rights", registers.rdi, registers.rsi));
        changed.tables = true;
        break;
    default:
        services_.note_refused(registers.rdi);
        changed.refused_call = true;
    }
    return event_of(Event::Kind::none);
}

// The library copies from or to an address that the target passed: the copy fails, and the target gets
// EFAULT.
bool Session::is_failed_copy(const vm::Exit &exit, vm::Registers &registers) const {
    const LinuxLibrary &library = program_->linux_library();
    if (exit.kind != vm::ExitKind::exception || !library.present() || registers.rip != library.copy_access)
        return false;
    registers.rip = library.copy_failed;
    return true;
}

Event Session::answer_fault(const vm::Exit &exit, vm::Registers &registers,
                            const vm::SystemRegisters &system) {
    if (is_failed_copy(exit, registers)) return event_of(Event::Kind::none);
    u8 code[vm::max_instruction_bytes] = {};
    u64 length = 0; // of the readable part: the next page may not be mapped
    while (length < sizeof(code) && memory_.peek(GuestVirt(registers.rip + length), code[length])) ++length;
    const Instruction instruction = decode({code, length}, registers, system.fs_base, system.gs_base);
    if (reads_time_stamp(exit, instruction)) {
        time_stamp_ += time_stamp_step;
        registers.rax = time_stamp_ & ~upper_half;
        registers.rdx = time_stamp_ >> 32;
        if (instruction.kind == Instruction::Kind::rdtscp) registers.rcx = 0;
        registers.rip += instruction.length;
        return event_of(Event::Kind::none);
    }
    if (exit.kind != vm::ExitKind::exception) {
        if (instruction.locked) return answer_impossible_instruction(registers, system);
        return fault_of(rl_kind_other_exception, exit.what);
    }
    Event event = event_of(Event::Kind::fault);
    event.fault = explain(exit, instruction, program_->layout());
    return event;
}

// SYSCALL jumps to the stub. Code in ring 3 cannot run the stub's VMMCALL: its page is the supervisor's.
bool Session::is_unanswered_syscall(const vm::Registers &registers) const {
    return align_down(registers.rip, page_size) == stub_address;
}

// The finding names the place of the SYSCALL, two bytes before where RCX points.
Event Session::refuse_syscall(vm::Registers &registers) const {
    registers.rip = registers.rcx - 2;
    registers.privilege = vm::Privilege::user;
    return fault_of(rl_kind_other_exception, "a system call, but the target has no library that answers it");
}

// The runtime counts the edge budget down and ends the case below zero; with several threads it holds a part
// back for later. The target may have overwritten both.
rstate::Result<u64> Session::edges_spent(const SnapshotPoint &point, u64 budget) const {
    struct {
        i64 now, held;
    } left = {};
    TRY(memory_.load(point.budget, left), "reading the rest of the edge budget");
    i64 sum = 0;
    if (__builtin_add_overflow(left.now, left.held, &sum) || sum < 0) return budget;
    return static_cast<u64>(sum) > budget ? 0 : budget - static_cast<u64>(sum);
}

rstate::Result<u32> Session::read_comparisons(const SnapshotPoint &point, Span<vm::Comparison> out) const {
    static_assert(sizeof(vm::Comparison) == sizeof(rl_comparison) &&
                  offsetof(vm::Comparison, size) == offsetof(rl_comparison, size) &&
                  offsetof(vm::Comparison, flags) == offsetof(rl_comparison, flags));
    u64 count = 0;
    TRY(memory_.load(point.comparison_count, count), "reading the comparisons' number");
    count = min(min(count, point.control.comparison_capacity), out.size());
    const MutableBytes bytes(reinterpret_cast<u8 *>(out.data()), count * sizeof(vm::Comparison));
    TRY(memory_.read(point.comparisons, bytes), "reading the comparisons", count);
    return static_cast<u32>(count);
}

// A ring: its oldest byte is the one that the next would replace. The counter is the target's, so any number.
rstate::Result<vm::Printed> Session::read_output(const SnapshotPoint &point, MutableBytes room) const {
    constexpr u64 capacity = sizeof(rl_output::text);
    vm::Printed printed;
    if (point.output.value() == 0) return printed;
    TRY(memory_.load(point.output, printed.total), "reading how much the target printed");
    const u64 size = min(min(printed.total, capacity), room.size());
    const u64 first = (printed.total - size) % capacity, until_end = min(size, capacity - first);
    const GuestPhys text = point.output + offsetof(rl_output, text);
    TRY(memory_.read(text + first, room.first(until_end)), "reading what the target printed", first);
    TRY(memory_.read(text, room.sub(until_end, size - until_end)), "reading what it printed last", size);
    printed.last = Bytes(room.data(), size);
    return printed;
}

rl_report Session::read_report(u64 address) const {
    rl_report report = {};
    if (!program_->layout().readable(address, sizeof(report)) || !memory_.peek(GuestVirt(address), report))
        return {};
    return report;
}

rstate::Result<vm::Finding> Session::finding_of(const Event &event, const vm::Registers &registers) const {
    vm::Finding finding;
    Place place = {registers.rip, registers.rsp, registers.rbp, true};
    switch (event.kind) {
    case Event::Kind::crash: {
        const rl_report report = read_report(event.value);
        finding = guest::finding_of(report);
        if (report.pc != 0) place = {report.pc, report.sp, report.bp, false};
        break;
    }
    case Event::Kind::fault:
        finding = guest::finding_of(event.fault);
        break;
    case Event::Kind::exit:
        finding.kind = rl_kind_name(rl_kind_exit);
        set_text(finding, "the target called exit");
        break;
    case Event::Kind::deadlock:
        place = describe_deadlock(finding, memory_, *program_, event.value, place);
        break;
    case Event::Kind::signal:
        finding.kind = rl_kind_name(rl_kind_abort);
        set_text(finding, TextBuffer<64>().add("the target sent itself signal {}", event.value).text());
        break;
    case Event::Kind::timeout:
        finding.kind = kind_timeout;
        set_text(finding, "the edge budget is used up");
        if (program_->elf().is_code(event.value - 1)) place.pc = event.value - 1, place.exact = false;
        break;
    case Event::Kind::deadline:
        finding.kind = kind_timeout;
        set_text(finding, "it ran until its deadline");
        break;
    case Event::Kind::out_of_memory:
        finding.kind = rl_kind_name(rl_kind_out_of_memory);
        set_text(finding, "it has written all the pages that its machine may have");
        break;
    default:
        break;
    }
    set_frames(finding, memory_, *program_, place);
    if (finding.kind == Text(rl_kind_name(rl_kind_memory_leak))) take_frames_of_allocation(finding);
    finding.hash = crash_hash(finding, program_->symbols());
    return finding;
}

vm::Registers Session::registers_for_description(const SnapshotPoint &point, const vm::Registers &now,
                                                 u64 address) const {
    vm::Registers registers = now;
    registers.rip = point.control.describe;
    registers.rdi = address;
    registers.rsp = point.control.describe_stack;
    registers.rbp = 0;
    registers.rflags = always_one;
    registers.privilege = vm::Privilege::user;
    // The description spends edges too, and the case may have none left. Chosen: enough for the largest heap.
    constexpr i64 budget = 1l << 32;
    rstate::ignore(memory_.store(point.budget, budget),
                   "the description may then end early, which the caller handles");
    return registers;
}

void Session::take_description(vm::Finding &finding, u64 report_address) const {
    guest::describe(finding, read_report(report_address));
}

void Session::note_no_description(vm::Finding &finding) const {
    if (finding.text[0] == 0) set_text(finding, "no description");
}

rstate::Result<void> Session::fail_before_snapshot_point(const Event &event,
                                                         const vm::Finding &finding) const {
    const auto pc = rstate::TargetCode{finding.frame_count > 0 ? finding.frames[0] : 0};
    switch (event.kind) {
    case Event::Kind::exit:
        return FAIL(ended_early, "the target exited before its snapshot point", event.value);
    case Event::Kind::timeout:
    case Event::Kind::deadline:
        return FAIL(snapshot_point_not_reached, "the target did not reach its snapshot point in time", pc);
    default:
        LOG(guest, "the target's start-up: {} {}", finding.kind,
            Text::from_field({reinterpret_cast<const u8 *>(finding.text), sizeof(finding.text)}));
        // Kinds are constants of the program.
        return FAIL(crashed_early, "the target crashed before its snapshot point", finding.kind.data(), pc,
                    finding.address);
    }
}

} // namespace guest
