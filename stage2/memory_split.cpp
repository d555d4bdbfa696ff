// stage2/memory_split.cpp — see memory_split.h. For each node: list its pieces by address, leave out the
// smallest ones if there are too many, then fill its cores' shares one after another.
#include "stage2/memory_split.h"

namespace stage2 {

namespace {

struct Piece {
    u64 start = 0, end = 0;
    u64 bytes() const { return end - start; }
};

// The free memory that the cores of one node share, by address.
struct NodeMemory {
    u32 node = 0, cores = 0;
    u64 bytes = 0; // with what is left out
    // Each border of an affinity range cuts at most one piece in two.
    Piece pieces[boot::MemoryMap::capacity + 2 * boot::Topology::max_node_ranges];
    u32 count = 0;

    u64 fair_share() const { return max(align_down(bytes / cores, page_size), minimum_piece); }
    u32 smallest() const {
        u32 found = 0;
        for (u32 i = 1; i < count; ++i)
            if (pieces[i].bytes() < pieces[found].bytes()) found = i;
        return found;
    }
    void remove(u32 index) {
        --count;
        for (u32 i = index; i < count; ++i) pieces[i] = pieces[i + 1];
    }
};

// The first core of the node from number `core` on; `count` when there is none.
u32 core_of_node(const boot::Topology &topology, u32 count, u32 node, u32 core) {
    while (core < count && topology.cores[core].node != node) ++core;
    return core;
}

// Where memory at `start` next changes its node: at the border of some affinity range, or at `end`.
u64 node_border(const boot::Topology &topology, u64 start, u64 end) {
    u64 border = end;
    for (u32 i = 0; i < topology.node_range_count; ++i)
        for (const u64 edge : {topology.node_ranges[i].start, topology.node_ranges[i].end})
            if (edge > start && edge < border && is_aligned(edge, page_size)) border = edge;
    return border;
}

// The node whose cores get the memory at `start`.
u32 serving_node(const boot::Topology &topology, u32 cores, u64 start) {
    const u32 node = topology.node_of_memory(start);
    return core_of_node(topology, cores, node, 0) < cores ? node : topology.cores[0].node;
}

void list_pieces(const boot::MemoryMap &map, const boot::Topology &topology, u32 cores, NodeMemory &memory) {
    for (const boot::Range &range : map.ranges()) {
        for (Piece piece{range.start, 0}; piece.start < range.end; piece.start = piece.end) {
            piece.end = node_border(topology, piece.start, range.end);
            if (serving_node(topology, cores, piece.start) != memory.node) continue;
            memory.bytes += piece.bytes();
            if (piece.bytes() >= minimum_piece) memory.pieces[memory.count++] = piece;
        }
    }
}

// A core can hold max_seed_ranges pieces. That is enough for its share when the node has no more than these,
// or when no piece is smaller than the share divided by one less: then its first piece may be the rest of
// another core's.
void leave_out_smallest(NodeMemory &memory) {
    const u64 large_enough = memory.fair_share() / (mm::max_seed_ranges - 1);
    while (memory.count > mm::max_seed_ranges) {
        const u32 smallest = memory.smallest();
        if (memory.pieces[smallest].bytes() >= large_enough) return;
        memory.remove(smallest);
    }
}

// Moves what a share lacks from the piece into it; all of the piece when the rest would be below
// minimum_piece.
void take(Share &share, Piece &piece, u64 lacking, u32 node) {
    u64 bytes = min(piece.bytes(), lacking);
    if (piece.bytes() - bytes < minimum_piece) bytes = piece.bytes();
    share.ranges[share.count++] = {Phys(piece.start), bytes, 0, node, 0};
    share.bytes += bytes;
    piece.start += bytes;
}

// Core after core, each until less than minimum_piece is lacking; the last one takes what is left.
void fill_shares(NodeMemory &memory, const boot::Topology &topology, Span<Share> shares) {
    const u32 cores = static_cast<u32>(shares.size());
    const u64 fair = memory.fair_share();
    u32 core = core_of_node(topology, cores, memory.node, 0);
    for (u32 i = 0; i < memory.count && core < cores;) {
        Piece &piece = memory.pieces[i];
        Share &share = shares[core];
        const u32 next = core_of_node(topology, cores, memory.node, core + 1);
        take(share, piece, next == cores ? piece.bytes() : fair - share.bytes,
             topology.node_of_memory(piece.start));
        const bool has_its_share = next != cores && share.bytes + minimum_piece > fair;
        if (has_its_share || share.count == mm::max_seed_ranges) core = next;
        if (piece.bytes() == 0) ++i;
    }
}

} // namespace

u64 split_memory(const boot::MemoryMap &map, const boot::Topology &topology, Span<Share> shares) {
    const u32 cores = static_cast<u32>(shares.size());
    for (u32 core = 0; core < cores; ++core) {
        NodeMemory memory;
        memory.node = topology.cores[core].node;
        if (core_of_node(topology, cores, memory.node, 0) != core) continue; // the node's first core did it
        for (u32 i = 0; i < cores; ++i) memory.cores += topology.cores[i].node == memory.node;
        list_pieces(map, topology, cores, memory);
        leave_out_smallest(memory);
        fill_shares(memory, topology, shares);
    }
    u64 left_out = map.total_pages() * page_size;
    for (const Share &share : shares) left_out -= share.bytes;
    return left_out;
}

u64 choose_handover_page(const boot::MemoryMap &map, Span<const boot::Range> used, u64 end) {
    const auto is_free = [&](u64 page) {
        for (const boot::Range &range : used)
            if (page < range.end && range.start < page + page_size) return false;
        return map.contains(page, page_size);
    };
    if (is_free(usual_handover_page)) return usual_handover_page;
    for (u64 page = end - page_size; page != 0; page -= page_size)
        if (is_free(page)) return page;
    return 0;
}

} // namespace stage2
