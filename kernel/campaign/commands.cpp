// kernel/campaign/commands.cpp — the serial console's commands; see commands.h.
#include "kernel/campaign/commands.h"

#include "base/log.h"
#include "boot/contract/exit.h"
#include "cpu/ticks.h"
#include "cpu/trace.h"
#include "dev/reset.h"
#include "fuzz/records.h"
#include "kernel/campaign/target.h"
#include "kernel/codes.h"
#include "kernel/console.h"
#include "kernel/entry/traps.h"
#include "kernel/introspect/mapping_report.h"
#include "kernel/introspect/memory_report.h"
#include "kernel/panic/panic.h"
#include "kernel/panic/tracing.h"
#include "kernel/reboot.h"
#include "kernel/smp/core.h"

namespace kernel {

namespace {

// While an input arrives: the part of a second that one call listens at most, and the part after which the
// line counts as silent. At 115,200 baud a byte takes a 11,520th of a second.
constexpr u64 listening_part = 500, silence_part = 4000;

} // namespace

struct Commands::Word {
    Text name;
    Text help;
    rstate::Result<> (Commands::*run)();
};

const Commands::Word Commands::words[] = {
    {"help", "prints this list", &Commands::help},
    {"stats", "what all cores have done so far", &Commands::stats},
    {"cores", "what each core has done, and where its last tick interrupted it", &Commands::cores},
    {"maps", "every mapping of the kernel and of core 0's machine, with its owner", &Commands::maps},
    {"heap", "frames by owner, live heap blocks by the line that allocated them", &Commands::heap},
    {"errors", "error chains in flight on each core, and errors that were dropped unread", &Commands::errors},
    {"trace", "each core's last trace records, for `build.py trace`", &Commands::trace},
    {"pause", "stops every core after its case", &Commands::pause},
    {"resume", "ends a pause", &Commands::resume},
    {"reboot", "starts the kernel again from memory, without the firmware", &Commands::reboot},
    {"halt", "stops every core; only a reset starts the machine again", &Commands::halt},
    {"quit", "ends the run once all records are sent", &Commands::quit},
    {"input", "SIZE HASH BASE64: runs an input, for tools that share a corpus", &Commands::input},
};

// While an input arrives this waits for its next bytes: the port holds sixteen, and to fetch them between two
// cases would give some hundred bytes a second.
void Commands::listen() {
    const u64 second = first_core.args->ticks_per_second();
    const u64 until = cpu::read_tsc() + second / listening_part;
    u8 byte = 0;
    for (u64 now = cpu::read_tsc(), heard = now; !asked_ && now < until; now = cpu::read_tsc()) {
        if (read_console(byte)) {
            take(byte);
            heard = now;
        } else {
            if (!in_input_ || now > heard + second / silence_part) return;
            cpu::pause();
        }
    }
}

void Commands::take(u8 byte) {
    if (byte == '\r' || byte == '\n') {
        asked_ = length_ != 0;
    } else if (in_input_) {
        input_line_.take(byte);
    } else {
        in_input_ = byte == ' ' && Text(typed_, length_) == "input";
        if (in_input_)
            input_line_.begin();
        else if (length_ < sizeof typed_)
            typed_[length_++] = static_cast<char>(byte);
    }
}

void Commands::answer() {
    const Text typed(typed_, length_);
    asked_ = false, length_ = 0;
    auto run = &Commands::help;
    for (const Word &word : words)
        if (word.name == typed) run = word.run;
    auto answered = (this->*run)();
    if (!answered.ok()) rstate::report(answered.take_error(), "running a console command");
}

rstate::Result<> Commands::help() {
    for (const Word &word : words) {
        TextBuffer<120> line;
        line.add("help: {}", word.name);
        while (line.size() < 14) line.add(" ");
        log_line(line.add("{}", word.help).text());
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
            core.last_tick_rip - base, pause_.active() ? ", paused" : "");
    }
    return rstate::done();
}

// Calls read() while no other core changes its tables or records.
template <class Read> rstate::Result<> Commands::while_paused(Read &&read) {
    const bool was_active = pause_.active();
    const bool all_stopped = pause_.pause_all();
    if (!all_stopped)
        LOG(console, "a core does not end its case: nothing is printed, since it may change what is printed");
    auto done = all_stopped ? read() : rstate::done();
    if (!was_active) pause_.resume_all();
    return done;
}

rstate::Result<> Commands::maps() {
    return while_paused([this] { return report_mappings(machine_); });
}
rstate::Result<> Commands::heap() { return while_paused(report_memory); }

rstate::Result<> Commands::trace() {
    return while_paused([] {
        dump_traces(cpu::TraceRing::capacity);
        LOG(trace, "end");
        return rstate::done();
    });
}

rstate::Result<> Commands::errors() {
    const Output out{[](void *, Text line) { log_line(line); }, nullptr};
    LOG(errors, "{} dropped unread since the start", rstate::dropped_errors());
    for (u32 core = 0; core < shared_.cores(); ++core) {
        LOG(errors, "core {} has {} of {} frames in use", core, rstate::frames_in_use(core),
            rstate::frames_per_pool);
        rstate::print_in_flight(out, core);
    }
    return rstate::done();
}

rstate::Result<> Commands::pause() {
    paused_ = true;
    LOG(console, "{}", pause_.pause_all() ? "paused" : "paused, but a core does not end its case");
    return rstate::done();
}

rstate::Result<> Commands::resume() {
    paused_ = false;
    pause_.resume_all();
    LOG(console, "resumed");
    return rstate::done();
}

rstate::Result<> Commands::reboot() {
    LOG(console, "rebooting without the firmware");
    rstate::report(pause_.pause_all()
                       ? kernel::reboot()
                       : FAIL(no_answer,
                              "a core does not end its case within its deadline, so the kernel cannot reboot",
                              shared_.cores(), deadlines.case_ticks),
                   "starting the kernel again");
    LOG(console, "resetting the machine: the firmware starts it again");
    flush_console();
    cpu::disable_interrupts();
    dev::reset_machine();
    triple_fault();
}

rstate::Result<> Commands::halt() {
    LOG(console, "{}",
        pause_.pause_all() ? "halted: every core has stopped" : "halted, but a core does not end its case");
    end_machine(boot::exit_ok);
}

rstate::Result<> Commands::quit() {
    shared_.stop();
    return rstate::done();
}

// The sender waits for the record before it sends another input, so that none overtakes the worker.
rstate::Result<> Commands::input() {
    const fuzz::InputLineStatus status = in_input_ ? input_line_.end() : fuzz::InputLineStatus::damaged;
    in_input_ = false;
    if (status == fuzz::InputLineStatus::whole)
        shared_.given_inputs().send(input_line_.input(), input_line_.hash());
    fuzz::write_given(record_output, input_line_.hash(), status);
    end_record();
    return rstate::done();
}

} // namespace kernel
