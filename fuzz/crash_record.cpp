// fuzz/crash_record.cpp — a crash as tools read it: its JSON record, behind the chain for people
// (crash_chain.cpp).
#include "fuzz/json.h"
#include "fuzz/outbox.h"
#include "fuzz/records.h"

namespace fuzz {

namespace {

void write_recursion(JsonLine &line, const vm::Finding &f) {
    if (f.frames_cut) line.truth("frames_cut", true);
    if (f.recursion_count == 0) return;
    line.open("recursion", '[');
    for (const vm::Recursion &one : Span<const vm::Recursion>(f.recursions, f.recursion_count))
        line.open("", '{')
            .number("first", one.first)
            .number("length", one.length)
            .number("repeats", one.repeats)
            .close('}');
    line.close(']');
}

} // namespace

Text ending_name(vm::Ending ending) {
    switch (ending) {
    case vm::Ending::done:
        return "ok";
    case vm::Ending::crash:
        return "crash";
    case vm::Ending::timeout:
        return "timeout";
    case vm::Ending::out_of_memory:
        return "out_of_memory";
    case vm::Ending::stopped:
        break;
    }
    return "stopped";
}

void write_function(const Output &out, u64 pc, const rstate::Resolver *resolver) {
    TextBuffer<longest_chain_line> name;
    if (resolver != nullptr && resolver->resolve(resolver->context, pc, name.output())) {
        const Text text = name.text(); // a name may hold a '+' of its own
        usize end = text.size();
        while (end != 0 && text[end - 1] != '+') --end;
        out(text.sub(0, end == 0 ? text.size() : end - 1));
    } else {
        print(out, "{x}", pc);
    }
}

void write_crash(const Output &out, const Crash &crash, const rstate::Resolver *resolver) {
    struct Lines {
        const Output &out;
        static void add(void *self, Text text) {
            const Output &to = static_cast<Lines *>(self)->out;
            to(text);
            to("\n");
        }
    } lines{out};
    print_crash_chain({&Lines::add, &lines}, crash, resolver);

    const vm::Finding &f = *crash.finding;
    TextBuffer<longest_chain_line> function;
    if (f.frame_count != 0) write_function(function.output(), f.frames[0], resolver);
    JsonLine line(out, ending_name(crash.ending));
    line.hash("hash", f.hash).text("kind", f.kind).number("case", crash.case_number);
    line.number("core", crash.core).number("size", crash.input.size());
    line.text("function", function.text()).addresses("frames", {f.frames, f.frame_count});
    line.address("address", f.address)
        .text("access", access_name(f.access))
        .number("access_size", f.access_size);
    line.text("region", f.region).address("region_base", f.region_base).number("region_size", f.region_size);
    line.signed_number("offset", f.offset).addresses("alloc", f.allocated).addresses("free", f.freed);
    line.text("text", Text::from_field({reinterpret_cast<const u8 *>(f.text), sizeof f.text}));
    write_recursion(line, f);
    if (f.thread_count != 0) {
        line.open("threads", '[');
        for (const vm::ThreadStack &thread : Span<const vm::ThreadStack>(f.threads, f.thread_count))
            line.open("", '{')
                .number("id", thread.id)
                .addresses("frames", {thread.frames, thread.frame_count})
                .close('}');
        line.close(']');
    }
    line.truth("uninitialised", f.uninitialised)
        .number("edges", crash.edges)
        .number("printed", crash.printed.total);
    line.base64("output", crash.printed.last).base64("input", crash.input);
    if (crash.original.size() > crash.input.size()) line.base64("original", crash.original);
    line.end();
}

} // namespace fuzz
