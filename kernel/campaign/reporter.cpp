// kernel/campaign/reporter.cpp — sends the workers' records to the console; see reporter.h.
#include "kernel/campaign/reporter.h"

#include "cpu/lock.h"
#include "cpu/ops.h"
#include "kernel/console.h"
#include "kernel/panic/watchdog.h"

namespace kernel {

namespace {

// To read the port and the other cores' queues after every case would cost more than the case's own
// bookkeeping.
constexpr u32 cases_between = 16;
// Most pieces of a record that one call sends. At 115,200 baud sixteen bytes leave in 1.4 ms; an emulator
// takes any number at once.
constexpr u32 portions = 32;

Text text_of(Bytes bytes) { return {reinterpret_cast<const char *>(bytes.data()), bytes.size()}; }

} // namespace

bool Reporter::any_queued() const {
    for (u32 core = 0; core < shared_.cores(); ++core)
        if (!outboxes_[core]->empty()) return true;
    return false;
}

// The main figures of the records, once a second, for a user with a screen and no serial line.
void Reporter::update_status_line() {
    const u64 now = cpu::read_tsc(), second = max(1ul, first_core.args->tsc_hz);
    if (now - shown_at_ < second) return;
    shown_at_ = now;
    TextBuffer<79> line;
    line.add("{} cases, {} edges, {} kinds of crash, {} cores", shared_.cases(), shared_.edges(),
             shared_.crashes().count(), shared_.cores());
    show_status(line.text());
}

void Reporter::serve() {
    if (++turn_ % cases_between != 0) return;
    do {
        show_progress();
        update_status_line();
        listen();
        send_some();
        cpu::while_waiting();
    } while (commands_.paused() && !shared_.stopping());
}

bool Reporter::stop_asked() {
    commands_.listen();
    if (commands_.asked_to_quit()) shared_.stop();
    return shared_.stopping();
}

// An answer has several lines, so it waits until no record is half sent.
void Reporter::listen() {
    commands_.listen();
    if (commands_.asked() && !merger_.in_message()) commands_.answer();
}

void Reporter::send_some() {
    if (!merger_.in_message() && (commands_.asked() || !any_queued())) return;
    for (u32 i = 0; i < portions; ++i) {
        const Bytes next = merger_.next(outboxes(), 64);
        const usize sent = next.empty() ? 0 : write_record_some(text_of(next));
        merger_.sent(sent);
        if (!merger_.in_message()) {
            end_record();
            if (commands_.asked()) return;
        }
        if (sent == 0) return;
    }
}

bool Reporter::drain() {
    for (bool any = false;; any = true) {
        const Bytes next = merger_.next(outboxes(), 4096);
        if (next.empty()) return any;
        write_record(text_of(next));
        merger_.sent(next.size());
        if (!merger_.in_message()) end_record();
    }
}

} // namespace kernel
