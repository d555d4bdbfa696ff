// kernel/campaign/commands.h — the serial commands while the machine fuzzes: a user types one word
// and Enter, and core 0 answers in lines for people. docs/inside.md lists the commands. A tool that shares a
// corpus sends inputs, each in a line, and reads a record as the answer.
#pragma once

#include "fuzz/input_line.h"
#include "fuzz/shared.h"
#include "kernel/campaign/pause.h"
#include "kernel/world.h"

namespace kernel {

// Core 0's: no other core reads the console.
class Commands final {
  public:
    // `machine` is core 0's, which the command `maps` prints. The longest input that the console can give is
    // as long as `input_room`.
    Commands(fuzz::Shared &shared, Pause &pause, Machine &machine, MutableBytes input_room)
        : shared_(shared), pause_(pause), machine_(machine), input_line_(input_room) {}

    // Reads what the user typed since the last call.
    void listen();
    // Whether a whole word waits for its answer.
    bool asked() const { return asked_; }
    // Whether that word ends the run.
    bool asked_to_quit() const { return asked_ && Text(typed_, length_) == "quit"; }
    // Runs the command; the caller makes sure that no record is half sent.
    void answer();
    bool paused() const { return paused_; }
    // Whether an input is arriving: its bytes come faster than commands are typed.
    bool receiving() const { return in_input_; }

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
    rstate::Result<> input();

    fuzz::Shared &shared_;
    Pause &pause_;
    Machine &machine_;
    char typed_[longest_word + 1] = {}; // one character more than any command: a longer word matches none
    usize length_ = 0;
    fuzz::InputLine input_line_;
    bool asked_ = false, paused_ = false, in_input_ = false;
};

} // namespace kernel
