// guest/services.h — what the target's Linux library (targets/runtime/linux/) asks of the hypervisor: rights
// of pages, the base of FS, output, and a note of system calls that have no answer.
//
// The requests come from the target, so nothing in them is trusted. ServiceState is reset with the machine.
#pragma once

#include "guest/memory.h"
#include "guest/printer.h"
#include "guest/program.h"
#include "guest/refused_calls.h"

namespace guest {

// Part of the snapshot.
struct ServiceState {
    u64 spare_tables = 0; // page tables that split large pages, of those that the layout keeps for it
};

enum class Phase : u8 { starting, in_case, mutating, describing };

class Services final {
  public:
    Services(Memory memory, const Program &program) : memory_(memory), program_(&program) {}

    const ServiceState &state() const { return state_; }
    void restore(const ServiceState &state) { state_ = state; }
    Printer &printer() { return printer_; }

    // RL_CALL_PRINT.
    void print(u64 address, u64 size);
    // RL_CALL_PROTECT: gives [address, address + size) the rights; 0 or a negative error number of Linux.
    rstate::Result<i64> protect(u64 address_and_rights, u64 size);
    // RL_CALL_REFUSED.
    void note_refused(u64 address) { refused_.note(memory_, *program_, address); }
    RefusedCalls &refused_calls() { return refused_; }
    const RefusedCalls &refused_calls() const { return refused_; }

  private:
    Memory memory_;
    const Program *program_;
    ServiceState state_;
    Printer printer_;
    RefusedCalls refused_;
};

} // namespace guest
