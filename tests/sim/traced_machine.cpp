// tests/sim/traced_machine.cpp — see traced_machine.h.
#include "tests/sim/traced_machine.h"

#include <asm/prctl.h>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/hash.h"
#include "vm/guest_walk.h"

namespace sim {

namespace {

// A page of our own in the child, where no guest has anything: two bytes of SYSCALL, INT3, and the signal
// handler, an INT3 as well; behind it the handler's stack.
constexpr u64 own_page = 0x6000'0000'0000, handler = own_page + 16, signal_stack = own_page + page_size,
              signal_stack_size = 64_KiB;
constexpr u8 int3 = 0xcc;
constexpr u64 own_code = 0x0000'0000'00cc'050f;

constexpr u64 present = 1, writable = 2, user_bit = 4, large = 0x80, no_execute = 1ul << 63;
constexpr u64 frame_mask = 0x000f'ffff'ffff'f000;
constexpr u64 spanned(u32 level) { return page_size << (9 * (level - 1)); }

template <class T> bool peek(pid_t child, u64 address, T &out) {
    iovec here = {&out, sizeof(T)}, there = {reinterpret_cast<void *>(address), sizeof(T)};
    return process_vm_readv(child, &here, 1, &there, 1, 0) == static_cast<long>(sizeof(T));
}

} // namespace

struct TracedMachine::Saved {
    Pages pages;
    vm::Registers registers;
    vm::SystemRegisters system;
    user_fpregs_struct vectors = {};
};

std::unique_ptr<TracedMachine> TracedMachine::make(u64 memory_size) {
    std::unique_ptr<TracedMachine> machine(new TracedMachine);
    return machine->start(memory_size) ? std::move(machine) : nullptr;
}

TracedMachine::~TracedMachine() {
    if (child_ > 0) {
        kill(child_, SIGKILL);
        waitpid(child_, nullptr, 0);
    }
    if (memory_ != nullptr) munmap(memory_, size_);
    if (file_ >= 0) close(file_);
}

bool TracedMachine::start(u64 memory_size) {
    size_ = memory_size;
    file_ = memfd_create("guest", 0); // the child inherits it
    if (file_ < 0 || ftruncate(file_, static_cast<long>(size_)) != 0) return false;
    void *mapped = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, file_, 0);
    if (mapped == MAP_FAILED) return false;
    memory_ = static_cast<u8 *>(mapped);
    child_ = fork();
    if (child_ == 0) {
        personality(ADDR_NO_RANDOMIZE);
        if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0) execl("/proc/self/exe", "guest", nullptr);
        _exit(127);
    }
    int status = 0;
    if (child_ < 0 || waitpid(child_, &status, 0) != child_ || !WIFSTOPPED(status)) return false;
    ptrace(PTRACE_SETOPTIONS, child_, nullptr, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD);
    // Nothing of what was executed has run; its first instruction becomes our first system call.
    user_regs_struct native = {};
    ptrace(PTRACE_GETREGS, child_, nullptr, &native);
    ptrace(PTRACE_POKETEXT, child_, native.rip, own_code);
    native.rax = SYS_mmap, native.rdi = own_page, native.rsi = page_size + signal_stack_size, native.rdx = 7;
    native.r10 = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, native.r8 = ~0ul, native.r9 = 0,
    native.orig_rax = ~0ul;
    ptrace(PTRACE_SETREGS, child_, nullptr, &native);
    ptrace(PTRACE_CONT, child_, nullptr, nullptr);
    if (wait_for_stop() != SIGTRAP) return false;
    ptrace(PTRACE_POKETEXT, child_, own_page, own_code);
    ptrace(PTRACE_POKETEXT, child_, handler, u64{int3});
    struct {
        u64 place, flags, restorer, mask;
    } action = {handler, SA_SIGINFO | SA_ONSTACK | SA_NODEFER | 0x04000000, handler, 0};
    struct {
        u64 place, flags, size;
    } stack = {signal_stack, 0, signal_stack_size};
    const u64 scratch = own_page + 256;
    for (u64 i = 0; i < 4; ++i)
        ptrace(PTRACE_POKEDATA, child_, scratch + 8 * i, reinterpret_cast<u64 *>(&action)[i]);
    for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP})
        call(SYS_rt_sigaction, static_cast<u64>(signal), scratch, 0, 8);
    for (u64 i = 0; i < 3; ++i)
        ptrace(PTRACE_POKEDATA, child_, scratch + 8 * i, reinterpret_cast<u64 *>(&stack)[i]);
    call(SYS_sigaltstack, scratch, 0);
    call(SYS_prctl, PR_SET_TSC, PR_TSC_SIGSEGV);
    call(SYS_arch_prctl, ARCH_SET_CPUID, 0); // where the host can: else the guest sees the host's processor
    call(SYS_munmap, 0, own_page);
    call(SYS_munmap, own_page + page_size + signal_stack_size,
         0x7fff'ffff'f000 - (own_page + page_size + signal_stack_size));
    return true;
}

int TracedMachine::wait_for_stop() {
    int status = 0;
    if (waitpid(child_, &status, 0) != child_ || !WIFSTOPPED(status)) {
        child_ = 0;
        return 0;
    }
    return WSTOPSIG(status);
}

u64 TracedMachine::call(long number, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f) {
    user_regs_struct before = {}, native = {};
    ptrace(PTRACE_GETREGS, child_, nullptr, &before);
    native = before;
    native.rip = own_page, native.rax = static_cast<u64>(number), native.orig_rax = ~0ul;
    native.rdi = a, native.rsi = b, native.rdx = c, native.r10 = d, native.r8 = e, native.r9 = f;
    ptrace(PTRACE_SETREGS, child_, nullptr, &native);
    ptrace(PTRACE_CONT, child_, nullptr, nullptr);
    if (wait_for_stop() != SIGTRAP) return ~0ul;
    ptrace(PTRACE_GETREGS, child_, nullptr, &native);
    ptrace(PTRACE_SETREGS, child_, nullptr, &before);
    return native.rax;
}

void TracedMachine::set_system(const vm::SystemRegisters &system) {
    stale_ |= !(system.cr3 == system_.cr3);
    system_ = system;
}

rstate::Result<void> TracedMachine::read(GuestPhys from, MutableBytes out) {
    if (!inside(from, out.size())) return FAIL(vm::outside_memory, "outside the machine's memory", from);
    std::memcpy(out.data(), memory_ + from.value(), out.size());
    return rstate::done();
}

rstate::Result<void> TracedMachine::write(GuestPhys to, Bytes data) {
    if (!inside(to, data.size())) return FAIL(vm::outside_memory, "outside the machine's memory", to);
    for (u64 page = to.page().value(); page < to.value() + data.size(); page += page_size)
        stale_ |= table_pages_.count(page) != 0;
    std::memcpy(memory_ + to.value(), data.data(), data.size());
    return rstate::done();
}

rstate::Result<GuestPhys> TracedMachine::translate(GuestVirt address) {
    return vm::walk_guest(*this, system_.cr3, address);
}

rstate::Result<void> TracedMachine::read(GuestVirt from, MutableBytes out) {
    return vm::for_guest_pieces(
        *this, system_.cr3, from, out.size(),
        [&](GuestPhys at, u64 offset, u64 size) { return read(at, out.sub(offset, size)); });
}

rstate::Result<void> TracedMachine::write(GuestVirt to, Bytes data) {
    return vm::for_guest_pieces(*this, system_.cr3, to, data.size(), [&](GuestPhys at, u64 offset, u64 size) {
        return write(at, data.sub(offset, size));
    });
}

// Do all entries of a table lead, perhaps through more such tables, to the same page? So do those that give
// terabytes of shadow one page of zeros.
bool TracedMachine::uniform(u64 table, u32 level, u64 &entry) {
    const auto known = uniform_.find(table + level);
    if (known != uniform_.end()) {
        entry = known->second.second;
        return known->second.first;
    }
    const u64 *const entries = reinterpret_cast<const u64 *>(memory_ + table);
    bool same = (entries[0] & present) != 0 && (level == 1 || (entries[0] & large) == 0);
    for (u64 i = 1; i < 512 && same; ++i) same = entries[i] == entries[0];
    entry = entries[0];
    if (same && level > 1) same = uniform(entries[0] & frame_mask, level - 1, entry);
    uniform_[table + level] = {same, entry};
    return same;
}

void TracedMachine::add_range(Range range) {
    if (!ranges_.empty()) {
        Range &last = ranges_.back();
        const bool zeros = range.physical == ~0ul && last.physical == ~0ul;
        if (last.address + last.size == range.address && last.protection == range.protection &&
            last.user == range.user && (zeros || last.physical + last.size == range.physical)) {
            last.size += range.size;
            return;
        }
    }
    ranges_.push_back(range);
}

void TracedMachine::visit_table(u64 table, u32 level, u64 address, bool user, bool write, bool execute) {
    table_pages_.insert(table);
    const u64 *const entries = reinterpret_cast<const u64 *>(memory_ + table);
    for (u64 i = 0; i < 512; ++i) {
        const u64 entry = entries[i], at = address + i * spanned(level);
        if ((entry & present) == 0) continue;
        const bool u = user && (entry & user_bit) != 0, w = write && (entry & writable) != 0,
                   x = execute && (entry & no_execute) == 0;
        const u64 below = entry & frame_mask;
        u64 page = 0;
        if (level == 1 || (entry & large) != 0) {
            add_range({at, spanned(level), below, PROT_READ | (w ? PROT_WRITE : 0) | (x ? PROT_EXEC : 0), u});
        } else if (uniform(below, level - 1, page)) {
            add_range({at, spanned(level), ~0ul, PROT_READ, u && (page & user_bit) != 0});
        } else {
            visit_table(below, level - 1, at, u, w, x);
        }
    }
}

// The child has exactly what the tables give to ring 3.
void TracedMachine::map_all() {
    for (const Range &range : ranges_)
        if (range.user) call(SYS_munmap, range.address, range.size);
    ranges_.clear();
    table_pages_.clear();
    uniform_.clear();
    visit_table(system_.cr3.value(), 4, 0, true, true, true);
    for (const Range &range : ranges_) {
        if (!range.user) continue;
        const bool zeros = range.physical == ~0ul;
        const u64 flags = MAP_FIXED | MAP_NORESERVE | (zeros ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED);
        const u64 got = call(SYS_mmap, range.address, range.size, static_cast<u64>(range.protection), flags,
                             zeros ? ~0ul : static_cast<u64>(file_), zeros ? 0 : range.physical);
        CHECK(got == range.address, "the child has room for the guest's address space", got, range.address,
              range.size);
    }
    replace_vmmcalls();
    stale_ = false;
}

void TracedMachine::replace_vmmcalls() {
    constexpr u8 vmmcall[] = {0x0f, 0x01, 0xd9}, ud2[] = {0x0f, 0x0b, 0x90};
    for (const Range &range : ranges_) {
        if (!range.user || (range.protection & PROT_EXEC) == 0) continue;
        for (u64 at = range.physical; at + sizeof(vmmcall) <= range.physical + range.size; ++at) {
            if (std::memcmp(memory_ + at, vmmcall, sizeof(vmmcall)) != 0) continue;
            std::memcpy(memory_ + at, ud2, sizeof(ud2));
            hypercalls_.insert(at);
        }
    }
}

void TracedMachine::load(user_regs_struct &n) const {
    const vm::Registers &r = registers_;
    n.rax = r.rax, n.rbx = r.rbx, n.rcx = r.rcx, n.rdx = r.rdx, n.rsi = r.rsi, n.rdi = r.rdi, n.rbp = r.rbp;
    n.rsp = r.rsp, n.r8 = r.r8, n.r9 = r.r9, n.r10 = r.r10, n.r11 = r.r11, n.r12 = r.r12, n.r13 = r.r13;
    n.r14 = r.r14, n.r15 = r.r15, n.rip = r.rip, n.eflags = r.rflags;
    n.fs_base = system_.fs_base, n.gs_base = system_.gs_base, n.orig_rax = ~0ul;
}

void TracedMachine::store(const user_regs_struct &n) {
    vm::Registers &r = registers_;
    r.rax = n.rax, r.rbx = n.rbx, r.rcx = n.rcx, r.rdx = n.rdx, r.rsi = n.rsi, r.rdi = n.rdi, r.rbp = n.rbp;
    r.rsp = n.rsp, r.r8 = n.r8, r.r9 = n.r9, r.r10 = n.r10, r.r11 = n.r11, r.r12 = n.r12, r.r13 = n.r13;
    r.r14 = n.r14, r.r15 = n.r15, r.rip = n.rip, r.rflags = n.eflags;
    system_.fs_base = n.fs_base, system_.gs_base = n.gs_base;
}

// False when so many ticks of 100 ms pass first.
bool TracedMachine::wait_until(u64 ticks, int &status) {
    using clock = std::chrono::steady_clock;
    const auto end = clock::now() + std::chrono::milliseconds(100 * ticks);
    for (;;) {
        const pid_t got = waitpid(child_, &status, ticks == 0 ? 0 : WNOHANG);
        if (got != 0) return true;
        if (clock::now() > end) return false;
    }
}

rstate::Result<vm::Exit> TracedMachine::run() {
    for (;;) {
        bool goes_on = false;
        const vm::Exit exit = TRY(run_once(goes_on), "running the child");
        if (!goes_on) return exit;
    }
}

rstate::Result<vm::Exit> TracedMachine::run_once(bool &goes_on) {
    CHECK(registers_.privilege == vm::Privilege::user, "nothing but the stub runs in supervisor mode");
    if (stale_) map_all();
    user_regs_struct native = {};
    ptrace(PTRACE_GETREGS, child_, nullptr, &native);
    load(native);
    ptrace(PTRACE_SETREGS, child_, nullptr, &native);
    ptrace(PTRACE_SYSEMU, child_, nullptr, nullptr);
    ++statistics_.exits;
    int status = 0;
    if (!wait_until(deadline_, status)) {
        kill(child_, SIGSTOP);
        waitpid(child_, &status, 0);
        ptrace(PTRACE_GETREGS, child_, nullptr, &native);
        store(native);
        vm::Exit exit;
        exit.kind = vm::ExitKind::deadline;
        return exit;
    }
    if (!WIFSTOPPED(status)) return FAIL(vm::bad_options, "the child that plays the guest is gone", status);
    ptrace(PTRACE_GETREGS, child_, nullptr, &native);
    const int signal = WSTOPSIG(status);
    if (signal == (SIGTRAP | 0x80)) {
        vm::Exit exit;
        goes_on = run_stub(native, exit);
        return exit;
    }
    store(native);
    return exception(signal);
}

// As the processor does: SYSCALL leaves RIP and RFLAGS in RCX and R11 and goes to the stub. The stub stores
// RCX and enters the target's library (guest/linux_library.cpp), or makes a hypercall.
bool TracedMachine::run_stub(const user_regs_struct &native, vm::Exit &exit) {
    store(native);
    registers_.rax = native.orig_rax;
    registers_.rcx = native.rip;
    registers_.r11 = native.eflags;
    u8 code[18] = {};
    constexpr u8 sysret[] = {0x48, 0x0f, 0x07};
    CHECK(read(GuestVirt(system_.system_call_target), code).ok(), "the stub is mapped");
    if (std::memcmp(code + 15, sysret, sizeof(sysret)) == 0) {
        u32 slot = 0, entry = 0;
        std::memcpy(&slot, code + 4, sizeof(slot));
        std::memcpy(&entry, code + 11, sizeof(entry));
        CHECK(write(GuestVirt(slot), Bytes(reinterpret_cast<const u8 *>(&registers_.rcx), 8)).ok(),
              "the library's slot is mapped");
        registers_.rcx = registers_.rip = entry;
        return true;
    }
    registers_.rip = system_.system_call_target;
    registers_.privilege = vm::Privilege::supervisor;
    exit.kind = vm::ExitKind::hypercall;
    exit.privilege = vm::Privilege::supervisor;
    return false;
}

// The signal's handler has the processor's own account of the exception in its frame.
rstate::Result<vm::Exit> TracedMachine::exception(int signal) {
    ptrace(PTRACE_CONT, child_, nullptr, signal);
    if (wait_for_stop() != SIGTRAP)
        return FAIL(vm::bad_options, "the child's signal handler did not run", signal);
    user_regs_struct in_handler = {};
    ptrace(PTRACE_GETREGS, child_, nullptr, &in_handler);
    if (in_handler.rip != handler + 1) return FAIL(vm::bad_options, "the child is elsewhere", in_handler.rip);
    ucontext_t context = {};
    CHECK(peek(child_, in_handler.rdx + offsetof(ucontext_t, uc_mcontext), context.uc_mcontext),
          "the signal's frame is readable");
    const auto *const frame = context.uc_mcontext.gregs;
    vm::Exit exit;
    exit.kind = vm::ExitKind::exception;
    exit.vector = static_cast<u8>(frame[REG_TRAPNO]);
    exit.error_code = static_cast<u32>(frame[REG_ERR]);
    exit.what = "exception";
    if (exit.vector == 3) --registers_.rip; // a hypervisor stops at INT3, not behind it
    if (exit.vector == 14) {
        exit.address = static_cast<u64>(frame[REG_CR2]);
        exit.access = (exit.error_code & 16) != 0  ? vm::Access::execute
                      : (exit.error_code & 2) != 0 ? vm::Access::write
                                                   : vm::Access::read;
        return exit;
    }
    auto place = translate(GuestVirt(registers_.rip));
    const u64 physical = place.ok() ? place.value().value() : 0;
    rstate::handled(std::move(place));
    if (hypercalls_.count(physical) != 0) exit.kind = vm::ExitKind::hypercall;
    constexpr u8 cpuid[] = {0x0f, 0xa2};
    if (physical != 0 && std::memcmp(memory_ + physical, cpuid, 2) == 0) exit.kind = vm::ExitKind::cpuid;
    return exit;
}

rstate::Result<void> TracedMachine::skip_instruction(const vm::Exit &exit) {
    registers_.rip += exit.kind == vm::ExitKind::cpuid ? 2 : 3;
    return rstate::done();
}

rstate::Result<void> TracedMachine::set_fill(GuestPhys first, u64 pages, u8 byte) {
    std::memset(memory_ + first.value(), byte, min(pages * page_size, 8_MiB));
    return rstate::done();
}

rstate::Result<void> TracedMachine::protect_tables(GuestPhys, u64) { return rstate::done(); }

TracedMachine::Pages TracedMachine::pages() const {
    Pages found;
    for (long at = 0; (at = lseek(file_, at, SEEK_DATA)) >= 0;) {
        const long end = lseek(file_, at, SEEK_HOLE);
        for (; at < end; at += static_cast<long>(page_size))
            found[static_cast<u64>(at) / page_size].assign(memory_ + at, memory_ + at + page_size);
    }
    return found;
}

rstate::Result<void> TracedMachine::take_snapshot(vm::Snapshot &) {
    saved_ = std::make_unique<Saved>();
    saved_->pages = pages();
    saved_->registers = registers_;
    saved_->system = system_;
    ptrace(PTRACE_GETFPREGS, child_, nullptr, &saved_->vectors);
    return rstate::done();
}

rstate::Result<void> TracedMachine::attach(const vm::Snapshot &) {
    return FAIL(vm::snapshot_state, "a traced machine cannot take over another one's snapshot");
}

rstate::Result<void> TracedMachine::reset() {
    static constexpr u8 no_page[page_size] = {};
    if (saved_ == nullptr) return FAIL(vm::snapshot_state, "there is no snapshot yet");
    for (long at = 0; (at = lseek(file_, at, SEEK_DATA)) >= 0;) {
        const long end = lseek(file_, at, SEEK_HOLE);
        for (; at < end; at += static_cast<long>(page_size)) {
            const auto saved = saved_->pages.find(static_cast<u64>(at) / page_size);
            const u8 *const was = saved == saved_->pages.end() ? no_page : saved->second.data();
            if (table_pages_.count(static_cast<u64>(at)) != 0 &&
                std::memcmp(memory_ + at, was, page_size) != 0)
                stale_ = true;
            if (saved == saved_->pages.end())
                fallocate(file_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, page_size);
            else if (std::memcmp(memory_ + at, saved->second.data(), page_size) != 0)
                std::memcpy(memory_ + at, saved->second.data(), page_size);
        }
    }
    registers_ = saved_->registers;
    system_ = saved_->system;
    ptrace(PTRACE_SETFPREGS, child_, nullptr, &saved_->vectors);
    ++statistics_.resets;
    return rstate::done();
}

rstate::Result<u64> TracedMachine::digest() {
    Xxh64 hash;
    const std::vector<u8> zeros(page_size);
    for (const auto &[number, content] : pages()) {
        if (content == zeros) continue;
        hash.add_u64(number);
        hash.add({content.data(), content.size()});
    }
    hash.add({reinterpret_cast<const u8 *>(&registers_), offsetof(vm::Registers, privilege)});
    hash.add({reinterpret_cast<const u8 *>(&system_), sizeof(system_)});
    return hash.digest();
}

static_assert(vm::Vm<TracedMachine>);

} // namespace sim
