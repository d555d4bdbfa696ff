// rstate/print.cpp — an error chain as text: one line a frame, in columns, the origin last and marked.
//
//   error svm.vmrun_refused on core 1, case 41237
//     fuzz/worker.cpp:88    Worker::run_case    running one case            case 41237
//     svm/vcpu.cpp:97       Vcpu::decode_exit   VMRUN refused the VMCB      exitcode 0xffffffffffffffff   <-
//     origin
#include "rstate/error.h"

namespace rstate {

namespace {

using Line = TextBuffer<400>;

void pad_to(Line &line, usize column) {
    line.add("  ");
    while (line.size() < column && !line.cut()) line.add(" ");
}

void add_value(Line &line, u64 word, ValueKind kind, const Resolver *resolver) {
    constexpr u64 longest_decimal = 10'000'000; // larger numbers are more likely addresses or bit sets
    switch (kind) {
    case ValueKind::text:
        line.add("{}", Text(reinterpret_cast<const char *>(word)));
        return;
    case ValueKind::address:
        line.add("{x}", word);
        return;
    case ValueKind::number:
        if (word < longest_decimal)
            line.add("{}", word);
        else
            line.add("{x}", word);
        return;
    case ValueKind::target_code:
        line.add("{x} ", word);
        if (resolver == nullptr || !resolver->resolve(resolver->context, word, line.output())) line.add("?");
        return;
    }
}

void print_frame(const Output &out, const Frame &frame, const Resolver *resolver, Text indent) {
    Line line;
    line.add("{}", indent);
    line.add("  {}:{}", frame.site->file, frame.site->line);
    pad_to(line, 28);
    line.add("{}", frame.site->function);
    pad_to(line, 54);
    line.add("{}", frame.site->text);
    const char *name = frame.site->first_name();
    for (u32 i = 0; i < frame.site->value_count; ++i) {
        if (i == 0)
            pad_to(line, 100);
        else
            line.add(", ");
        line.add("{}", name);
        name += __builtin_strlen(name) + 1;
        add_value(line, frame.words[i], frame.site->kind(i), resolver);
    }
    out(line.end_with(frame.inner == nullptr ? "   <- origin" : "").text());
}

void print_chain(const Output &out, const Frame *first, const Resolver *resolver, Text indent) {
    Line line;
    for (const Frame *frame = first; frame != nullptr; frame = frame->inner) {
        if (frame->lost != 0) {
            line.clear();
            out(line.add("{}  ({} frames are missing here: the pool was empty)", indent, frame->lost).text());
        }
        print_frame(out, *frame, resolver, indent);
    }
}

} // namespace

void print_error(const Output &out, const Error &error, Text about, const Resolver *resolver) {
    Line line;
    line.add("error {} on core {}", error.code().name, error.core());
    if (!about.empty()) line.add(", {}", about);
    out(line.text());
    if (error.frame() == nullptr) return out("  (no frame was free: only the code is known)");
    print_frames(out, *error.frame(), resolver);
}

void print_frames(const Output &out, const Frame &outermost, const Resolver *resolver) {
    print_chain(out, &outermost, resolver, "");
    for (const Frame *later = outermost.after; later != nullptr; later = later->after) {
        const Frame *origin = later;
        while (origin->inner != nullptr) origin = origin->inner;
        Line line;
        out(line.add("  and after it {} on core {}", origin->code->name, origin->core).text());
        print_chain(out, later, resolver, "  ");
    }
}

} // namespace rstate
