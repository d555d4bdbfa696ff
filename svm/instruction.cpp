// svm/instruction.cpp — prefixes, then one known opcode: each instruction's page in APM vol 3.
//
// Only for processors without NRIPS, which includes QEMU's TCG. A general decoder is not needed: the exit
// code names the instruction, and each has one or two encodings.
#include "svm/instruction.h"

#include "svm/exit_codes.h"
#include "vm/codes.h"
#include "vm/prefixes.h"

namespace svm {

namespace {

// `exit` is the code of the intercept that the opcode causes.
struct Opcode {
    ExitCode exit;
    u8 length;
    u8 bytes[3];
};

// The instructions behind which a guest may continue. Every other intercept ends the case. RDMSR and WRMSR
// share an exit code, so either opcode is right for it.
constexpr Opcode opcodes[] = {
    {ExitCode::cpuid, 2, {0x0F, 0xA2}},
    {ExitCode::hlt, 1, {0xF4}},
    {ExitCode::msr, 2, {0x0F, 0x32}},
    {ExitCode::msr, 2, {0x0F, 0x30}},
    {ExitCode::vmmcall, 3, {0x0F, 0x01, 0xD9}},
    {ExitCode::rdtsc, 2, {0x0F, 0x31}},
    {ExitCode::rdpmc, 2, {0x0F, 0x33}},
    {ExitCode::rdtscp, 3, {0x0F, 0x01, 0xF9}},
    {ExitCode::xsetbv, 3, {0x0F, 0x01, 0xD1}},
    {ExitCode::wbinvd, 2, {0x0F, 0x09}},
    {ExitCode::invd, 2, {0x0F, 0x08}},
    {ExitCode::pause, 1, {0x90}},
    {ExitCode::icebp, 1, {0xF1}},
};

bool starts_with(Bytes bytes, usize at, const Opcode &opcode) {
    if (!bytes.holds(at, opcode.length)) return false;
    for (u32 i = 0; i < opcode.length; ++i)
        if (bytes[at + i] != opcode.bytes[i]) return false;
    return true;
}

} // namespace

// None of these instructions may be locked: with LOCK a processor raises #UD. Emulators run some of them all
// the same, and the caller then makes of the error what the processor would have done.
rstate::Result<u32> instruction_length(u64 exit_code, Bytes bytes) {
    bytes = bytes.first(min<usize>(bytes.size(), vm::max_instruction_bytes));
    const vm::Prefixes prefixes = vm::read_prefixes(bytes);
    for (const Opcode &opcode : opcodes)
        if (!prefixes.lock && static_cast<u64>(opcode.exit) == exit_code &&
            starts_with(bytes, prefixes.count, opcode))
            return u32{prefixes.count} + opcode.length;
    // The bytes go into the error, so that a report shows what stands there.
    u64 seen = 0;
    for (usize i = 0; i < min<usize>(bytes.size(), 8); ++i) seen |= static_cast<u64>(bytes[i]) << (8 * i);
    return FAIL(vm::unexpected_instruction,
                "the bytes at the guest's RIP are not the instruction that stopped it", exit_code, seen,
                bytes.size());
}

} // namespace svm
