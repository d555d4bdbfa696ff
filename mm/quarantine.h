// mm/quarantine.h — freed ranges, oldest first.
//
// While a range is in here its addresses serve no other range, and its record explains accesses that come too
// late.
//
// The list runs through the records themselves (Record::next). Not locked: the address space's lock covers
// it.
#pragma once

#include "mm/records.h"

namespace mm {

template <PhysicalMemory M> class Quarantine final {
  public:
    Quarantine(Records<M> &records, u32 capacity) : records_(records), capacity_(capacity) {}
    Quarantine(const Quarantine &) = delete;

    u64 count() const { return count_; }
    u32 capacity() const { return capacity_; }

    // The range's record says that it was freed.
    void push(u32 id) {
        if (newest_ == 0) {
            oldest_ = id;
        } else {
            Record record = read(newest_);
            record.next = id;
            must(records_.write(newest_, record), "linking a freed range behind another");
        }
        newest_ = id;
        ++count_;
    }
    // Takes out the oldest range; there is one.
    Range pop() {
        const Record record = read(oldest_);
        const Range range{record.first, record.pages, oldest_, record.key};
        oldest_ = record.next;
        if (oldest_ == 0) newest_ = 0;
        --count_;
        return range;
    }

  private:
    Record read(u32 id) {
        auto record = records_.read(id);
        CHECK(record.ok(), "a range in quarantine has a record", id);
        return record.take();
    }

    Records<M> &records_;
    u32 capacity_;
    u32 oldest_ = 0, newest_ = 0; // ids, 0: none
    u64 count_ = 0;
};

} // namespace mm
