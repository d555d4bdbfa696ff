// tests/kernel/faults/bugs_guests.cpp — injected bugs: wrong VMCBs, and accesses beyond a guest's memory.
#include "kernel/campaign/target.h"
#include "tests/kernel/faults/inject.h"
#include "tests/kernel/faults/vmcb_fault_injector.h"
#include "tests/kernel/tiny_guest.h"
#include "vm/codes.h"

namespace kernel {

namespace {

constexpr u8 vmmcall[] = {0x0F, 0x01, 0xD9};

rstate::Result<> refused_vmrun(const TestContext &) {
    auto core = TRY(start_svm(), "switching SVM on");
    TinyGuest guest = TRY(TinyGuest::make(*core, vmmcall), "making a guest");
    svm::VmcbFaultInjector(guest.machine()).refused_by_the_processor();
    TRY(guest.machine().run(), "running a guest whose VMCB is broken");
    return rstate::done();
}

// An emulator reads the whole VMCB at each entry, so only the VMCB audit finds this.
rstate::Result<> changed_behind_clean_bits(const TestContext &) {
    auto core = TRY(start_svm(), "switching SVM on");
    TinyGuest guest = TRY(TinyGuest::make(*core, vmmcall), "making a guest");
    TRY(guest.machine().run(), "running a guest");
    svm::VmcbFaultInjector(guest.machine()).changed_behind_clean_bits();
    TRY(guest.machine().run(), "running a guest with a wrong clean bit");
    return rstate::done();
}

// The guest's own page table maps one page behind the end of its memory; RDI holds the page's address.
rstate::Result<> reach_beyond(Bytes program) {
    constexpr u64 page = 0x100000, lowest_table = 0x4000, user_page = 0x67;
    const u64 entry = TinyGuest::memory_bytes | user_page;
    auto core = TRY(start_svm(), "switching SVM on");
    TinyGuest guest = TRY(TinyGuest::make(*core, program), "making a guest");
    TRY(guest.machine().write(GuestPhys(lowest_table + 8 * (page / page_size)),
                              {reinterpret_cast<const u8 *>(&entry), sizeof entry}),
        "mapping a page beyond the guest's memory");
    guest.machine().registers().rdi = page;
    const vm::Exit exit = TRY(guest.machine().run(), "running the guest");
    if (exit.kind != vm::ExitKind::beyond_memory) return rstate::done();
    return FAIL(vm::outside_memory, "the guest reached beyond its memory", GuestPhys(exit.address),
                TinyGuest::memory_bytes, exit.what);
}
rstate::Result<> guest_reads_beyond(const TestContext &) {
    constexpr u8 read[] = {0x8A, 0x07, 0x0F, 0x01, 0xD9}; // mov al, [rdi]; vmmcall
    return reach_beyond(read);
}
rstate::Result<> guest_writes_beyond(const TestContext &) {
    constexpr u8 write[] = {0x88, 0x07, 0x0F, 0x01, 0xD9}; // mov [rdi], al; vmmcall
    return reach_beyond(write);
}
rstate::Result<> guest_runs_beyond(const TestContext &) {
    constexpr u8 jump[] = {0xFF, 0xE7}; // jmp rdi
    return reach_beyond(jump);
}
rstate::Result<> host_reads_beyond(const TestContext &) {
    auto core = TRY(start_svm(), "switching SVM on");
    TinyGuest guest = TRY(TinyGuest::make(*core, vmmcall), "making a guest");
    u8 bytes[16];
    return guest.machine().read(GuestPhys(TinyGuest::memory_bytes - 8), MutableBytes(bytes, sizeof bytes));
}

constexpr Test bugs[] = {
    {"vmrun", refused_vmrun},
    {"changed-behind-clean-bits", changed_behind_clean_bits},
    {"guest-reads-beyond-memory", guest_reads_beyond},
    {"guest-writes-beyond-memory", guest_writes_beyond},
    {"guest-runs-beyond-memory", guest_runs_beyond},
    {"host-reads-beyond-guest", host_reads_beyond},
};

} // namespace

constinit const BugList guest_bugs = bugs;

} // namespace kernel
