// kernel/campaign/debugger_hold.cpp — see debugger_hold.h.
#include "kernel/campaign/debugger_hold.h"

#include "base/log.h"
#include "cpu/ops.h"
#include "fuzz/json.h"
#include "kernel/console.h"

namespace kernel {

namespace {

struct Named {
    Text name;
    u64 vm::Registers::*value;
};
constexpr Named general[] = {
    {"rax", &vm::Registers::rax}, {"rbx", &vm::Registers::rbx}, {"rcx", &vm::Registers::rcx},
    {"rdx", &vm::Registers::rdx}, {"rsi", &vm::Registers::rsi}, {"rdi", &vm::Registers::rdi},
    {"rbp", &vm::Registers::rbp}, {"rsp", &vm::Registers::rsp}, {"r8", &vm::Registers::r8},
    {"r9", &vm::Registers::r9},   {"r10", &vm::Registers::r10}, {"r11", &vm::Registers::r11},
    {"r12", &vm::Registers::r12}, {"r13", &vm::Registers::r13}, {"r14", &vm::Registers::r14},
    {"r15", &vm::Registers::r15}, {"rip", &vm::Registers::rip}, {"rflags", &vm::Registers::rflags},
};

void write_held(const vm::Registers &registers, const vm::SystemRegisters &system, Phys nested_root) {
    fuzz::JsonLine line(record_output, "held");
    for (const Named &one : general) line.address(one.name, registers.*one.value);
    line.address("fs_base", system.fs_base).address("gs_base", system.gs_base);
    line.address("root", system.cr3.value()).address("nested_root", nested_root.value()).end();
    end_record();
}

} // namespace

void hold_for_debugger(SnapshotSession &session) {
    Machine &machine = session.machine();
    write_held(machine.registers(), machine.system(), machine.nested_table().root());
    u8 byte = 0;
    while (!read_console(byte)) {
        cpu::while_waiting();
        cpu::pause();
    }
    LOG(kernel, "going on");
}

} // namespace kernel
