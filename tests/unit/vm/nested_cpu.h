// tests/unit/vm/nested_cpu.h — how a processor uses nested tables: it walks them, sets accessed and dirty
// bits, and keeps translations until it is told to flush, so that a missing flush makes a test fail.
#pragma once

#include <cstring>
#include <map>
#include <optional>

#include "mm/formats.h"
#include "tests/sim/memory.h"
#include "vm/outcome.h"

namespace sim {

class NestedCpu {
  public:
    explicit NestedCpu(SimMemory &memory) : memory_(memory) {}

    void flush() { tlb_.clear(), ++flushes_; }
    u64 flushes() const { return flushes_; }

    // The frame behind a guest page for this access, or nothing: a nested page fault. `reason` is then
    // EXITINFO1.
    std::optional<Phys> translate(Phys root, GuestPhys address, vm::Access access, u64 *reason = nullptr) {
        const bool write = access == vm::Access::write;
        const u64 page = address.page().value();
        if (const auto hit = tlb_.find(page); hit != tlb_.end()) {
            const mm::Entry kept = hit->second;
            if (!write || (kept.writable() && kept.dirty())) return kept.frame() + address.offset();
        }
        tlb_.erase(page);
        const bool fetch = access == vm::Access::execute;
        const u64 code = 4 | (write ? 2 : 0) | (fetch ? 16 : 0) | 1ul << 32;
        u64 *path[4];
        Phys table = root;
        for (u32 level = 4; level-- > 0;) {
            path[level] = entry_at(table, address.value() >> (12 + 9 * level) & 511);
            const mm::Entry entry{*path[level]};
            const bool denied = !mm::Entry::User::test(entry.raw) || (write && !entry.writable());
            if (!entry.present() || denied) {
                if (reason != nullptr) *reason = code | (entry.present() ? 1 : 0);
                return std::nullopt;
            }
            table = entry.frame();
        }
        for (u64 *entry : path) *entry |= mm::Entry::Accessed::mask;
        if (write) *path[0] |= mm::Entry::Dirty::mask;
        tlb_[page] = mm::Entry{*path[0]};
        return table + address.offset();
    }

    u8 *byte(Phys at) { return memory_.peek(at.page()) + at.offset(); }

  private:
    u64 *entry_at(Phys table, u64 index) { return reinterpret_cast<u64 *>(memory_.peek(table)) + index; }

    SimMemory &memory_;
    std::map<u64, mm::Entry> tlb_;
    u64 flushes_ = 0;
};

} // namespace sim
