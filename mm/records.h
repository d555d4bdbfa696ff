// mm/records.h — the records of all ranges, in frames that are mapped nowhere, so no wild write reaches them.
//
// An id leads to its record in two steps: root frame, leaf frame. Both are allocated for the first record in
// them and freed with the last. Not locked: the address space's lock covers it.
//
//   id = leaf number (13 bits) | slot (6 bits); slot 0 of a leaf is its header
#pragma once

#include "mm/frames.h"
#include "mm/owned_frame.h"
#include "mm/record.h"

namespace mm {

template <PhysicalMemory M> class Records final {
  public:
    static constexpr u32 slots = page_size / sizeof(Record) - 1; // in one leaf
    static constexpr u32 roots = 16;
    static constexpr u32 leaves_per_root = page_size / 8;
    static_assert(slots < 64 && roots * leaves_per_root * 64 <= max_record_id + 1);

    explicit Records(Frames<M> &frames) : frames_(frames) {}
    Records(const Records &) = delete;

    // An id whose record is this one.
    rstate::Result<u32> add(const Record &record) {
        const bool fresh = partial_ == none;
        if (fresh) TRY(add_leaf(), "making room for more records", count_);
        auto id = add_to_leaf(partial_, record);
        if (!id.ok() && fresh) {
            remove_leaf(partial_);
            partial_ = none;
        }
        return id;
    }
    rstate::Result<Record> read(u32 id) {
        auto pin = TRY(pin_leaf(id), "finding a record", id);
        return leaf_in(pin).records[(id & 63) - 1];
    }
    rstate::Result<void> write(u32 id, const Record &record) {
        auto pin = TRY(pin_leaf(id), "finding a record to change it", id);
        leaf_in(pin).records[(id & 63) - 1] = record;
        return rstate::done();
    }
    // Frees the leaf and the root too, when it was the last record in them.
    void remove(u32 id) {
        const u32 number = id >> 6;
        bool unused = false;
        {
            auto found = pin_leaf(id);
            CHECK(found.ok(), "a record is removed once", id);
            auto pin = found.take();
            Leaf &page = leaf_in(pin);
            const bool was_full = page.used == full;
            page.used &= ~(1ul << (id & 63));
            --count_;
            unused = page.used == header_only;
            if (was_full) {
                page.next = partial_, page.previous = none;
                if (partial_ != none) edit_leaf(partial_, [&](Leaf &other) { other.previous = number; });
                partial_ = number;
            }
            if (unused) unlink(page);
        }
        if (unused) remove_leaf(number);
    }

    u64 count() const { return count_; }
    // Calls visit(id, const Record &) for every record, live and freed.
    template <class Visit> rstate::Result<void> visit(Visit &&visit) {
        for (u32 number = 0; number < roots * leaves_per_root; ++number) {
            if (roots_[number / leaves_per_root].value() == 0) {
                number |= leaves_per_root - 1;
                continue;
            }
            const Phys leaf = TRY(leaf_frame(number), "visiting the records", number);
            if (leaf.value() == 0) continue;
            auto pin = TRY(frames_.memory().pin(leaf), "visiting the records of a leaf", number);
            for (u32 slot = 1; slot <= slots; ++slot)
                if ((leaf_in(pin).used >> slot & 1) != 0)
                    visit(number << 6 | slot, leaf_in(pin).records[slot - 1]);
        }
        return rstate::done();
    }

  private:
    static constexpr u32 none = ~0u;
    static constexpr u64 full = slots == 63 ? ~0ul : (1ul << (slots + 1)) - 1;
    static constexpr u64 header_only = 1;

    struct Leaf {
        u64 used;           // one bit a slot; bit 0, the header, always
        u32 next, previous; // leaves that have room
        Record records[slots];
    };
    static_assert(sizeof(Leaf) <= page_size);
    static Leaf &leaf_in(typename M::Pin &pin) { return *reinterpret_cast<Leaf *>(pin.bytes()); }

    template <class Edit> void edit_leaf(u32 number, Edit &&edit) {
        auto leaf = leaf_frame(number);
        CHECK(leaf.ok(), "a listed leaf exists", number);
        auto pin = must_pin(frames_.memory(), leaf.take());
        edit(leaf_in(pin));
    }
    rstate::Result<u32> add_to_leaf(u32 number, const Record &record) {
        const Phys leaf = TRY(leaf_frame(number), "finding a leaf with room", number);
        auto pin = TRY(frames_.memory().pin(leaf), "pinning a leaf of records", leaf);
        Leaf &page = leaf_in(pin);
        const u32 slot = static_cast<u32>(__builtin_ctzl(~page.used));
        page.used |= 1ul << slot;
        page.records[slot - 1] = record;
        if (page.used == full) unlink(page);
        ++count_;
        return number << 6 | slot;
    }
    void unlink(const Leaf &page) {
        if (page.previous == none)
            partial_ = page.next;
        else
            edit_leaf(page.previous, [&](Leaf &other) { other.next = page.next; });
        if (page.next != none) edit_leaf(page.next, [&](Leaf &other) { other.previous = page.previous; });
    }

    // The leaf's frame, zero when there is none.
    rstate::Result<Phys> leaf_frame(u32 number) {
        const Phys root = roots_[number / leaves_per_root];
        if (root.value() == 0) return Phys(0);
        auto pin = TRY(frames_.memory().pin(root), "pinning a root of records", root);
        return Phys(reinterpret_cast<u64 *>(pin.bytes())[number % leaves_per_root]);
    }
    rstate::Result<typename M::Pin> pin_leaf(u32 id) {
        const u32 number = id >> 6, slot = id & 63;
        CHECK(number < roots * leaves_per_root && slot != 0 && slot <= slots, "an id was given out", id);
        const Phys leaf = TRY(leaf_frame(number), "finding the leaf of a record", id);
        CHECK(leaf.value() != 0, "an id has a record", id);
        auto pin = TRY(frames_.memory().pin(leaf), "pinning the leaf of a record", id);
        CHECK((leaf_in(pin).used >> slot & 1) != 0, "an id has a record", id);
        return pin;
    }

    rstate::Result<void> add_leaf() {
        for (u32 root = 0; root < roots; ++root) {
            if (leaves_[root] == leaves_per_root) continue;
            if (roots_[root].value() != 0) return add_leaf_below(root, roots_[root]);
            OwnedFrame fresh = TRY(new_frame(), "allocating a root of records", root);
            TRY(add_leaf_below(root, fresh.get()), "adding the first leaf of a root", root);
            roots_[root] = fresh.release();
            return rstate::done();
        }
        return FAIL(out_of_records, "as many ranges live as can be recorded", count_);
    }
    rstate::Result<void> add_leaf_below(u32 root, Phys root_frame) {
        OwnedFrame leaf = TRY(new_frame(), "allocating a leaf of records", root);
        auto root_pin = TRY(frames_.memory().pin(root_frame), "pinning a root of records", root);
        auto leaf_pin = TRY(frames_.memory().pin(leaf.get()), "pinning a leaf of records", root);
        u64 *entries = reinterpret_cast<u64 *>(root_pin.bytes());
        u32 index = 0;
        while (entries[index] != 0) ++index; // there is one: leaves_ counts them
        entries[index] = leaf.release().value();
        ++leaves_[root];
        const u32 number = root * leaves_per_root + index;
        Leaf &page = leaf_in(leaf_pin);
        page.used = header_only, page.next = none, page.previous = none;
        partial_ = number;
        return rstate::done();
    }
    void remove_leaf(u32 number) {
        const u32 root = number / leaves_per_root;
        Phys leaf;
        {
            auto pin = must_pin(frames_.memory(), roots_[root]);
            u64 &entry = reinterpret_cast<u64 *>(pin.bytes())[number % leaves_per_root];
            leaf = Phys(entry);
            entry = 0;
        }
        frames_.free(leaf, Owner::metadata);
        if (--leaves_[root] != 0) return;
        frames_.free(roots_[root], Owner::metadata);
        roots_[root] = Phys(0);
    }

    rstate::Result<OwnedFrame<Frames<M>>> new_frame() {
        OwnedFrame frame(frames_, TRY(frames_.allocate(Owner::metadata), "allocating a frame for records"),
                         Owner::metadata);
        auto pin = TRY(frames_.memory().pin(frame.get()), "clearing a frame for records");
        cpu::fill_page(pin.bytes(), 0);
        return frame;
    }

    Frames<M> &frames_;
    Phys roots_[roots];
    u32 leaves_[roots] = {};
    u32 partial_ = none; // a leaf that has room
    u64 count_ = 0;
};

} // namespace mm
