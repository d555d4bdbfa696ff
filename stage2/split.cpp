// stage2/split.cpp — see split.h.
#include "stage2/split.h"

#include "base/check.h"

namespace stage2 {

namespace {

constexpr u64 crumb = 16 * page_size; // chosen: one frame of each range is bookkeeping

// Where memory at `start` next changes its node: at the border of some affinity range, or at `end`.
u64 node_border(const boot::Topology &topology, u64 start, u64 end) {
    u64 border = end;
    for (u32 i = 0; i < topology.node_range_count; ++i)
        for (const u64 edge : {topology.node_ranges[i].start, topology.node_ranges[i].end})
            if (edge > start && edge < border && is_aligned(edge, page_size)) border = edge;
    return border;
}

bool has_core(const boot::Topology &topology, Span<Share> shares, u32 node) {
    for (u32 i = 0; i < shares.size(); ++i)
        if (topology.cores[i].node == node) return true;
    return false;
}

u32 serving_node(const boot::Topology &topology, Span<Share> shares, u64 start) {
    const u32 node = topology.node_of_memory(start);
    return has_core(topology, shares, node) ? node : topology.cores[0].node;
}

// Calls use(start, end) for each piece of memory that serves `node`.
template <class Use>
void for_each_piece(const boot::MemoryMap &map, const boot::Topology &topology, Span<Share> shares, u32 node,
                    Use use) {
    for (const boot::Range &range : map.ranges()) {
        for (u64 start = range.start; start < range.end;) {
            const u64 end = node_border(topology, start, range.end);
            if (serving_node(topology, shares, start) == node) use(start, end);
            start = end;
        }
    }
}

// Gives the core a piece. When it has as many as it can have, the smallest is left out for it, if that is
// at most one part in `worth` of the new one. Returns the bytes left out: all of them when it is not taken.
u64 give(Share &share, u64 start, u64 end, u32 node, u64 worth) {
    const u64 bytes = end - start;
    if (bytes < crumb) return bytes;
    mm::PhysRange *place = &share.ranges[share.count];
    if (share.count == mm::max_seed_ranges) {
        place = &share.ranges[0];
        for (mm::PhysRange &range : share.ranges)
            if (range.bytes < place->bytes) place = &range;
        if (place->bytes * worth >= bytes) return bytes;
    } else {
        ++share.count;
    }
    const u64 left_out = place->bytes;
    *place = {Phys(start), bytes, 0, node, 0};
    share.bytes += bytes - left_out;
    return left_out;
}

class NodeSplit {
  public:
    NodeSplit(const boot::Topology &topology, Span<Share> shares, u32 node, u64 total)
        : topology_(topology), shares_(shares), node_(node) {
        u64 cores = 0;
        for (u32 i = 0; i < shares.size(); ++i) cores += topology.cores[i].node == node;
        CHECK(cores != 0, "a node is split among cores it has", node);
        share_ = align_down(total / cores, page_size);
        core_ = next_core(0);
    }
    u64 left_out() const { return left_out_; }

    // The piece goes to the current core until it has its share, the rest to the next; the last takes all.
    void operator()(u64 start, u64 end) {
        if (end - start < crumb) left_out_ += end - start;
        while (end - start >= crumb) {
            Share &share = shares_[core_];
            const bool last = next_core(core_ + 1) == shares_.size();
            u64 wanted = last ? end - start : min(end - start, share_ - min(share_, share.bytes));
            if (end - start - wanted < crumb) wanted = end - start; // no crumbs of our own making
            const u64 lost =
                give(share, start, start + wanted, topology_.node_of_memory(start), last ? 1 : 16);
            if (last || lost != wanted) left_out_ += lost, start += wanted;
            if (!last && (lost == wanted || share.bytes + crumb > share_)) core_ = next_core(core_ + 1);
        }
    }

  private:
    u32 next_core(u32 from) const {
        while (from < shares_.size() && topology_.cores[from].node != node_) ++from;
        return from;
    }
    const boot::Topology &topology_;
    Span<Share> shares_;
    u32 node_;
    u32 core_ = 0;
    u64 share_ = 0;
    u64 left_out_ = 0;
};

} // namespace

u64 split_memory(const boot::MemoryMap &map, const boot::Topology &topology, Span<Share> shares) {
    u64 left_out = 0;
    for (u32 i = 0; i < shares.size(); ++i) {
        const u32 node = topology.cores[i].node;
        bool seen = false;
        for (u32 j = 0; j < i; ++j) seen |= topology.cores[j].node == node;
        if (seen) continue;
        u64 total = 0;
        for_each_piece(map, topology, shares, node, [&](u64 start, u64 end) { total += end - start; });
        NodeSplit split(topology, shares, node, total);
        for_each_piece(map, topology, shares, node, [&](u64 start, u64 end) { split(start, end); });
        left_out += split.left_out();
    }
    return left_out;
}

} // namespace stage2
