// tests/kernel/unit/hostile_test.cpp — a target that executes whatever it likes: each instruction ends its
// case at most, with the right finding, and the next case is as if it had not been.
#include "base/random.h"
#include "kernel/campaign/snapshot_session.h"
#include "kernel/entry/apic.h"
#include "tests/kernel/unit/test.h"

namespace kernel {

namespace {

// mov eax, RL_HYPERCALL | RL_CALL_DONE; xor edi, edi; vmmcall
constexpr u8 done[] = {0xB8, RL_CALL_DONE, 0, 0x4C, 0x52, 0x31, 0xFF, 0x0F, 0x01, 0xD9};
constexpr u64 most_code = 32;

struct Code {
    u8 bytes[most_code];
    u8 size;
};
template <class... Byte> constexpr Code code(Byte... bytes) {
    return {{static_cast<u8>(bytes)...}, sizeof...(bytes)};
}

// Runs `bytes`, then a hypercall that ends the case, where the harness would begin.
rstate::Result<const vm::Outcome *> run_code(SnapshotSession &session, Bytes bytes) {
    Machine &machine = session.machine();
    TRY(session.process().reset(), "resetting, since when its deadline counts");
    const GuestVirt rip(machine.registers().rip);
    TRY(machine.write(rip, bytes), "writing the case's code", rip);
    TRY(machine.write(rip + bytes.size(), done), "writing the end of its code", rip);
    return TRY(session.process().run_case({}, {.edge_budget = 1000}), "running a case");
}

rstate::Result<> check_digest(SnapshotSession &session) {
    const u64 digest = TRY(session.process().digest(), "computing the digest");
    EXPECT(digest == session.target().snapshot().digest());
    return rstate::done();
}

constexpr Code operator+(const Code &first, const Code &second) {
    Code both = first;
    for (u8 i = 0; i < second.size; ++i) both.bytes[both.size++] = second.bytes[i];
    return both;
}

struct Hostile {
    Code code;
    const char *kind; // of the finding; nullptr: the case goes on
};

// mov eax, RL_HYPERCALL | RL_CALL_PRINT; xor edi, edi; behind it a VMMCALL returns
constexpr Code print = code(0xB8, RL_CALL_PRINT, 0, 0x4C, 0x52, 0x31, 0xFF);
constexpr Code ten_prefixes = code(0x66, 0x2E, 0x3E, 0x26, 0x36, 0x66, 0x2E, 0x3E, 0x26, 0x36);

constexpr Hostile hostile[] = {
    // CPUID, VMMCALL and the time stamp behind prefixes, also those that count for nothing where they stand
    {code(0x0F, 0xA2), nullptr},
    {code(0x48, 0x66, 0x0F, 0xA2), nullptr},
    {code(0x48, 0x48, 0x0F, 0xA2), nullptr},
    {code(0x48, 0x64, 0x67, 0x4F, 0x0F, 0xA2), nullptr},
    {ten_prefixes + code(0x48, 0x66, 0x48, 0x0F, 0xA2), nullptr},
    {print + code(0x0F, 0x01, 0xD9), nullptr},
    {print + code(0x48, 0x66, 0x0F, 0x01, 0xD9), nullptr},
    {print + ten_prefixes + code(0x48, 0x48, 0x0F, 0x01, 0xD9), nullptr},
    {code(0x0F, 0x31), nullptr},
    {code(0x48, 0x66, 0x0F, 0x31), nullptr},
    {code(0x48, 0x3E, 0x41, 0x0F, 0x01, 0xF9), nullptr},
    // the same with LOCK, with a sixteenth byte, and with the opcode behind VEX
    {code(0xF0, 0x0F, 0xA2), "illegal-instruction"},
    {code(0x48, 0xF0, 0x48, 0x0F, 0xA2), "illegal-instruction"},
    {print + code(0xF0, 0x0F, 0x01, 0xD9), "illegal-instruction"},
    {code(0xF0, 0x0F, 0x31), "illegal-instruction"},
    {code(0xF0, 0x0F, 0x01, 0xF9), "illegal-instruction"},
    {ten_prefixes + code(0x66, 0x66, 0x66, 0x66, 0x0F, 0xA2), "other-exception"},
    {ten_prefixes + code(0x66, 0x66, 0x66, 0x66, 0x0F, 0x31), "other-exception"},
    {code(0xC5, 0xF8, 0xA2, 0xC0), "illegal-instruction"},
    {code(0xC5, 0xF8, 0x31, 0xC0), "illegal-instruction"},
    // push 0x310f; jmp rsp: the bytes of RDTSC in memory that must not be executed
    {code(0x68, 0x0F, 0x31, 0x00, 0x00, 0xFF, 0xE4), "wild-access"},
    // breakpoints, and interrupts by software
    {code(0xCC), "breakpoint"},
    {code(0x48, 0x66, 0xCC), "breakpoint"},
    {code(0xF0, 0xCC), "illegal-instruction"},
    {code(0xCD, 0x80), "other-exception"},
    {code(0x66, 0xCD, 0x03), "other-exception"},
    // pushfq; or dword [rsp], TF; popfq; nop: a single step
    {code(0x9C, 0x81, 0x0C, 0x24, 0x00, 0x01, 0x00, 0x00, 0x9D, 0x90), "other-exception"},
    // what needs a privilege
    {code(0xF4), "abort"},
    {code(0x48, 0x66, 0xF4), "abort"},
    {code(0xFA), "other-exception"},
    {code(0x48, 0x66, 0x0F, 0x32), "other-exception"},
    {code(0x66, 0x0F, 0x30), "other-exception"},
    {code(0xEC), "other-exception"},
    {code(0x66, 0xF3, 0x6D), "other-exception"},
    {code(0x0F, 0x20, 0xC0), "other-exception"},
    {code(0x0F, 0x22, 0xD8), "other-exception"},
    {code(0x0F, 0x09), "other-exception"},
    {code(0xF3, 0x0F, 0x09), "other-exception"},
    {code(0x48, 0x66, 0x0F, 0x33), "other-exception"},
    {code(0xCF), "other-exception"},
    // a null selector and a wrong one: mov eax, number; mov ds, ax
    {code(0xB8, 0x00, 0x00, 0x00, 0x00, 0x8E, 0xD8), nullptr},
    {code(0xB8, 0x34, 0x12, 0x00, 0x00, 0x8E, 0xD8), "other-exception"},
    // the compilers' traps
    {code(0x0F, 0x0B), "illegal-instruction"},
    {code(0x67, 0x0F, 0xB9, 0x40, 0x16), "undefined-behaviour"},
    {code(0x48, 0x66, 0x67, 0x0F, 0xB9, 0x40, 0x16), "undefined-behaviour"},
    // a stack pointer that is not canonical: ror rsp, 8; push rax
    {code(0x48, 0xC1, 0xCC, 0x08, 0x50), "wild-access"},
};

rstate::Result<> a_hostile_instruction_ends_its_case_at_most(const TestContext &context) {
    start_ticks(10, context.args.ticks_per_second());
    SnapshotSession session;
    TRY(session.start(context.bundle), "preparing the target");
    for (u32 i = 0; i < sizeof(hostile) / sizeof(hostile[0]); ++i) {
        const Hostile &one = hostile[i];
        for (u32 round = 0; round < 2; ++round) {
            const vm::Outcome *outcome =
                TRY(run_code(session, {one.code.bytes, one.code.size}), "running hostile code", i);
            const char *const kind = outcome->ending == vm::Ending::crash  ? outcome->finding.kind.data()
                                     : outcome->ending == vm::Ending::done ? "done"
                                                                           : "timeout";
            EXPECT(Text(kind) == Text(one.kind != nullptr ? one.kind : "done"), i, kind, one.code.bytes[0],
                   one.code.bytes[1]);
        }
    }
    stop_ticks();
    TRY(session.process().reset(), "resetting");
    return check_digest(session);
}
RL_VM_TEST(a_hostile_instruction_ends_its_case_at_most);

// mov eax, 0x12345000; wrfsbase rax; wrgsbase rax; then a hypercall that changes the VMCB, so that it is
// checked again: RL_CALL_SET_FS of 0. A processor without the instructions refuses them; one with them
// refuses a base that is not canonical (ror rax, 8), but not every emulator does.
rstate::Result<> bases_that_the_target_sets_are_reset(const TestContext &context) {
    constexpr Code number = code(0xB8, 0x01, 0x50, 0x34, 0x12), not_canonical = code(0x48, 0xC1, 0xC8, 0x08);
    constexpr Code set = code(0xF3, 0x48, 0x0F, 0xAE, 0xD0, 0xF3, 0x48, 0x0F, 0xAE, 0xD8);
    constexpr Code ask = code(0xB8, RL_CALL_SET_FS, 0, 0x4C, 0x52, 0x31, 0xFF, 0x0F, 0x01, 0xD9);
    constexpr Code cases[] = {number + set, number + not_canonical + set + ask};
    start_ticks(10, context.args.ticks_per_second());
    SnapshotSession session;
    TRY(session.start(context.bundle), "preparing the target");
    const bool allowed = session.machine().user_sets_bases();
    for (u32 i = 0; i < 2; ++i) {
        const vm::Outcome *outcome =
            TRY(run_code(session, {cases[i].bytes, cases[i].size}), "setting the bases", i);
        if (i == 0) EXPECT(outcome->ending == (allowed ? vm::Ending::done : vm::Ending::crash), allowed);
        if (i == 0) EXPECT(session.machine().system().gs_base == (allowed ? 0x1234'5001u : 0u), allowed);
        TRY(session.process().reset(), "resetting");
        TRY(check_digest(session), "checking what is left of the bases", i);
    }
    stop_ticks();
    return rstate::done();
}
RL_VM_TEST(bases_that_the_target_sets_are_reset);

// Opcodes of both maps behind prefixes, then random bytes: whatever they do, it is no error of ours.
rstate::Result<> no_instruction_ends_the_machine(const TestContext &context) {
    constexpr Code prefixes[] = {code(),           code(0x48),       code(0x66), code(0xF2),      code(0xF3),
                                 code(0x48, 0x66), code(0x48, 0x48), code(0xF0), code(0x65, 0x67)};
    constexpr u32 opcodes = 0x200; // from 0x100 on: behind 0F
    start_ticks(10, context.args.ticks_per_second());
    SnapshotSession session;
    TRY(session.start(context.bundle), "preparing the target");
    Random random(1);
    for (u32 i = 0; i < opcodes; ++i) {
        const Code &prefix = prefixes[random.below(sizeof(prefixes) / sizeof(prefixes[0]))];
        u8 bytes[most_code];
        u32 size = 0;
        for (; size < prefix.size; ++size) bytes[size] = prefix.bytes[size];
        if (i >= opcodes / 2) bytes[size++] = 0x0F;
        bytes[size++] = static_cast<u8>(i);
        while (size < 15) bytes[size++] = static_cast<u8>(random.next());
        TRY(run_code(session, {bytes, size}), "running random code", i);
    }
    stop_ticks();
    TRY(session.process().reset(), "resetting");
    return check_digest(session);
}
RL_VM_TEST(no_instruction_ends_the_machine);

} // namespace

} // namespace kernel
