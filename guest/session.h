// guest/session.h — answers what a running target asks for: hypercalls, CPUID, RDTSC. This is
// the half of Process that does not depend on the machine's type.
#pragma once

#include "guest/finding.h"
#include "guest/services.h"
#include "guest/snapshot_point.h"
#include "guest/start.h"

namespace guest {

// An event that ends a run of the target; the session has handled every other exit.
struct Event {
    enum class Kind : u8 {
        none,           // handled: the target continues
        snapshot_point, // value: address of the control block
        done,           // value: what the harness returned
        crash,          // value: address of the report
        timeout,        // the edge budget is used up; value: the place behind the last edge
        described,      // value: address of the report
        fault,          // a processor exception
        exit,           // value: status
        signal,         // value: the signal that the target sent to itself
        deadlock,       // every thread waits; value: address of the rl_deadlock
        mutated,        // value: address of the mutants
        deadline,       // the deadline has passed
        out_of_memory,  // it has written more pages than its machine may have
        stopped,        // the run was asked to stop
    };
    Kind kind = Kind::none;
    u64 value = 0;
    Fault fault;
};

// How an event that found something ends its case.
vm::Ending ending_of(const Event &event, const vm::Finding &finding);

// A case starts with the input's length in RAX, the edge budget in RDX, and these flags in RCX.
u64 case_flags(const vm::CaseOptions &options);
// Logs where the target may run RDRAND or RDSEED: with them a case does not repeat.
void report_random_instructions(const Program &program);

class Session final {
  public:
    Session(Memory memory, const Program &program)
        : memory_(memory), program_(&program), services_(memory, program) {}

    const Memory &memory() const { return memory_; }
    const Program &program() const { return *program_; }

    rstate::Result<SnapshotPoint> read_snapshot_point(u64 control_address);
    void restore(const EmulatedState &emulated);
    // What every machine of a target would say is said by the one that took the snapshot.
    void be_silent() { services_.refused_calls().be_silent(); }

    // From now on everything that the target prints is logged; the end of a case ends a line.
    void show_output() { services_.printer().show_all(); }
    void end_output() { services_.printer().end_line(); }

    // These change the registers as the answer requires. Only answer_fault changes RIP.
    void answer_cpuid(vm::Registers &registers);
    // What the caller must tell the machine besides.
    struct Changed {
        vm::SystemRegisters system;
        bool user_sets_bases = false; // what the machine can; not changed
        bool tables = false;
        bool refused_call = false;
    };
    rstate::Result<Event> answer_hypercall(vm::Registers &registers, Changed &changed, Phase phase);
    // For an exit whose instruction the processor must not have executed: the #UD that it should have raised.
    Event answer_impossible_instruction(vm::Registers &registers, const vm::SystemRegisters &system);
    Event answer_fault(const vm::Exit &exit, vm::Registers &registers, const vm::SystemRegisters &system);
    // A system call of a target without the library that answers them.
    bool is_unanswered_syscall(const vm::Registers &registers) const;
    Event refuse_syscall(vm::Registers &registers) const;

    // Copies the mutants that the target made; returns their bytes, 0 when what it says is impossible.
    u64 read_mutants(u64 address, MutableBytes out) const;
    // Logs how the target's own mutator ended instead of making mutants.
    void note_mutator_failure(const Event &event, const vm::Finding &finding);

    rstate::Result<u64> edges_spent(const SnapshotPoint &point, u64 budget) const;
    rstate::Result<u32> read_comparisons(const SnapshotPoint &point, Span<vm::Comparison> out) const;

    Span<const vm::RefusedCall> refused_calls() const { return services_.refused_calls().list(); }
    // The bytes in `room` stay valid when the target goes on. What does not fit into it is left out.
    rstate::Result<vm::Printed> read_output(const SnapshotPoint &point, MutableBytes room) const;

    rstate::Result<vm::Finding> finding_of(const Event &event, const vm::Registers &registers) const;
    vm::Registers registers_for_description(const SnapshotPoint &point, const vm::Registers &now,
                                            u64 address) const;
    void take_description(vm::Finding &finding, u64 report_address) const;
    void note_no_description(vm::Finding &finding) const;
    // Always fails, with the reason why the target did not reach its snapshot point.
    rstate::Result<void> fail_before_snapshot_point(const Event &event, const vm::Finding &finding) const;

  private:
    rstate::Result<Event> answer_request(vm::Registers &registers, Changed &changed);
    bool is_failed_copy(const vm::Exit &exit, vm::Registers &registers) const;
    rl_report read_report(u64 address) const;

    Memory memory_;
    const Program *program_;
    Services services_;
    u64 time_stamp_ = 0;
    u32 mutator_failures_ = 0; // not reset
};

} // namespace guest
