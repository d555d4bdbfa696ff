// kernel/campaign/commands.h — words typed on the console while the machine fuzzes: one word, Enter, an
// answer in lines for people. docs/inside.md lists them.
#pragma once

#include "fuzz/shared.h"
#include "kernel/campaign/pause.h"
#include "kernel/world.h"

namespace kernel {

// Core 0's: only there is the console read.
class Commands final {
  public:
    // `machine` is core 0's, shown by `maps`.
    Commands(fuzz::Shared &shared, Orders &orders, Machine &machine)
        : shared_(shared), orders_(orders), machine_(machine) {}

    // Takes what was typed since the last call.
    void listen();
    // Whether a whole word waits for its answer.
    bool asked() const { return asked_; }
    // Answers it; no record may be on the line in part.
    void answer();
    bool paused() const { return paused_; }

  private:
    struct Word;
    static const Word words[];
    static constexpr usize longest_word = 15;

    void take(u8 byte);
    template <class Look> rstate::Result<> at_rest(Look &&look);
    rstate::Result<> help();
    rstate::Result<> stats();
    rstate::Result<> cores();
    rstate::Result<> maps();
    rstate::Result<> heap();
    rstate::Result<> errors();
    rstate::Result<> trace();
    rstate::Result<> pause();
    rstate::Result<> resume();
    rstate::Result<> reboot();
    rstate::Result<> halt();
    rstate::Result<> quit();

    fuzz::Shared &shared_;
    Orders &orders_;
    Machine &machine_;
    char typed_[longest_word + 1] = {}; // what is longer is no word of ours, and one character tells
    usize length_ = 0;
    bool asked_ = false, paused_ = false;
};

} // namespace kernel
