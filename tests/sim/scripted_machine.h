// tests/sim/scripted_machine.h — a vm::Vm of plain memory whose exits a test writes down beforehand.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <vector>

#include "base/hash.h"
#include "vm/guest_walk.h"
#include "vm/machine.h"

namespace sim {

class ScriptedMachine {
  public:
    explicit ScriptedMachine(u64 size) : size_(size) {}

    // What happens in the next run: the step may change registers and memory, as a guest would, and says how
    // it stops.
    using Step = std::function<rstate::Result<vm::Exit>(ScriptedMachine &)>;
    ScriptedMachine &then(Step step) {
        script_.push_back(std::move(step));
        return *this;
    }
    ScriptedMachine &then(const vm::Exit &exit) {
        return then([exit](ScriptedMachine &) -> rstate::Result<vm::Exit> { return exit; });
    }
    bool played() const { return script_.empty(); }

    rstate::Result<vm::Exit> run() {
        ++statistics_.exits;
        if (script_.empty()) return FAIL(vm::bad_options, "the script is at its end");
        const Step step = std::move(script_.front());
        script_.pop_front();
        return step(*this);
    }
    rstate::Result<void> skip_instruction(const vm::Exit &exit) {
        if (!can_skip) return FAIL(vm::unexpected_instruction, "another instruction, as the test wants it");
        registers_.rip += exit.kind == vm::ExitKind::cpuid ? 2 : 3;
        return rstate::done();
    }
    vm::Registers &registers() { return registers_; }
    vm::SystemRegisters system() const { return system_; }
    void set_system(const vm::SystemRegisters &system) { system_ = system; }
    void set_deadline(u64 ticks) { deadlines.push_back(ticks); }
    bool user_sets_bases() const { return sets_bases; }
    bool sets_bases = false;
    void forget_translations() { ++forgotten; }
    u64 forgotten = 0;

    u64 memory_size() const { return size_; }
    rstate::Result<void> read(GuestPhys from, MutableBytes out) {
        return view(from, out.size(), [&](u64 offset, Bytes piece) {
            __builtin_memcpy(out.data() + offset, piece.data(), piece.size());
        });
    }
    rstate::Result<void> write(GuestPhys to, Bytes data) {
        if (++writes_ > fail_after_) return FAIL(vm::bad_options, "no frame is left, as the test wants it");
        if (!inside(to, data.size())) return FAIL(vm::outside_memory, "outside the machine's memory", to);
        for (u64 i = 0; i < data.size(); ++i) page(to + i)[(to + i).offset()] = data[i];
        return rstate::done();
    }
    rstate::Result<GuestPhys> translate(GuestVirt address) {
        return vm::walk_guest(*this, system_.cr3, address);
    }
    rstate::Result<void> read(GuestVirt from, MutableBytes out) {
        return vm::for_guest_pieces(
            *this, system_.cr3, from, out.size(),
            [&](GuestPhys at, u64 offset, u64 size) { return read(at, out.sub(offset, size)); });
    }
    rstate::Result<void> write(GuestVirt to, Bytes data) {
        return vm::for_guest_pieces(
            *this, system_.cr3, to, data.size(),
            [&](GuestPhys at, u64 offset, u64 size) { return write(at, data.sub(offset, size)); });
    }
    template <class Visit> rstate::Result<void> view(GuestPhys from, u64 length, Visit &&visit) {
        if (!inside(from, length)) return FAIL(vm::outside_memory, "outside the machine's memory", from);
        for (u64 done = 0; done < length;) {
            const u64 piece = min(page_size - (from + done).offset(), length - done);
            visit(done, Bytes(page(from + done).data() + (from + done).offset(), piece));
            done += piece;
        }
        return rstate::done();
    }
    template <class Visit> rstate::Result<void> view(GuestVirt from, u64 length, Visit &&visit) {
        return vm::for_guest_pieces(
            *this, system_.cr3, from, length, [&](GuestPhys at, u64 offset, u64 size) {
                return view(at, size, [&](u64 further, Bytes bytes) { visit(offset + further, bytes); });
            });
    }

    rstate::Result<void> set_fill(GuestPhys first, u64 pages, u8 byte) {
        fill_first = first, fill_pages = pages, fill_byte = byte;
        return rstate::done();
    }
    rstate::Result<void> protect_tables(GuestPhys first, u64 pages) {
        if (pages != 0) protected_first = first, protected_pages = pages;
        return rstate::done();
    }
    rstate::Result<void> take_snapshot(vm::Snapshot &) {
        saved_ = {pages_, registers_, system_};
        return rstate::done();
    }
    rstate::Result<void> attach(const vm::Snapshot &) { return rstate::done(); }
    rstate::Result<void> reset() {
        pages_ = saved_.pages, registers_ = saved_.registers, system_ = saved_.system;
        return rstate::done();
    }
    rstate::Result<u64> digest() {
        Xxh64 hash;
        for (const auto &[number, content] : pages_) hash.add({content.data(), content.size()});
        return hash.digest();
    }
    vm::Statistics &statistics() { return statistics_; }
    const vm::Statistics &statistics() const { return statistics_; }

    // So many writes of memory succeed from now on.
    void fail_after(u64 writes) { fail_after_ = writes_ + writes; }
    void never_fail() { fail_after_ = ~0ul; }
    u64 pages_touched() const { return pages_.size(); }

    bool can_skip = true; // whether the guest's bytes are the instruction that stopped it
    std::vector<u64> deadlines;
    GuestPhys protected_first;
    u64 protected_pages = 0;
    GuestPhys fill_first;
    u64 fill_pages = 0;
    u8 fill_byte = 0;

  private:
    using Pages = std::map<u64, std::vector<u8>>;
    bool inside(GuestPhys from, u64 length) const {
        return from.value() <= size_ && length <= size_ - from.value();
    }
    std::vector<u8> &page(GuestPhys at) {
        std::vector<u8> &content = pages_[at.frame_number()];
        const bool filled = at.frame_number() - fill_first.frame_number() < fill_pages;
        content.resize(page_size, filled ? fill_byte : u8{0});
        return content;
    }

    u64 size_;
    Pages pages_;
    std::deque<Step> script_;
    vm::Registers registers_;
    vm::SystemRegisters system_;
    vm::Statistics statistics_;
    u64 writes_ = 0, fail_after_ = ~0ul;
    struct {
        Pages pages;
        vm::Registers registers;
        vm::SystemRegisters system;
    } saved_;
};

static_assert(vm::Vm<ScriptedMachine>);

} // namespace sim
