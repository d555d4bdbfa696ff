// guest/session.h — how a running target is answered: the half of Process that does not depend on the
// machine's type.
#pragma once

#include "guest/finding.h"
#include "guest/snapshot_point.h"
#include "guest/start.h"
#include "guest/syscalls.h"

namespace guest {

// Something that whoever runs the target must decide about; everything else has been answered.
struct Event {
    enum class Kind : u8 {
        none,      // answered: the target goes on
        door,      // value: address of the control block
        done,      // value: what the harness returned
        crash,     // value: address of the report
        timeout,   // the edge budget is used up
        described, // value: address of the report
        fault,     // of the processor
        exit,      // value: status
        signal,    // value: which one the target sent itself
        deadline,  // the host's time is up
    };
    Kind kind = Kind::none;
    u64 value = 0;
    Fault fault;
};

// What RAX, RDX, RCX hold behind the door is the length, the budget, and this.
u64 case_flags(const vm::CaseOptions &options);
// Says in the log where a target may run RDRAND or RDSEED, which would make its cases differ.
void report_random_instructions(const Program &program);

class Session final {
  public:
    Session(Memory memory, const Program &program)
        : memory_(memory), program_(&program), linux_(memory, program.plan()) {}

    const Memory &memory() const { return memory_; }
    const Program &program() const { return *program_; }

    rstate::Result<Door> read_door(u64 control_address);
    void restore(const Personality &personality);

    // The registers are changed as the answer requires, RIP excepted: only answer_fault and
    // answer_system_call move it.
    void answer_cpuid(vm::Registers &registers);
    Event answer_hypercall(const vm::Registers &registers, Phase phase);
    Event answer_fault(const vm::Exit &exit, vm::Registers &registers, const vm::SystemRegisters &system);
    bool is_system_call(const vm::Registers &registers) const;
    rstate::Result<Event> answer_system_call(vm::Registers &registers, vm::SystemRegisters &system,
                                             Phase phase);

    rstate::Result<u64> edges_spent(const Door &door, u64 budget) const;
    rstate::Result<u32> read_comparisons(const Door &door, Span<vm::Comparison> out) const;

    rstate::Result<vm::Finding> finding_of(const Event &event, const vm::Registers &registers) const;
    vm::Registers registers_for_description(const Door &door, const vm::Registers &now, u64 address) const;
    void take_description(vm::Finding &finding, u64 report_address) const;
    void note_no_description(vm::Finding &finding) const;
    // Always fails: why the target did not reach its door.
    rstate::Result<void> missed_door(const Event &event, const vm::Finding &finding) const;

  private:
    rl_report read_report(u64 address) const;

    Memory memory_;
    const Program *program_;
    Linux linux_;
    u64 time_stamp_ = 0;
};

} // namespace guest
