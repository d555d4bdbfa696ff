// tests/sim/traced_machine.h — a vm::Vm that really runs guests: its virtual processor is a child process
// under ptrace.
//
// The guest's physical memory is one shared file. What the guest's own page tables map is mapped at the same
// addresses in the child, with the same rights, so a wrong table shows as on the machine. System calls are
// stopped before Linux sees them; exceptions arrive with the processor's vector, error code and address.
// VMMCALL is replaced, because a host that is itself virtual may take it for its own.
//
// What it is not: nested paging, dirty tracking, a fixed CPUID, a fill of more than 8 MiB. One snapshot for
// each machine, kept by itself.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <sys/types.h>
#include <vector>

#include "vm/machine.h"

struct user_regs_struct;

namespace sim {

class TracedMachine {
  public:
    // nullptr where ptrace is forbidden.
    static std::unique_ptr<TracedMachine> make(u64 memory_size);
    ~TracedMachine();
    TracedMachine(const TracedMachine &) = delete;

    rstate::Result<vm::Exit> run();
    rstate::Result<void> skip_instruction(const vm::Exit &exit);
    vm::Registers &registers() { return registers_; }
    vm::SystemRegisters system() const { return system_; }
    void set_system(const vm::SystemRegisters &system);
    void set_deadline(u64 ticks) { deadline_ = ticks; }

    u64 memory_size() const { return size_; }
    rstate::Result<void> read(GuestPhys from, MutableBytes out);
    rstate::Result<void> write(GuestPhys to, Bytes data);
    rstate::Result<GuestPhys> translate(GuestVirt address);
    rstate::Result<void> read(GuestVirt from, MutableBytes out);
    rstate::Result<void> write(GuestVirt to, Bytes data);
    template <class Visit> rstate::Result<void> view(GuestPhys from, u64 length, Visit &&visit) {
        for (u64 done = 0; done < length;) {
            const u64 piece = min(page_size - (from + done).offset(), length - done);
            if (!inside(from + done, piece)) return FAIL(vm::outside_memory, "outside", from);
            visit(done, Bytes(memory_ + from.value() + done, piece));
            done += piece;
        }
        return rstate::done();
    }
    template <class Visit> rstate::Result<void> view(GuestVirt from, u64 length, Visit &&visit) {
        for (u64 done = 0; done < length;) {
            const u64 piece = min(page_size - (from + done).offset(), length - done);
            const GuestPhys physical = TRY(translate(from + done), "translating");
            TRY(view(physical, piece, [&](u64 offset, Bytes bytes) { visit(done + offset, bytes); }),
                "viewing");
            done += piece;
        }
        return rstate::done();
    }

    // Fills no more than the first 8 MiB: the host would have to write every page.
    rstate::Result<void> set_fill(GuestPhys first, u64 pages, u8 byte);
    rstate::Result<void> protect_tables(GuestPhys first, u64 pages);
    rstate::Result<void> take_snapshot(vm::Snapshot &);
    rstate::Result<void> attach(const vm::Snapshot &);
    rstate::Result<void> reset();
    rstate::Result<u64> digest();
    static bool user_sets_bases() { return false; }
    void forget_translations() { stale_ = true; }
    vm::Statistics &statistics() { return statistics_; }
    const vm::Statistics &statistics() const { return statistics_; }

    // Pages of guest memory that hold something, for tests of what a case writes: number -> content.
    using Pages = std::map<u64, std::vector<u8>>;
    Pages pages() const;
    // Ranges that the guest's tables map, as the child got them.
    struct Range {
        u64 address, size, physical;
        int protection;
        bool user;
    };
    const std::vector<Range> &ranges() const { return ranges_; }

  private:
    TracedMachine() = default;
    bool start(u64 memory_size);
    bool inside(GuestPhys from, u64 length) const {
        return from.value() <= size_ && length <= size_ - from.value();
    }
    u64 call(long number, u64 a = 0, u64 b = 0, u64 c = 0, u64 d = 0, u64 e = 0, u64 f = 0);
    int wait_for_stop();
    bool wait_until(u64 ticks, int &status);
    void map_all();
    void visit_table(u64 table, u32 level, u64 address, bool user, bool write, bool execute);
    bool uniform(u64 table, u32 level, u64 &entry);
    void add_range(Range range);
    void replace_vmmcalls();
    void load(user_regs_struct &native) const;
    void store(const user_regs_struct &native);
    rstate::Result<vm::Exit> run_once(bool &goes_on);
    bool run_stub(const user_regs_struct &native, vm::Exit &exit);
    rstate::Result<vm::Exit> exception(int signal);

    pid_t child_ = 0;
    int file_ = -1;
    u8 *memory_ = nullptr;
    u64 size_ = 0, deadline_ = 0;
    vm::Registers registers_;
    vm::SystemRegisters system_;
    vm::Statistics statistics_;
    bool stale_ = true; // the child's mappings are not yet what the guest's tables say
    std::set<u64> table_pages_;
    std::map<u64, std::pair<bool, u64>> uniform_; // by table and level
    std::vector<Range> ranges_;
    std::set<u64> hypercalls_; // guest-physical places where VMMCALL stood
    struct Saved;
    std::unique_ptr<Saved> saved_;
};

} // namespace sim
