// kernel/reporter.h — brings the workers' records to the console, a little between two cases, so that no
// worker waits.
#pragma once

#include "fuzz/outbox.h"
#include "fuzz/shared.h"

namespace kernel {

class Reporter final {
  public:
    explicit Reporter(fuzz::Shared &shared) : shared_(shared) {}
    void attach(u32 core, fuzz::Outbox &outbox) { outboxes_[core] = &outbox; }

    // Between two cases of core 0: a few bytes out, and whether somebody says stop.
    void serve();
    // Sends everything that is queued now, waiting for the line; true when there was something.
    bool drain();

  private:
    Span<fuzz::Outbox *const> outboxes() const { return {outboxes_, shared_.cores()}; }
    bool anything() const;

    fuzz::Shared &shared_;
    fuzz::Outbox *outboxes_[max_cores] = {};
    fuzz::Merger merger_;
    u32 turn_ = 0;
};

} // namespace kernel
