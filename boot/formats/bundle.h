// boot/formats/bundle.h — the bundle: an archive of options, target, seeds and corpus, read in place.
//
//   header | directory: one entry for each part | the parts, each on a multiple of 16
//
// parse() verifies sizes and hashes of everything, so that the accessors cannot fail.
// tools/rl/images/bundle.py writes it.
#pragma once

#include "base/span.h"
#include "base/text.h"
#include "rstate/result.h"

namespace boot {

class Bundle final {
  public:
    struct Entry {
        // "options", "target.elf", "dict", "files", "replay", "seed/...", "corpus/...", "input/..."
        Text name;
        Bytes data;
    };

    static rstate::Result<Bundle> parse(Bytes archive);

    u32 count() const { return count_; }
    Entry entry(u32 index) const;
    bool has(Text name) const { return index_of(name) < count_; }
    // The first entry of this name; missing ones are an error that names it.
    rstate::Result<Bytes> find(Text name) const;
    // The first index at or behind `from` whose name starts so, or count():
    //   for (u32 i = bundle.next("seed/"); i < bundle.count(); i = bundle.next("seed/", i + 1))
    u32 next(Text prefix, u32 from = 0) const;

  private:
    explicit Bundle(Bytes archive, u32 count) : archive_(archive), count_(count) {}
    u32 index_of(Text name) const;
    rstate::Result<void> check_entry(u32 index, u64 data_start) const;

    Bytes archive_;
    u32 count_ = 0;
};

} // namespace boot
