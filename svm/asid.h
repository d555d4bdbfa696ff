// svm/asid.h — chooses the ASID (address space identifier) of each machine on a core.
//
// APM vol 2 §15.16 "TLB Control": translations are tagged with the ASID, so with one ASID for each machine
// switching between machines needs no flush. With nested paging an ASID stands for a guest-physical address
// space, and covers all address spaces inside the guest (§15.25.1 "Traditional Paging versus Nested Paging").
//
// An ASID means nothing on another core: each core has its own TLB, its own allocator, and machines do not
// move. A freed ASID is given out again without a flush here. That is safe, because a new machine's first
// entry always flushes (TlbFlushTracker starts with a requested flush).
#pragma once

#include "rstate/result.h"
#include "svm/codes.h"

namespace svm {

struct Asid {
    u32 number = 0; // 0 is the host's; VMRUN refuses it for a guest
};

// Owned by its core; no lock. QEMU accepts any number, so the limit of CPUID Fn8000_000A EBX is kept here.
class AsidAllocator final {
  public:
    // `count` as CPUID returns it: the ASIDs are 0 to count - 1. One word of bits is enough: a core runs one
    // or two machines.
    explicit AsidAllocator(u32 count) : count_(min(count, 64u)) {}

    rstate::Result<Asid> allocate() {
        for (u32 number = 1; number < count_; ++number) {
            if ((used_ & 1ul << number) != 0) continue;
            used_ |= 1ul << number;
            return Asid{number};
        }
        return FAIL(out_of_asids, "every ASID of this core is in use", count_);
    }
    void free(Asid asid) {
        CHECK(asid.number != 0 && asid.number < count_ && (used_ & 1ul << asid.number) != 0,
              "an ASID is freed once, after it was allocated", asid.number);
        used_ &= ~(1ul << asid.number);
    }
    u32 in_use() const { return static_cast<u32>(__builtin_popcountl(used_)); }

  private:
    u32 count_;
    u64 used_ = 0;
};

} // namespace svm
