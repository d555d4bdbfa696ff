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
// Most pieces of a record that one call sends without a wait. At 115,200 baud sixteen bytes leave in 1.4 ms;
// an emulator takes any number at once.
constexpr u32 portions = 32;
// Where cases are slow, the console is served at least as often, and sending may take this part of the time:
// else a long record, and `quit` behind it, would take minutes.
constexpr u64 serves_each_second = 50;
constexpr u64 part_for_sending = 8;

Text text_of(Bytes bytes) { return {reinterpret_cast<const char *>(bytes.data()), bytes.size()}; }

} // namespace

bool Reporter::any_queued() const {
    for (u32 core = 0; core < shared_.cores(); ++core)
        if (!outboxes_[core]->empty()) return true;
    return false;
}

void Reporter::serve() {
    const u64 second = first_core.args->ticks_per_second();
    const u64 elapsed = min(cpu::read_tsc() - served_at_, second); // at first, since the machine's start
    const bool slow = elapsed > second / serves_each_second;
    if (++turn_ % cases_between != 0 && !slow && !commands_.receiving()) return;
    do {
        show_progress();
        status_.update(shared_, cpu::read_tsc(), second);
        listen();
        send_some(slow ? cpu::read_tsc() + elapsed / part_for_sending : 0);
        cpu::while_waiting();
    } while (commands_.paused() && !shared_.stopping());
    served_at_ = cpu::read_tsc();
}

bool Reporter::stop_asked() {
    commands_.listen();
    if (commands_.asked_to_quit()) shared_.stop();
    return shared_.stopping();
}

// An answer has several lines, so no record may be half sent.
void Reporter::listen() {
    commands_.listen();
    if (!commands_.asked()) return;
    while (merger_.in_message()) send_piece();
    commands_.answer();
}

// `until` is a time stamp: so long it waits for the serial line. Without one it sends what the line takes
// now.
void Reporter::send_some(u64 until) {
    for (u32 i = 0; merger_.in_message() || any_queued(); ++i) {
        const bool may_wait = cpu::read_tsc() < until;
        if (i >= portions && !may_wait) return;
        const usize sent = write_record_some(text_of(merger_.next(outboxes(), 64)));
        merger_.sent(sent);
        if (!merger_.in_message()) end_record();
        if (sent == 0 && !may_wait) return;
        if (sent == 0) cpu::pause();
    }
}

// Waits for the serial line; false when nothing is queued.
bool Reporter::send_piece() {
    const Bytes next = merger_.next(outboxes(), 4096);
    if (next.empty()) return false;
    show_progress();
    write_record(text_of(next));
    merger_.sent(next.size());
    if (!merger_.in_message()) end_record();
    return true;
}

bool Reporter::drain() {
    bool any = false;
    while (send_piece()) any = true;
    return any;
}

} // namespace kernel
