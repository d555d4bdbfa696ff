// svm/asid.h — address space identifiers of one core: each machine has its own, so that switching between
// machines needs no flush. APM vol 2 §15.16 "TLB Control".
#pragma once

#include "rstate/result.h"
#include "svm/codes.h"

namespace svm {

struct Asid {
    u32 number = 0; // 0 is the host's
};

// Owned by its core; no lock. QEMU takes any number without complaint, so the limit is kept here.
class AsidAllocator final {
  public:
    // `count` as CPUID gives it: the identifiers are 0 to count - 1. More than 64 machines on a core have no
    // use.
    explicit AsidAllocator(u32 count) : count_(min(count, 64u)) {}

    rstate::Result<Asid> allocate() {
        for (u32 number = 1; number < count_; ++number) {
            if ((used_ & 1ul << number) != 0) continue;
            used_ |= 1ul << number;
            return Asid{number};
        }
        return FAIL(out_of_asids, "every address space identifier of this core is in use", count_);
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
