// fuzz/refused_record.h — the records of system calls that nothing answers, and when each is due.
#pragma once

#include "fuzz/outbox.h"
#include "fuzz/records.h"

namespace fuzz {

void write_refused(const Output &out, const vm::RefusedCall &call, u32 core,
                   const rstate::Resolver *resolver);

// Reports each call when it is new, then each time its count has doubled, and in the end exactly: a target
// that makes one in every case does not fill the line.
class RefusedReporter final {
  public:
    enum class Due : u8 { doubled, all };

    // Queues the records that are due; false when one of them had no room.
    bool report(Span<const vm::RefusedCall> calls, Due due, ByteQueue &queue, u32 core,
                const rstate::Resolver *resolver);

  private:
    static constexpr u32 most_calls = 64; // more than any executor tells apart
    Array<u64, most_calls> reported_ = {};
};

} // namespace fuzz
