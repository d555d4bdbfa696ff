// fuzz/crash_record.cpp — a crash as people and tools read it: the chain from the target's frames, then the
// JSON record.
#include "fuzz/json.h"
#include "fuzz/outbox.h"
#include "fuzz/printed.h"
#include "fuzz/records.h"

namespace fuzz {

namespace {

Text access_name(vm::Access access) {
    switch (access) {
    case vm::Access::read:
        return "read";
    case vm::Access::write:
        return "write";
    case vm::Access::execute:
        return "execute";
    case vm::Access::none:
        break;
    }
    return "";
}

using Line = TextBuffer<longest_chain_line>;

void add_place(Line &line, u64 pc, const rstate::Resolver *resolver) {
    line.add("  target {x}", pc);
    while (line.size() < 28) line.add(" ");
    if (resolver == nullptr || !resolver->resolve(resolver->context, pc, line.output())) line.add("?");
    do line.add(" ");
    while (line.size() < 54);
}

// "read of 4 bytes at 0x10000fc0, 64 bytes before the heap block 0x10001000 of 128 bytes"
void add_fault(Line &line, const vm::Finding &f) {
    line.add("{}", f.kind);
    if (f.access != vm::Access::none)
        line.add(": {} of {} bytes at {x}", access_name(f.access), f.access_size, f.address);
    if (f.region.empty()) return;
    if (f.region_size == 0) {
        line.add(", {}", f.region);
        return;
    }
    // The offset says that it is beside the block; "behind the red zone" would be another place.
    constexpr Text beside = "red zone of a ";
    const Text region = f.region.starts_with(beside) ? f.region.from(beside.size()) : f.region;
    const u64 size = f.region_size;
    if (f.offset < 0)
        line.add(", {} bytes before the {}", -f.offset, region);
    else if (static_cast<u64>(f.offset) >= size)
        line.add(", {} bytes behind the {}", static_cast<u64>(f.offset) - size, region);
    else
        line.add(", {} bytes into the {}", f.offset, region);
    line.add(" {x} of {} bytes", f.region_base, size);
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
    line.base64("output", crash.printed.last).base64("input", crash.input).end();
}

void print_crash_chain(const Output &out, const Crash &crash, const rstate::Resolver *resolver) {
    const vm::Finding &f = *crash.finding;
    Line line;
    const auto flush = [&] {
        out(line.text());
        line.clear();
    };
    line.add("error target.{} on core {}, case {}, hash {h}", f.kind, crash.core, crash.case_number, f.hash);
    flush();
    line.add("  fuzz/worker.cpp");
    while (line.size() < 28) line.add(" ");
    line.add("Worker::run_case");
    while (line.size() < 54) line.add(" ");
    line.add("running one case    case {}, input of {} bytes", crash.case_number, crash.input.size());
    flush();
    for (u32 i = f.frame_count; i-- > 1;) {
        add_place(line, f.frames[i], resolver);
        line.add("calling what is below");
        flush();
    }
    for (u32 i = 0; i < vm::max_site_frames && f.allocated[i] != 0; ++i) {
        add_place(line, f.allocated[i], resolver);
        line.add(i == 0 ? "allocated the block" : "on behalf of");
        flush();
    }
    for (u32 i = 0; i < vm::max_site_frames && f.freed[i] != 0; ++i) {
        add_place(line, f.freed[i], resolver);
        line.add(i == 0 ? "freed the block" : "on behalf of");
        flush();
    }
    const Text text = Text::from_field({reinterpret_cast<const u8 *>(f.text), sizeof f.text});
    if (!text.empty()) line.add("  said: {}", text), flush();
    if (f.uninitialised)
        line.add("  depends on uninitialised memory: another fill of fresh memory ends otherwise"), flush();
    print_last_lines(out, crash.printed);
    for (u32 i = 0; i < f.thread_count; ++i) {
        const vm::ThreadStack &thread = f.threads[i];
        for (u32 frame = min(thread.frame_count, chain_thread_frames); frame-- > 0;) {
            add_place(line, thread.frames[frame], resolver);
            line.add("thread {}{}", thread.id, frame == 0 ? " waits" : "");
            flush();
        }
    }
    add_place(line, f.frame_count == 0 ? 0 : f.frames[0], resolver);
    add_fault(line, f);
    line.end_with("   <- origin");
    flush();
}

} // namespace fuzz
