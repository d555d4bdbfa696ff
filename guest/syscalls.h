// guest/syscalls.h — emulates the few Linux system calls (syscalls) that static C and C++ programs make while
// they start.
//
// Everything is deterministic: time is a counter, random bytes come from a fixed seed. A system call that is
// not emulated ends the run with an error that names it.
#pragma once

#include "guest/layout.h"
#include "guest/memory.h"
#include "guest/printer.h"
#include "guest/tables.h"

namespace guest {

struct Syscall {
    u64 number = 0;
    u64 arguments[6] = {};
};

// The emulated system's state: part of the snapshot.
struct SyscallState {
    u64 break_end = break_base;
    u64 next_mapping = mapping_base;
    u64 clock_ns = 0; // since start
    u64 random_draws = 0;
};

struct Answer {
    enum class Action : u8 {
        resume,      // value is returned in RAX
        set_fs_base, // to value; RAX gets 0
        exit,        // value is the status
        signal,      // the target sent itself the signal `value`, which ends a program
    };
    Action action = Action::resume;
    i64 value = 0;
};

enum class Phase : u8 { starting, in_case, describing };

class Syscalls final {
  public:
    Syscalls(Memory memory, const GuestLayout &layout) : memory_(memory), layout_(&layout) {}

    rstate::Result<Answer> answer(const Syscall &call, Phase phase);
    const SyscallState &state() const { return state_; }
    void restore(const SyscallState &state) { state_ = state; }
    Printer &printer() { return printer_; }

  private:
    struct Handler;
    static const Handler handlers[];

    rstate::Result<Answer> dispatch(const Syscall &call);
    rstate::Result<Answer> read(const Syscall &call);
    rstate::Result<Answer> write(const Syscall &call);
    rstate::Result<Answer> writev(const Syscall &call);
    rstate::Result<Answer> stat_descriptor(const Syscall &call);
    rstate::Result<Answer> stat_at(const Syscall &call);
    rstate::Result<Answer> not_a_terminal(const Syscall &call);
    rstate::Result<Answer> map(const Syscall &call);
    rstate::Result<Answer> unmap(const Syscall &call);
    rstate::Result<Answer> protect(const Syscall &call);
    rstate::Result<Answer> set_break(const Syscall &call);
    rstate::Result<Answer> architecture(const Syscall &call);
    rstate::Result<Answer> signal_action(const Syscall &call);
    rstate::Result<Answer> signal_mask(const Syscall &call);
    rstate::Result<Answer> signal_stack(const Syscall &call);
    rstate::Result<Answer> send_signal(const Syscall &call);
    rstate::Result<Answer> names(const Syscall &call);
    rstate::Result<Answer> read_link(const Syscall &call);
    rstate::Result<Answer> limit(const Syscall &call);
    rstate::Result<Answer> clock(const Syscall &call);
    rstate::Result<Answer> affinity(const Syscall &call);
    rstate::Result<Answer> futex(const Syscall &call);
    rstate::Result<Answer> random(const Syscall &call);
    rstate::Result<Answer> exit(const Syscall &call);
    rstate::Result<Answer> thread_number(const Syscall &call);
    rstate::Result<Answer> not_known(const Syscall &call);
    rstate::Result<Answer> nothing(const Syscall &call);

    // Writes `value` to the target's memory at `address`; 0, or -EFAULT when the target cannot write there.
    template <class T> rstate::Result<Answer> give(u64 address, const T &value);
    rstate::Result<Answer> give_stat(u64 descriptor, u64 address);

    Memory memory_;
    const GuestLayout *layout_;
    SyscallState state_;
    Printer printer_;
    Phase phase_ = Phase::starting;
};

const char *syscall_name(u64 number);

} // namespace guest
