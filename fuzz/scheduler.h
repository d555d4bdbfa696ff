// fuzz/scheduler.h — input scheduling: which input of the corpus to mutate next, and for how many cases.
//
// To select an input, the scheduler draws a few features and takes the owner of the one that cases have hit
// least often. An input's chance rises with the number and rarity of the features that it owns. A new input
// runs soon; an input that owns no feature almost never runs.
//
// A selected input is mutated for several cases (one visit), because the comparisons that its first case
// records serve all of them. The first visit is longer.
#pragma once

#include "base/random.h"
#include "fuzz/corpus.h"

namespace fuzz {

class Scheduler final {
  public:
    struct Choice {
        u32 entry = no_entry;     // the input to mutate; no_entry while the corpus is empty
        bool starts = false;      // this case is the first of a visit
        bool first_visit = false; // to this entry
    };
    // The choice for the next case; selects an input when the last visit is over.
    Choice next(Corpus &corpus, Random &random);
    // Selects an input for a new visit; the corpus is not empty.
    static u32 select(Corpus &corpus, Random &random);

  private:
    u32 entry_ = no_entry;
    u32 cases_left_ = 0; // in this visit
    bool first_visit_ = false;
};

} // namespace fuzz
