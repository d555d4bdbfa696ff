// boot/formats/options.h — the bundle's "options": the settings of this run, as lines of key=value.
#pragma once

#include "base/text.h"
#include "rstate/result.h"

namespace boot {

struct Options {
    Text target = "unnamed";    // for people and file names; the ELF itself is the bundle's "target.elf"
    u64 cpus = 0;               // cores to use; 0: all
    u64 seed = 0;               // of mutation, never of memory layout
    bool has_seed = false;      // else one is drawn at boot
    u64 cases = 0;              // stop after so many; 0: never
    u64 max_len = 0;            // of inputs, in bytes; 0: from the seeds
    u64 edge_budget = 0;        // a case that spends more is a timeout; 0: measured from the seeds
    u64 timeout_s = 0;          // a case that takes longer is a timeout, whatever its edges; 0: edges decide
    u64 threads = 0;            // seed of the schedule of the target's threads
    u64 serial = 0;             // I/O port of the console's UART; 0: the first of COM1 to COM4 that is there
    bool replay = false;        // run the bundle's "replay" once, and end
    bool hold = false;          // with replay: wait at the case's end while the host copies memory
    bool leaks = false;         // with replay: also list what the input leaks
    bool examine = false;       // run each of the bundle's "input/..." once, and end
    bool variants = false;      // with examine: also with other fills of fresh memory, and for leaks
    bool minimize = false;      // make the bundle's "input/0" smaller, and end
    bool target_output = false; // log what the target prints in each case
    bool layout = false;        // print every range before the first case
    bool exit = false;          // leave QEMU through isa-debug-exit at the end
    // What to do instead of fuzzing, of what the test kernel can: test=GLOB, bench=GLOB or inject=BUG.
    Text mode;          // the key; it lives as long as the program
    Text mode_argument; // the value

    // The texts point into `text`, which must outlive the options. An unknown key is an error, so that a
    // misspelt option is not ignored.
    static rstate::Result<Options> parse(Text text);
};

} // namespace boot
