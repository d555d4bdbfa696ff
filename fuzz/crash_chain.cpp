// fuzz/crash_chain.cpp — a crash as people read it, in the form of a sanitizer's report: what happened, then
// the target's stacks, each innermost first. Last comes what Raclette itself was doing, outermost first.
#include "fuzz/outbox.h"
#include "fuzz/printed.h"
#include "fuzz/records.h"

namespace fuzz {

namespace {

using Line = TextBuffer<longest_chain_line>;

// "a 480-byte ", "an 8-byte "
void add_size(Line &line, u64 size) {
    u64 leading = size;
    while (leading >= 1000) leading /= 1000;
    const bool eleven = leading == 11 || leading == 18;
    while (leading >= 10) leading /= 10;
    line.add(eleven || leading == 8 ? "an {}-byte " : "a {}-byte ", size);
}

// "64 bytes before a 128-byte heap block at 0x10001000": an offset is the distance to the block's nearest
// end.
void add_region(Line &line, const vm::Finding &f) {
    // The offset says that it is beside the block.
    constexpr Text beside = "red zone of a ";
    const Text region = f.region.starts_with(beside) ? f.region.from(beside.size()) : f.region;
    const u64 size = f.region_size;
    if (f.offset < 0)
        line.add(", {} bytes before ", -f.offset);
    else if (static_cast<u64>(f.offset) >= size)
        line.add(", {} bytes after ", static_cast<u64>(f.offset) - size);
    else
        line.add(", {} bytes inside ", f.offset);
    add_size(line, size);
    line.add("{} at {x}", region, f.region_base);
}

class ChainPrinter final {
  public:
    ChainPrinter(const Output &out, const rstate::Resolver *resolver) : out_(out), resolver_(resolver) {}

    void head(const Crash &crash) {
        const vm::Finding &f = *crash.finding;
        line_.add("error target.{} on core {}, case {}, hash {h}", f.kind, crash.core, crash.case_number,
                  f.hash);
        flush();
    }
    void fault(const vm::Finding &f) {
        if (f.access == vm::Access::none && f.region.empty()) return;
        line_.add("  {}{}", access_name(f.access), f.access == vm::Access::none ? "" : " ");
        if (f.access_size != 0) line_.add("of {} bytes ", f.access_size);
        line_.add("at {x}", f.address);
        if (f.region_size != 0)
            add_region(line_, f);
        else if (!f.region.empty())
            line_.add(", {}", f.region);
        flush();
    }
    void stack(const vm::Finding &f) {
        for (u32 i = 0; i < f.frame_count; ++i) {
            frame(i, f.frames[i]);
            for (u32 r = 0; r < f.recursion_count; ++r) recursion(f.recursions[r], i);
        }
        if (!f.frames_cut) return;
        line_.add("    ... and further frames");
        flush();
    }
    void site(Text title, Span<const u64> frames) {
        if (frames[0] == 0) return;
        line_.add("  {}:", title);
        flush();
        for (u32 i = 0; i < frames.size() && frames[i] != 0; ++i) frame(i, frames[i]);
    }
    void remarks(const vm::Finding &f) {
        const Text text = Text::from_field({reinterpret_cast<const u8 *>(f.text), sizeof f.text});
        if (!text.empty()) line_.add("  said: {}", text), flush();
        if (f.uninitialised)
            line_.add("  depends on uninitialised memory: another fill of fresh memory ends otherwise"),
                flush();
    }
    void thread(const vm::ThreadStack &thread) {
        line_.add("  thread {} waits at:", thread.id);
        flush();
        for (u32 i = 0; i < min(thread.frame_count, chain_thread_frames); ++i) frame(i, thread.frames[i]);
    }
    void ours(const Crash &crash) {
        line_.add("  Raclette's own operations, outermost first:");
        flush();
        line_.add("  fuzz/worker.cpp");
        while (line_.size() < 28) line_.add(" ");
        line_.add("Worker::run_case");
        while (line_.size() < 54) line_.add(" ");
        line_.add("running one case    case {}, input of {} bytes", crash.case_number, crash.input.size());
        line_.end_with("   <- origin");
        flush();
    }

  private:
    void flush() {
        out_(line_.text());
        line_.clear();
    }
    void frame(u32 number, u64 pc) {
        line_.add("    #{} {x}", number, pc);
        TextBuffer<longest_chain_line> name;
        if (resolver_ != nullptr && resolver_->resolve(resolver_->context, pc, name.output()))
            line_.add(" in {}", name.text());
        flush();
    }
    void recursion(const vm::Recursion &one, u32 last) {
        if (one.first + one.length != last + 1) return;
        line_.add("    ... #{}", one.first);
        if (one.length != 1) line_.add(" to #{}", last);
        line_.add(" again, {} times", one.repeats);
        flush();
    }

    const Output &out_;
    const rstate::Resolver *resolver_;
    Line line_;
};

} // namespace

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

void print_crash_chain(const Output &out, const Crash &crash, const rstate::Resolver *resolver) {
    const vm::Finding &f = *crash.finding;
    ChainPrinter printer(out, resolver);
    printer.head(crash);
    printer.fault(f);
    printer.remarks(f);
    printer.stack(f);
    printer.site("allocated by", f.allocated);
    printer.site("freed by", f.freed);
    for (const vm::ThreadStack &thread : Span<const vm::ThreadStack>(f.threads, f.thread_count))
        printer.thread(thread);
    print_last_lines(out, crash.printed);
    printer.ours(crash);
}

LastCrash::Lines short_chain(const Crash &crash, const rstate::Resolver *resolver) {
    struct Taker {
        LastCrash::Lines lines;
        u32 count = 0, all = 0;
        static void take(void *self, Text text) {
            Taker &taker = *static_cast<Taker *>(self);
            const bool is_frame = text.starts_with("    #0 "), is_head = taker.all++ < 2;
            if (taker.count == LastCrash::count || (!is_head && (!is_frame || taker.count != 2))) return;
            __builtin_memcpy(taker.lines.text[taker.count++], text.data(),
                             min(text.size(), usize{LastCrash::longest_line}));
        }
    } taker;
    print_crash_chain({&Taker::take, &taker}, crash, resolver);
    return taker.lines;
}

} // namespace fuzz
