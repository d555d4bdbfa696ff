// kernel/campaign/reporter.h — brings the workers' records to the console, a little between two cases, so
// that no worker waits.
#pragma once

#include "fuzz/outbox.h"
#include "fuzz/shared.h"
#include "kernel/campaign/commands.h"

namespace kernel {

class Reporter final {
  public:
    Reporter(fuzz::Shared &shared, Machine &machine)
        : shared_(shared), orders_(shared), commands_(shared, orders_, machine) {}
    void attach(u32 core, fuzz::Outbox &outbox) { outboxes_[core] = &outbox; }

    // Between two cases of core 0: a few bytes out, and what somebody typed; returns when nobody wants a
    // pause.
    void serve();
    // What the other cores do between two cases.
    Orders &orders() { return orders_; }
    // Sends everything that is queued now, waiting for the line; true when there was something.
    bool drain();

  private:
    Span<fuzz::Outbox *const> outboxes() const { return {outboxes_, shared_.cores()}; }
    bool anything() const;
    void send_some();
    void listen();
    void show_status_each_second();

    fuzz::Shared &shared_;
    fuzz::Outbox *outboxes_[max_cores] = {};
    fuzz::Merger merger_;
    Orders orders_;
    Commands commands_;
    u32 turn_ = 0;
    u64 shown_at_ = 0; // time stamp
};

} // namespace kernel
