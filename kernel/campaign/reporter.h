// kernel/campaign/reporter.h — sends the workers' records to the console, a few bytes between two cases of
// core 0, so that no worker waits for the serial line.
#pragma once

#include "fuzz/outbox.h"
#include "fuzz/shared.h"
#include "kernel/campaign/commands.h"
#include "kernel/campaign/status_block.h"

namespace kernel {

class Reporter final {
  public:
    // `input_room`: for inputs that the console gives.
    Reporter(fuzz::Shared &shared, Machine &machine, MutableBytes input_room)
        : shared_(shared), pause_(shared), commands_(shared, pause_, machine, input_room) {}
    void attach(u32 core, fuzz::Outbox &outbox) { outboxes_[core] = &outbox; }

    // Core 0, between two cases: sends a few bytes and runs console commands. During a pause that a user
    // asked for it returns only after `resume`.
    void serve();
    // Core 0, in a case that takes long: whether the run is to stop. The answer to the command follows the
    // case.
    bool stop_asked();
    // The pause in which the other cores stop.
    Pause &pause() { return pause_; }
    // Sends every record that is queued now and waits for the serial line; true when there was one.
    bool drain();

  private:
    Span<fuzz::Outbox *const> outboxes() const { return {outboxes_, shared_.cores()}; }
    bool any_queued() const;
    void send_some(u64 until);
    bool send_piece();
    void listen();

    fuzz::Shared &shared_;
    fuzz::Outbox *outboxes_[max_cores] = {};
    fuzz::Merger merger_;
    Pause pause_;
    Commands commands_;
    u32 turn_ = 0;
    StatusBlock status_;
    u64 served_at_ = 0; // time stamp
};

} // namespace kernel
