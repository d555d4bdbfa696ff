// stage2/split.cpp — see split.h.
#include "stage2/split.h"

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

// Gives the core a piece; false when it cannot take it.
bool give(Share &share, u64 start, u64 end, u32 node) {
    if (end - start < crumb || share.count == mm::max_seed_ranges) return false;
    mm::PhysRange &range = share.ranges[share.count++];
    range.first = Phys(start);
    range.bytes = end - start;
    range.node = node;
    share.bytes += range.bytes;
    return true;
}

class NodeSplit {
  public:
    NodeSplit(const boot::Topology &topology, Span<Share> shares, u32 node, u64 total)
        : topology_(topology), shares_(shares), node_(node) {
        u64 cores = 0;
        for (u32 i = 0; i < shares.size(); ++i) cores += topology.cores[i].node == node;
        share_ = align_down(total / cores, page_size);
        core_ = next_core(0);
    }
    u64 left_out() const { return left_out_; }

    // The piece goes to the current core until it has its share, the rest to the next; the last takes all.
    void operator()(u64 start, u64 end) {
        while (start < end) {
            Share &share = shares_[core_];
            const bool last = next_core(core_ + 1) == shares_.size();
            const u64 wanted = last ? end - start : min(end - start, share_ - min(share_, share.bytes));
            if (wanted != 0 && !give(share, start, start + wanted, topology_.node_of_memory(start)))
                left_out_ += wanted;
            start += wanted;
            if (!last && share.bytes + crumb > share_)
                core_ = next_core(core_ + 1);
            else if (wanted == 0)
                return;
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
