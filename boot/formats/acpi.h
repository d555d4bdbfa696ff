// boot/formats/acpi.h — what ACPI's MADT, SRAT and HPET tables say: the cores, the I/O APICs, the NUMA node
// of each core and memory range, and where the HPET is.
//
// Everything is parsed over spans; `PhysicalView` returns the bytes at a physical address, or none where the
// caller cannot read. Each length is checked before it is used and each table's checksum must be right.
#pragma once

#include "base/core.h"
#include "base/span.h"
#include "boot/contract/core_args.h"
#include "rstate/result.h"

namespace boot {

// Bytes at [physical, physical + length), or an empty span when they cannot be read.
struct PhysicalView {
    Bytes (*read)(void *context, u64 physical, u64 length) = nullptr;
    void *context = nullptr;
    Bytes operator()(u64 physical, u64 length) const { return read(context, physical, length); }
};

struct CoreEntry {
    u32 apic_id = 0;
    u32 node = 0;
};

struct NodeRange {
    u64 start = 0, end = 0;
    u32 node = 0;
};

// What the tables say. Without a SRAT everything is node 0. The caller puts the running core into cores[0]
// first: it keeps this place wherever the MADT lists it, even behind max_cores others.
struct Topology {
    static constexpr u32 max_node_ranges = 32;
    CoreEntry cores[max_cores];
    u32 core_count = 0;
    u32 cores_left_out = 0; // enabled, but beyond max_cores
    NodeRange node_ranges[max_node_ranges];
    u32 node_range_count = 0;
    u32 io_apics[max_io_apics] = {}; // physical addresses
    u32 io_apic_count = 0;
    u64 hpet = 0; // physical address of its registers; 0: none
    bool has_madt = false, has_srat = false;
    bool madt_is_cut = false;     // a structure in it is broken: what stands before it counts
    bool first_is_listed = false; // the MADT lists the cores[0] that the caller put there
    bool out_of_reach = false;    // at least one table could not be read

    u32 node_of_memory(u64 physical) const;
};

// Finds the root pointer in `area`, which begins at a 16-byte boundary: its offset, or area.size().
usize find_rsdp(Bytes area);
// The root pointer's bytes: at the address that the loader gave (0: none), if it is there, else where a BIOS
// has it. Empty when there is none.
Bytes find_root(u64 given, const PhysicalView &view);

// ACPI specification 6.5 §5.2: RSDP -> XSDT or RSDT -> MADT ("APIC") and SRAT. `rsdp` holds the
// structure's bytes. The tables beside the MADT are optional: a broken one is reported and ignored.
rstate::Result<> read_topology(Bytes rsdp, const PhysicalView &view, Topology &topology);

rstate::Result<> parse_madt(Bytes table, Topology &topology);
rstate::Result<> parse_srat(Bytes table, Topology &topology);
rstate::Result<> parse_hpet(Bytes table, Topology &topology);

} // namespace boot
