// kernel/reporter.cpp — see reporter.h.
#include "kernel/reporter.h"

#include "cpu/lock.h"
#include "kernel/console.h"
#include "kernel/watchdog.h"

namespace kernel {

namespace {

// Looking at the port and at other cores' queues in every case would cost more than a case's own bookkeeping.
constexpr u32 cases_between = 16;
// At 115,200 baud sixteen bytes leave in 1.4 ms; an emulator takes any number at once.
constexpr u32 portions = 32;

Text text_of(Bytes bytes) { return {reinterpret_cast<const char *>(bytes.data()), bytes.size()}; }

} // namespace

bool Reporter::anything() const {
    for (u32 core = 0; core < shared_.cores(); ++core)
        if (!outboxes_[core]->empty()) return true;
    return false;
}

void Reporter::serve() {
    if (++turn_ % cases_between != 0) return;
    do {
        show_progress();
        listen();
        send_some();
        cpu::while_waiting();
    } while (commands_.paused() && !shared_.stopping());
}

// An answer is several lines: it waits until no record is on the line.
void Reporter::listen() {
    commands_.listen();
    if (commands_.asked() && !merger_.in_message()) commands_.answer();
}

void Reporter::send_some() {
    if (!merger_.in_message() && (commands_.asked() || !anything())) return;
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
