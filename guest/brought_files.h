// guest/brought_files.h — the files that a target brings into its file system, as the host has packed them.
//
// The records (rl_brought_file, targets/runtime/abi.h) are written into the target's memory as they are; the
// target's library makes files of them before the target's first system call.
#pragma once

#include "base/span.h"
#include "rstate/result.h"

namespace guest {

class BroughtFiles final {
  public:
    // Half of the target's file system: the other half is for what it writes.
    static constexpr u64 most_bytes = 128ul << 20;

    BroughtFiles() = default;
    // Checks that the records lie one behind the other, without the record that ends their list. They outlive
    // the result.
    static rstate::Result<BroughtFiles> parse(Bytes records);

    Bytes records() const { return records_; }
    u32 count() const { return count_; }

  private:
    BroughtFiles(Bytes records, u32 count) : records_(records), count_(count) {}

    Bytes records_;
    u32 count_ = 0;
};

} // namespace guest
