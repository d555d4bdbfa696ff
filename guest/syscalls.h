// guest/syscalls.h — the few system calls that static C and C++ programs make while they start, answered as
// Linux would.
//
// Everything is deterministic: time is a counter, random bytes come from a fixed seed. A call that has no
// answer here ends the run with an error that names it, rather than with a guess.
#pragma once

#include "guest/layout.h"
#include "guest/memory.h"
#include "guest/printer.h"
#include "guest/tables.h"

namespace guest {

struct SystemCall {
    u64 number = 0;
    u64 arguments[6] = {};
};

// What the system remembers of the target: part of the snapshot.
struct LinuxState {
    u64 break_end = break_base;
    u64 next_mapping = mapping_base;
    u64 clock_ns = 0; // since start
    u64 random_draws = 0;
};

struct Answer {
    enum class Action : u8 {
        resume,      // value goes back in RAX
        set_fs_base, // to value; RAX gets 0
        exit,        // value is the status
        signal,      // the target sent itself signal `value`, of those that end a program
    };
    Action action = Action::resume;
    i64 value = 0;
};

enum class Phase : u8 { starting, in_case, describing };

class Linux final {
  public:
    Linux(Memory memory, const Plan &plan) : memory_(memory), plan_(&plan) {}

    rstate::Result<Answer> answer(const SystemCall &call, Phase phase);
    const LinuxState &state() const { return state_; }
    void restore(const LinuxState &state) { state_ = state; }
    Printer &printer() { return printer_; }

  private:
    struct Handler;
    static const Handler handlers[];

    rstate::Result<Answer> dispatch(const SystemCall &call);
    rstate::Result<Answer> read(const SystemCall &call);
    rstate::Result<Answer> write(const SystemCall &call);
    rstate::Result<Answer> writev(const SystemCall &call);
    rstate::Result<Answer> stat_descriptor(const SystemCall &call);
    rstate::Result<Answer> stat_at(const SystemCall &call);
    rstate::Result<Answer> not_a_terminal(const SystemCall &call);
    rstate::Result<Answer> map(const SystemCall &call);
    rstate::Result<Answer> unmap(const SystemCall &call);
    rstate::Result<Answer> protect(const SystemCall &call);
    rstate::Result<Answer> set_break(const SystemCall &call);
    rstate::Result<Answer> architecture(const SystemCall &call);
    rstate::Result<Answer> signal_action(const SystemCall &call);
    rstate::Result<Answer> signal_mask(const SystemCall &call);
    rstate::Result<Answer> signal_stack(const SystemCall &call);
    rstate::Result<Answer> send_signal(const SystemCall &call);
    rstate::Result<Answer> names(const SystemCall &call);
    rstate::Result<Answer> read_link(const SystemCall &call);
    rstate::Result<Answer> limit(const SystemCall &call);
    rstate::Result<Answer> clock(const SystemCall &call);
    rstate::Result<Answer> affinity(const SystemCall &call);
    rstate::Result<Answer> futex(const SystemCall &call);
    rstate::Result<Answer> random(const SystemCall &call);
    rstate::Result<Answer> exit(const SystemCall &call);
    rstate::Result<Answer> thread_number(const SystemCall &call);
    rstate::Result<Answer> not_known(const SystemCall &call);
    rstate::Result<Answer> nothing(const SystemCall &call);

    // Gives the target `value` at `address`; 0, or -EFAULT when it may not be written.
    template <class T> rstate::Result<Answer> give(u64 address, const T &value);
    rstate::Result<Answer> give_stat(u64 descriptor, u64 address);

    Memory memory_;
    const Plan *plan_;
    LinuxState state_;
    Printer printer_;
    Phase phase_ = Phase::starting;
};

const char *system_call_name(u64 number);

} // namespace guest
