// kernel/campaign/commands.cpp — see commands.h.
#include "kernel/campaign/commands.h"

#include "base/log.h"
#include "boot/contract/exit.h"
#include "cpu/ticks.h"
#include "cpu/trace.h"
#include "dev/reset.h"
#include "kernel/codes.h"
#include "kernel/console.h"
#include "kernel/entry/traps.h"
#include "kernel/introspect/memory_report.h"
#include "kernel/panic/panic.h"
#include "kernel/panic/tracing.h"
#include "kernel/reboot.h"
#include "kernel/smp/core.h"

namespace kernel {

struct Commands::Word {
    Text name;
    Text says;
    rstate::Result<> (Commands::*run)();
};

const Commands::Word Commands::words[] = {
    {"help", "these lines", &Commands::help},
    {"stats", "what all cores have done so far", &Commands::stats},
    {"cores", "what each core has done, and where its last tick found it", &Commands::cores},
    {"maps", "every mapping of the kernel and of core 0's machine, with its owner", &Commands::maps},
    {"heap", "frames by owner, live memory by the place that made it", &Commands::heap},
    {"errors", "chains in flight on each core, and errors that nobody looked at", &Commands::errors},
    {"trace", "what each core did lately, for `build.py trace`", &Commands::trace},
    {"pause", "every core rests after its case", &Commands::pause},
    {"resume", "they go on", &Commands::resume},
    {"reboot", "starts the kernel again from memory, without the firmware", &Commands::reboot},
    {"halt", "stops every core for good", &Commands::halt},
    {"quit", "ends the run, when all records are out", &Commands::quit},
};

void Commands::listen() {
    u8 byte = 0;
    while (!asked_ && read_console(byte)) take(byte);
}

void Commands::take(u8 byte) {
    if (byte == '\r' || byte == '\n') {
        asked_ = length_ != 0;
    } else {
        if (length_ < sizeof typed_) typed_[length_++] = static_cast<char>(byte);
    }
}

void Commands::answer() {
    const Text typed(typed_, length_);
    asked_ = false, length_ = 0;
    auto run = &Commands::help;
    for (const Word &word : words)
        if (word.name == typed) run = word.run;
    auto answered = (this->*run)();
    if (!answered.ok()) rstate::report(answered.take_error(), "answering what was typed");
}

rstate::Result<> Commands::help() {
    for (const Word &word : words) {
        TextBuffer<120> line;
        line.add("help: {}", word.name);
        while (line.size() < 14) line.add(" ");
        log_line(line.add("{}", word.says).text());
    }
    return rstate::done();
}

rstate::Result<> Commands::stats() {
    u64 timeouts = 0, exits = 0, dirty = 0, corpus = 0;
    for (u32 core = 0; core < shared_.cores(); ++core) {
        const fuzz::CoreCounts &counts = shared_.counts(core);
        timeouts += counts.timeouts.load(), exits += counts.exits.load();
        dirty += counts.dirty_pages.load(), corpus = max(corpus, counts.corpus.load());
    }
    LOG(stats, "{} cases, {} kinds of crash, {} timeouts, {} edges, corpus {}", shared_.cases(),
        shared_.crashes().count(), timeouts, shared_.edges(), corpus);
    LOG(stats, "{} exits, {} dirty pages, {} frames free, heap {} bytes", exits, dirty,
        world->frames.free_frames(), world->heap.live_bytes());
    return rstate::done();
}

rstate::Result<> Commands::cores() {
    const u64 base = first_core.args->kernel_base;
    for (u32 number = 0; number < shared_.cores(); ++number) {
        const Core &core = *core_table[number];
        const fuzz::CoreCounts &counts = shared_.counts(number);
        LOG(cores, "core {}: APIC id {}, {} cases, corpus {}, {} ticks, the last one at kernel+{x}{}", number,
            core.apic_id, counts.cases.load(), counts.corpus.load(), cpu::ticks_of(core.number),
            core.last_tick_rip - base, orders_.resting() ? ", resting" : "");
    }
    return rstate::done();
}

// Tables and records of the other cores stand still while this looks at them.
template <class Look> rstate::Result<> Commands::at_rest(Look &&look) {
    const bool were_resting = orders_.resting();
    const bool all = orders_.rest();
    if (!all)
        LOG(console, "a core does not end its case: nothing is shown while it may change what is shown");
    auto looked = all ? look() : rstate::done();
    if (!were_resting) orders_.go_on();
    return looked;
}

rstate::Result<> Commands::maps() {
    return at_rest([this] { return list_mappings(machine_); });
}
rstate::Result<> Commands::heap() { return at_rest(list_memory); }

rstate::Result<> Commands::trace() {
    return at_rest([] {
        dump_traces(cpu::TraceRing::capacity);
        LOG(trace, "end");
        return rstate::done();
    });
}

rstate::Result<> Commands::errors() {
    const Output out{[](void *, Text line) { log_line(line); }, nullptr};
    LOG(errors, "{} dropped unseen since the start", rstate::dropped_errors());
    for (u32 core = 0; core < shared_.cores(); ++core) {
        LOG(errors, "core {} has {} of {} frames in use", core, rstate::frames_in_use(core),
            rstate::frames_per_pool);
        rstate::print_in_flight(out, core);
    }
    return rstate::done();
}

rstate::Result<> Commands::pause() {
    paused_ = true;
    LOG(console, "{}", orders_.rest() ? "paused" : "paused, but a core does not end its case");
    return rstate::done();
}

rstate::Result<> Commands::resume() {
    paused_ = false;
    orders_.go_on();
    LOG(console, "resumed");
    return rstate::done();
}

rstate::Result<> Commands::reboot() {
    LOG(console, "rebooting without the firmware");
    rstate::report(orders_.rest() ? kernel::reboot() : FAIL(no_answer, "a core does not end its case"),
                   "starting the kernel again");
    LOG(console, "resetting the machine: the firmware starts it again");
    flush_console();
    cpu::disable_interrupts();
    dev::reset_machine();
    triple_fault();
}

rstate::Result<> Commands::halt() {
    LOG(console, "{}",
        orders_.rest() ? "halted: every core has stopped" : "halted, but a core does not end its case");
    end_machine(boot::exit_ok);
}

rstate::Result<> Commands::quit() {
    shared_.stop();
    return rstate::done();
}

} // namespace kernel
