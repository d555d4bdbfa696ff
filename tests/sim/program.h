// tests/sim/program.h — what every program defines once, for host tests: the core's number, the log, waiting.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/types.h"

namespace sim {

// The core this thread plays; threads start as core 0.
extern thread_local u32 core;

// Plays another core for a scope.
class AsCore {
  public:
    explicit AsCore(u32 other) : before_(core) { core = other; }
    ~AsCore() { core = before_; }
    AsCore(const AsCore &) = delete;

  private:
    u32 before_;
};

// The lines logged since the last `clear_log`; log_line only collects them.
std::vector<std::string> log();
std::string log_text(); // joined, each line ended by a newline
void clear_log();

// Called in every round of every wait (cpu::while_waiting); empty by default.
void on_waiting(std::function<void()> hook);

} // namespace sim
