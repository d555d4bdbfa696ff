// guest/process.h — one target in one machine: load, start-up, then one case after another.
//
//   Process::load, run_to_snapshot_point     then the caller takes the snapshot of the machine
//   Process::attach                          on another core, for a machine attached to that snapshot
//   run_case, visit_counters, reset          again and again
//
// A Process refers to its machine and its Program; both outlive it. guest/session.h is the half that does not
// depend on the machine's type.
#pragma once

#include "guest/codes.h"
#include "guest/mutator_input.h"
#include "guest/session.h"
#include "vm/machine.h"
#include "vm/mutation.h"

namespace guest {

// Deadlines in host ticks (Vm::set_deadline); 0: none. A case that spends no edge of its budget until its
// deadline is a timeout: it hangs in code without edge counters. One that does is slow, and gets another
// deadline, unless the deadline is for the whole case.
struct Deadlines {
    u64 start_ticks = 0;    // until the snapshot point
    u64 case_ticks = 0;     // of a case: the case deadline
    u64 describe_ticks = 0; // of the runtime's description of a crash
    u64 poll_ticks = 0;     // how often a case looks whether the run was asked to stop; 0: never
    bool whole_case = false;
};

// Whether the run was asked to stop: a case that takes long ends then.
struct StopSignal {
    bool (*asked)(void *context) = nullptr;
    void *context = nullptr;
};

template <vm::Vm Machine> class Process final {
  public:
    // The machine's memory is all zero. Afterwards RIP is the program's entry point.
    static rstate::Result<Process> load(Machine &machine, const Program &program,
                                        const Deadlines &deadlines = {});
    // Runs the target's start-up. Afterwards the machine is at the snapshot point, and the caller takes the
    // snapshot.
    rstate::Result<void> run_to_snapshot_point();
    // From there on the lengths of threads' slices are made from `seed`. Before the snapshot is taken.
    rstate::Result<void> seed_schedule(u64 seed);
    // For a machine that is attached to the snapshot taken at `point`.
    static Process attach(Machine &machine, const Program &program, const SnapshotPoint &point,
                          const Deadlines &deadlines = {});

    // The machine is at the snapshot. Afterwards the memory of the ended case stays readable until reset. The
    // outcome belongs to this object and is valid until the next case.
    rstate::Result<const vm::Outcome *> run_case(Bytes input, const vm::CaseOptions &options);
    rstate::Result<void> reset();
    // The target's own mutator, if it has one: runs from the snapshot as a case does. Writes the mutants to
    // `out` as vm/mutation.h says; returns their bytes, 0 when it made none.
    rstate::Result<u64> make_mutants(const vm::MutationRequest &request, MutableBytes out);
    vm::MutatorAbilities mutator_abilities() const {
        const u64 has = snapshot_point_.control.abilities;
        return {(has & RL_ABILITY_MUTATE) != 0, (has & RL_ABILITY_CROSS_OVER) != 0};
    }

    void set_stop_signal(const StopSignal &signal) { stop_ = signal; }

    const SnapshotPoint &snapshot_point() const { return snapshot_point_; }
    u32 counter_count() const { return snapshot_point_.counter_count(); }
    // Calls visit(number of the first counter, Bytes) for each contiguous piece, without copying.
    template <class Visit> rstate::Result<void> visit_counters(Visit &&visit);
    // Writes the comparisons of a case that ran with record_comparisons, and returns how many.
    rstate::Result<u32> read_comparisons(Span<vm::Comparison> out);
    // Of the start-up and every case of this process so far.
    Span<const vm::RefusedCall> refused_calls() const { return session_.refused_calls(); }
    // What the ended case printed; the bytes are copied into `room`.
    rstate::Result<vm::Printed> read_output(MutableBytes room) {
        return TRY(session_.read_output(snapshot_point_, room), "reading the target's output");
    }
    const vm::Statistics &statistics() const { return machine_->statistics(); }
    rstate::Result<u64> digest() {
        return TRY(machine_->digest(), "hashing the target's memory and registers");
    }

  private:
    Process(Machine &machine, const Program &program, const Deadlines &deadlines)
        : machine_(&machine), session_(Memory::of(machine), program), deadlines_(deadlines) {}

    rstate::Result<Event> run_to_event(Phase phase);
    rstate::Result<Event> run_to_end_of_case(Phase phase, u64 budget);
    void start_case(u64 length, u64 edge_budget, u64 flags);
    rstate::Result<Event> answer(const vm::Exit &exit, Phase phase);
    rstate::Result<Event> answer_cpuid(const vm::Exit &exit);
    rstate::Result<Event> skip(const vm::Exit &exit, const Event &event);
    rstate::Result<Event> answer_hypercall(const vm::Exit &exit, Phase phase);
    rstate::Result<vm::Finding> find(const Event &event);
    void describe(vm::Finding &finding);

    Machine *machine_;
    Session session_;
    u64 period() const { return deadlines_.poll_ticks != 0 ? deadlines_.poll_ticks : deadlines_.case_ticks; }

    Deadlines deadlines_;
    StopSignal stop_;
    SnapshotPoint snapshot_point_;
    vm::Outcome outcome_; // of the last case; its finding is written only by a crash
    bool at_snapshot_ = false;
};

template <vm::Vm Machine>
rstate::Result<Process<Machine>> Process<Machine>::load(Machine &machine, const Program &program,
                                                        const Deadlines &deadlines) {
    const u64 needed = program.layout().memory_needed();
    if (needed > machine.memory_size())
        return FAIL(target_too_large, "the target does not fit into its machine's memory", needed,
                    machine.memory_size());
    report_random_instructions(program);
    Process process(machine, program, deadlines);
    const GuestLayout &layout = program.layout();
    TRY(machine.set_fill(layout.heap_shadow(), layout.heap_shadow_pages, RL_SHADOW_HEAP),
        "poisoning the shadow of the heap");
    const Start start = TRY(load_program(process.session_.memory(), program), "loading the target");
    machine.registers() = start.registers;
    machine.set_system(start.system);
    return process;
}

template <vm::Vm Machine> rstate::Result<void> Process<Machine>::run_to_snapshot_point() {
    machine_->set_deadline(deadlines_.start_ticks);
    const Event event = TRY(run_to_event(Phase::starting), "running the target's start-up");
    if (event.kind != Event::Kind::snapshot_point) {
        const vm::Finding finding = TRY(find(event), "describing how the target's start-up ended");
        return session_.fail_before_snapshot_point(event, finding);
    }
    const GuestLayout &layout = session_.program().layout();
    snapshot_point_ = TRY(session_.read_snapshot_point(event.value), "reading the target's control block");
    TRY(machine_->protect_tables(layout.tables(), layout.table_pages()), "sharing the target's page tables");
    TRY(machine_->protect_tables(layout.spare_tables(), snapshot_point_.emulated.services.spare_tables),
        "sharing the page tables that split large pages");
    machine_->set_deadline(period());
    at_snapshot_ = true;
    return rstate::done();
}

template <vm::Vm Machine> rstate::Result<void> Process<Machine>::seed_schedule(u64 seed) {
    TRY(machine_->write(snapshot_point_.schedule, {reinterpret_cast<const u8 *>(&seed), sizeof(seed)}),
        "seeding the schedule of the target's threads", seed);
    return rstate::done();
}

template <vm::Vm Machine>
Process<Machine> Process<Machine>::attach(Machine &machine, const Program &program,
                                          const SnapshotPoint &point, const Deadlines &deadlines) {
    Process process(machine, program, deadlines);
    process.snapshot_point_ = point;
    process.session_.restore(point.emulated);
    process.session_.be_silent();
    machine.set_deadline(process.period());
    process.at_snapshot_ = true;
    return process;
}

template <vm::Vm Machine>
rstate::Result<const vm::Outcome *> Process<Machine>::run_case(Bytes input, const vm::CaseOptions &options) {
    CHECK(at_snapshot_, "a case starts from the snapshot");
    if (input.size() > snapshot_point_.control.input_capacity)
        return FAIL(input_too_long, "the target has no room for this input", input.size(),
                    snapshot_point_.control.input_capacity);
    at_snapshot_ = false;
    if (options.show_output) session_.show_output();
    TRY(machine_->write(snapshot_point_.input, input), "giving the target its input", input.size());
    start_case(input.size(), options.edge_budget, case_flags(options));
    auto ended = run_to_end_of_case(Phase::in_case, options.edge_budget);
    if (options.show_output) session_.end_output();
    const Event event = TRY(std::move(ended), "running the target");
    outcome_.ending = vm::Ending::done, outcome_.value = 0;
    outcome_.edges_spent =
        TRY(session_.edges_spent(snapshot_point_, options.edge_budget), "reading the edges spent");
    switch (event.kind) {
    case Event::Kind::done:
        outcome_.value = static_cast<i32>(event.value);
        break;
    case Event::Kind::stopped:
        outcome_.ending = vm::Ending::stopped;
        break;
    default:
        outcome_.finding = TRY(find(event), "describing how the case ended");
        outcome_.ending = ending_of(event, outcome_.finding);
    }
    return &outcome_;
}

template <vm::Vm Machine> void Process<Machine>::start_case(u64 length, u64 edge_budget, u64 flags) {
    vm::Registers &registers = machine_->registers();
    registers.rax = length, registers.rdx = edge_budget, registers.rcx = flags;
}

template <vm::Vm Machine>
rstate::Result<u64> Process<Machine>::make_mutants(const vm::MutationRequest &request, MutableBytes out) {
    CHECK(at_snapshot_, "a mutator starts from the snapshot");
    const MutatorInput input(request, out.size(), snapshot_point_.control.input_capacity);
    at_snapshot_ = false;
    u64 length = 0;
    for (const Bytes piece : input.pieces()) {
        TRY(machine_->write(snapshot_point_.input + length, piece), "giving the mutator its input", length);
        length += piece.size();
    }
    start_case(length, mutator_edges, case_flags({}) | RL_FLAG_MUTATE);
    const Event event =
        TRY(run_to_end_of_case(Phase::mutating, mutator_edges), "running the target's own mutator");
    if (event.kind == Event::Kind::mutated) return session_.read_mutants(event.value, out);
    if (event.kind == Event::Kind::stopped) return 0ul;
    session_.note_mutator_failure(event, TRY(find(event), "describing how the mutator ended"));
    return 0ul;
}

template <vm::Vm Machine> rstate::Result<void> Process<Machine>::reset() {
    TRY(machine_->reset(), "resetting the target's machine");
    session_.restore(snapshot_point_.emulated);
    at_snapshot_ = true;
    return rstate::done();
}

template <vm::Vm Machine>
template <class Visit>
rstate::Result<void> Process<Machine>::visit_counters(Visit &&visit) {
    const auto piece = [&](u64 offset, Bytes bytes) { visit(static_cast<u32>(offset), bytes); };
    TRY(machine_->view(snapshot_point_.counters, snapshot_point_.control.counter_count, piece),
        "reading the edge counters");
    return rstate::done();
}

template <vm::Vm Machine> rstate::Result<u32> Process<Machine>::read_comparisons(Span<vm::Comparison> out) {
    return TRY(session_.read_comparisons(snapshot_point_, out), "reading the comparisons");
}

template <vm::Vm Machine> rstate::Result<Event> Process<Machine>::run_to_event(Phase phase) {
    for (;;) {
        const vm::Exit exit = TRY(machine_->run(), "running the virtual machine");
        const Event event = TRY(answer(exit, phase), "answering the virtual machine's exit");
        if (event.kind != Event::Kind::none) return event;
    }
}

template <vm::Vm Machine>
rstate::Result<Event> Process<Machine>::run_to_end_of_case(Phase phase, u64 budget) {
    for (u64 spent = 0, idle = 0, total = 0;;) {
        auto ran = run_to_event(phase);
        if (!ran.ok() && ran.error().is(vm::out_of_memory)) {
            rstate::handled(std::move(ran)); // the outcome carries it
            return Event{.kind = Event::Kind::out_of_memory};
        }
        const Event event = TRY(std::move(ran), "running until the case ends");
        if (event.kind != Event::Kind::deadline) return event;
        if (stop_.asked != nullptr && stop_.asked(stop_.context)) return Event{.kind = Event::Kind::stopped};
        const u64 now = TRY(session_.edges_spent(snapshot_point_, budget), "reading the edges spent so far");
        total += period();
        idle = now > spent ? 0 : idle + period(); // also when the target writes to its budget
        spent = max(spent, now);
        if ((deadlines_.whole_case ? total : idle) >= deadlines_.case_ticks) return event;
        machine_->set_deadline(period());
    }
}

template <vm::Vm Machine> rstate::Result<Event> Process<Machine>::answer(const vm::Exit &exit, Phase phase) {
    vm::Registers &registers = machine_->registers();
    switch (exit.kind) {
    case vm::ExitKind::hypercall:
        if (exit.privilege == vm::Privilege::user)
            return TRY(answer_hypercall(exit, phase), "answering a hypercall", registers.rax);
        if (session_.is_unanswered_syscall(registers)) return session_.refuse_syscall(registers);
        break;
    case vm::ExitKind::cpuid:
        return TRY(answer_cpuid(exit), "answering CPUID");
    case vm::ExitKind::deadline:
        return Event{.kind = Event::Kind::deadline};
    case vm::ExitKind::exception:
    case vm::ExitKind::time_stamp:
    case vm::ExitKind::halt:
    case vm::ExitKind::msr:
    case vm::ExitKind::io:
    case vm::ExitKind::other:
        if (exit.privilege == vm::Privilege::user) {
            const Event event = session_.answer_fault(exit, registers, machine_->system());
            machine_->statistics().other_exits +=
                exit.kind == vm::ExitKind::exception && event.kind == Event::Kind::none;
            return event;
        }
        break;
    case vm::ExitKind::shutdown:
    case vm::ExitKind::beyond_memory:
        break;
    }
    return FAIL(unexpected_exit, "the virtual machine stopped as no target can make it stop", exit.what,
                exit.code, exit.address, rstate::TargetCode{registers.rip});
}

template <vm::Vm Machine>
rstate::Result<Event> Process<Machine>::answer_hypercall(const vm::Exit &exit, Phase phase) {
    Session::Changed changed = {.system = machine_->system(), .user_sets_bases = machine_->user_sets_bases()};
    const Event event =
        TRY(session_.answer_hypercall(machine_->registers(), changed, phase), "answering a hypercall");
    if (!(changed.system == machine_->system())) machine_->set_system(changed.system);
    if (changed.tables) machine_->forget_translations();
    machine_->statistics().requests += event.kind == Event::Kind::none;
    machine_->statistics().refused_calls += changed.refused_call;
    // The VMMCALL of the snapshot point is skipped before the snapshot, so that each case starts behind it.
    const bool goes_on = event.kind == Event::Kind::none || event.kind == Event::Kind::snapshot_point;
    if (!goes_on) return event;
    return TRY(skip(exit, event), "stepping over VMMCALL");
}

template <vm::Vm Machine> rstate::Result<Event> Process<Machine>::answer_cpuid(const vm::Exit &exit) {
    const Event event = TRY(skip(exit, Event{}), "stepping over CPUID");
    if (event.kind == Event::Kind::none) session_.answer_cpuid(machine_->registers());
    return event;
}

// The instruction was answered with `event`. Emulators execute encodings that a processor refuses, such as a
// CPUID with LOCK: those are findings, and whatever else the target put there must not end the machine.
template <vm::Vm Machine>
rstate::Result<Event> Process<Machine>::skip(const vm::Exit &exit, const Event &event) {
    auto skipped = machine_->skip_instruction(exit);
    if (skipped.ok()) return event;
    if (!skipped.error().is(vm::unexpected_instruction))
        return WRAP(skipped.take_error(), "stepping over an instruction", exit.code);
    rstate::handled(std::move(skipped));
    return session_.answer_impossible_instruction(machine_->registers(), machine_->system());
}

template <vm::Vm Machine> rstate::Result<vm::Finding> Process<Machine>::find(const Event &event) {
    vm::Finding finding = TRY(session_.finding_of(event, machine_->registers()), "describing what happened");
    if (event.kind == Event::Kind::fault && event.fault.has_address) describe(finding);
    return finding;
}

// Calls the target's own runtime to describe the address. The runtime may be as broken as the rest of the
// target; then the finding stays as it is.
template <vm::Vm Machine> void Process<Machine>::describe(vm::Finding &finding) {
    if (snapshot_point_.control.describe == 0) return;
    const vm::Registers before = machine_->registers();
    machine_->registers() = session_.registers_for_description(snapshot_point_, before, finding.address);
    machine_->set_deadline(deadlines_.describe_ticks);
    auto event = run_to_event(Phase::describing);
    machine_->set_deadline(period());
    machine_->registers() = before;
    if (event.ok() && event.value().kind == Event::Kind::described)
        session_.take_description(finding, event.value().value);
    else
        session_.note_no_description(finding);
    rstate::handled(std::move(event));
}

} // namespace guest
