// kernel/campaign/commands.h — the serial commands while the machine fuzzes: a user types one word
// and Enter, and core 0 answers in lines for people. docs/inside.md lists the commands.
#pragma once

#include "fuzz/shared.h"
#include "kernel/campaign/pause.h"
#include "kernel/world.h"

namespace kernel {

// Core 0's: no other core reads the console.
class Commands final {
  public:
    // `machine` is core 0's, which the command `maps` prints.
    Commands(fuzz::Shared &shared, Pause &pause, Machine &machine)
        : shared_(shared), pause_(pause), machine_(machine) {}

    // Reads what the user typed since the last call.
    void listen();
    // Whether a whole word waits for its answer.
    bool asked() const { return asked_; }
    // Whether that word ends the run.
    bool asked_to_quit() const { return asked_ && Text(typed_, length_) == "quit"; }
    // Runs the command; the caller makes sure that no record is half sent.
    void answer();
    bool paused() const { return paused_; }

  private:
    struct Word;
    static const Word words[];
    static constexpr usize longest_word = 15;

    void take(u8 byte);
    template <class Read> rstate::Result<> while_paused(Read &&read);
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
    Pause &pause_;
    Machine &machine_;
    char typed_[longest_word + 1] = {}; // one character more than any command: a longer word matches none
    usize length_ = 0;
    bool asked_ = false, paused_ = false;
};

} // namespace kernel
