// vm/exit.h — why a guest stopped: decoded once from the processor's exit code, for the caller of Vm::run.
//
// Nested page faults inside the guest's memory and host interrupts never appear here: Vm::run resolves them.
#pragma once

#include "base/addr.h"
#include "base/types.h"
#include "vm/outcome.h"
#include "vm/registers.h"

namespace vm {

enum class ExitKind : u8 {
    hypercall,     // VMMCALL; from `supervisor` it is a system call, made by the stub
    exception,     // vector, error_code; a page fault has its address
    cpuid,         // leaf in RAX, subleaf in RCX
    time_stamp,    // RDTSC or RDTSCP; where privilege is tested first it is a #GP instead
    msr,           // RDMSR or WRMSR: index in RCX; access says which
    io,            // port, access, access_size
    halt,          // HLT
    shutdown,      // a fault while a fault was delivered: the guest's state is lost
    beyond_memory, // address is guest-physical and lies outside the machine's memory
    deadline,      // the ticks of Vm::set_deadline have passed
    other,         // any other intercepted instruction or event: `what` names it
};

struct Exit {
    ExitKind kind = ExitKind::other;
    Privilege privilege = Privilege::user; // the guest's when it stopped
    u8 vector = 0;
    Access access = Access::none; // of a page fault, an MSR, a port, memory beyond the end
    u32 error_code = 0;
    u64 address = 0; // page fault: guest virtual; beyond_memory: guest physical
    u16 port = 0;
    u8 access_size = 0;
    u64 branch_from = 0;   // of an exception: the last branch taken, where the processor records it; else 0
    const char *what = ""; // the manual's name of the event
    u64 code = 0;          // the raw exit code and information, for chains
    u64 info1 = 0, info2 = 0;
};

} // namespace vm
