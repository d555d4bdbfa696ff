// fuzz/refused_record.cpp — see refused_record.h.
#include "fuzz/refused_record.h"

#include "fuzz/json.h"

namespace fuzz {

void write_refused(const Output &out, const vm::RefusedCall &call, u32 core,
                   const rstate::Resolver *resolver) {
    TextBuffer<128> function;
    if (call.frames[0] != 0) write_function(function.output(), call.frames[0], resolver);
    JsonLine line(out, "refused");
    line.text("call", call.name).number("number", call.number).number("error", call.error);
    line.number("count", call.count).number("core", core).open("arguments", '[');
    for (const u64 argument : call.arguments) line.address("", argument);
    line.close(']').text("path", Text(call.path)).text("function", function.text());
    line.addresses("frames", {call.frames, vm::RefusedCall::max_frames}).end();
}

bool RefusedReporter::report(Span<const vm::RefusedCall> calls, Due due, ByteQueue &queue, u32 core,
                             const rstate::Resolver *resolver) {
    CHECK(calls.size() <= most_calls, "an executor tells fewer calls apart", calls.size());
    for (usize i = 0; i < calls.size(); ++i) {
        const u64 count = calls[i].count, before = reported_[i];
        if (count == before || (due == Due::doubled && count < 2 * before)) continue;
        write_refused(queue.begin(), calls[i], core, resolver);
        if (!queue.commit()) return false;
        reported_[i] = count;
    }
    return true;
}

} // namespace fuzz
