// mm/entry_rollback.h — the rollback log of an operation that fills page-table entries.
//
// Unless it is committed, its end empties the entries again and detaches tables that are empty then. It
// begins and ends under one lock.
#pragma once

#include "mm/range_entries.h"

namespace mm {

template <PhysicalMemory M> class EntryRollback final {
  public:
    EntryRollback(RangeEntries<M> &entries, DetachedTables<M> &detached)
        : entries_(entries), detached_(detached) {}
    EntryRollback(const EntryRollback &) = delete;
    ~EntryRollback() {
        while (count_ != 0) undo(spans_[--count_]);
    }

    void begin_span(Virt first) {
        CHECK(count_ < most_spans, "a range has two guard pages and its own pages", first);
        spans_[count_++] = {first, 0};
    }
    void extend_span(u64 pages) { spans_[count_ - 1].pages += pages; }
    void commit() { count_ = 0; }

  private:
    static constexpr u32 most_spans = 3;
    struct Span {
        Virt first;
        u64 pages = 0;
    };
    // The tables for the page after the last one may have been made and never filled.
    void undo(const Span &span) {
        entries_.clear(span.first, span.pages, detached_);
        entries_.detach_empty_tables(span.first + span.pages * page_size, detached_);
    }

    RangeEntries<M> &entries_;
    DetachedTables<M> &detached_;
    Span spans_[most_spans];
    u32 count_ = 0;
};

} // namespace mm
