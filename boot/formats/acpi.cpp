// boot/formats/acpi.cpp — see acpi.h. Section numbers are of the ACPI specification 6.5.
#include "boot/formats/acpi.h"

#include "base/text.h"
#include "boot/formats/codes.h"

namespace boot {

namespace {

constexpr usize header_bytes = 36;   // §5.2.6 "System Description Table Header"
constexpr usize madt_entries = 44;   // §5.2.12 "Multiple APIC Description Table (MADT)"
constexpr usize srat_entries = 48;   // §5.2.16 "System Resource Affinity Table (SRAT)"
constexpr u64 rsdp_bytes = 36;       // §5.2.5.3, from revision 2 on; revision 0 has 20
constexpr u64 largest_table = 1_MiB; // chosen: real ones have kilobytes
constexpr u32 flag_enabled = 1;
// Firmware fills entries that it does not use with ones. As a destination that id is every core, this one
// included.
constexpr u64 no_core = 0xFFFF'FFFF, no_core_of_8_bits = 0xFF;

u64 word(Bytes bytes, usize at, usize size) {
    u64 value = 0;
    for (usize i = 0; i < size; ++i) value |= static_cast<u64>(bytes[at + i]) << (8 * i);
    return value;
}

bool sums_to_zero(Bytes bytes) {
    u8 sum = 0;
    for (const u8 byte : bytes) sum = static_cast<u8>(sum + byte);
    return sum == 0;
}

bool has_signature(Bytes table, Text signature) {
    return table.size() >= 4 && Text(reinterpret_cast<const char *>(table.data()), 4) == signature;
}

// The whole table at a physical address, its length and checksum verified.
rstate::Result<Bytes> read_table(const PhysicalView &view, u64 physical) {
    const Bytes header = view(physical, header_bytes);
    if (header.empty()) return FAIL(bad_table, "an ACPI table lies outside readable memory", Phys(physical));
    const u64 length = word(header, 4, 4);
    if (length < header_bytes || length > largest_table)
        return FAIL(bad_table, "an ACPI table has an impossible length", Phys(physical), length);
    const Bytes table = view(physical, length);
    if (table.empty())
        return FAIL(bad_table, "an ACPI table ends outside readable memory", Phys(physical), length);
    if (!sums_to_zero(table))
        return FAIL(bad_table, "an ACPI table's checksum is wrong", Phys(physical), length);
    return table;
}

void add_core(Topology &topology, u64 apic_id, u64 flags) {
    if ((flags & flag_enabled) == 0 || apic_id == no_core) return;
    for (u32 i = 0; i < topology.core_count; ++i)
        if (topology.cores[i].apic_id == apic_id) { // listed as APIC and as x2APIC, or the running core
            topology.first_is_listed |= i == 0;
            return;
        }
    if (topology.core_count == max_cores) {
        ++topology.cores_left_out;
        return;
    }
    topology.cores[topology.core_count++] = {static_cast<u32>(apic_id), 0};
}

void add_io_apic(Topology &topology, u32 physical) {
    if (physical != 0 && topology.io_apic_count < max_io_apics)
        topology.io_apics[topology.io_apic_count++] = physical;
}

void set_node(Topology &topology, u64 apic_id, u32 node) {
    for (u32 i = 0; i < topology.core_count; ++i)
        if (topology.cores[i].apic_id == apic_id) topology.cores[i].node = node;
}

// Calls `use` with each structure of a table: one byte of type, one of length, then data.
using Use = void (*)(Topology &, u8 type, Bytes structure);
rstate::Result<> for_each_structure(Bytes table, usize first, Topology &topology, Use use) {
    if (table.size() < first)
        return FAIL(bad_table, "an ACPI table is shorter than its fixed part", table.size());
    for (usize at = first; at < table.size();) {
        if (table.size() - at < 2) return FAIL(bad_table, "an ACPI structure is cut off", at, table.size());
        const usize length = table[at + 1];
        if (length < 2 || !table.holds(at, length))
            return FAIL(bad_table, "an ACPI structure has an impossible length", at, length);
        use(topology, table[at], table.sub(at, length));
        at += length;
    }
    return {};
}

void add_memory_affinity(Topology &topology, Bytes s) {
    u64 end = 0;
    const u64 start = word(s, 8, 8), length = word(s, 16, 8);
    if ((word(s, 28, 4) & flag_enabled) == 0 || !add_checked(start, length, end)) return;
    if (topology.node_range_count == Topology::max_node_ranges)
        return; // memory of further ranges counts as node 0
    topology.node_ranges[topology.node_range_count++] = {start, end, static_cast<u32>(word(s, 2, 4))};
}

} // namespace

u32 Topology::node_of_memory(u64 physical) const {
    for (u32 i = 0; i < node_range_count; ++i)
        if (physical >= node_ranges[i].start && physical < node_ranges[i].end) return node_ranges[i].node;
    return 0;
}

usize find_rsdp(Bytes area) {
    for (usize at = 0; area.holds(at, 20); at += 16) {
        const Bytes candidate = area.sub(at, 20); // §5.2.5.3: the first 20 bytes have a checksum of their own
        if (Text(reinterpret_cast<const char *>(candidate.data()), 8) == "RSD PTR " &&
            sums_to_zero(candidate))
            return at;
    }
    return area.size();
}

Bytes find_root(u64 given, const PhysicalView &view) {
    // §5.2.5.1 "Finding the RSDP on IA-PC Systems": the extended BIOS data area's first KiB, and ROM.
    const Bytes segment = view(0x40E, 2);
    const u64 ebda = segment.empty() ? 0 : word(segment, 0, 2) << 4;
    const Bytes places[] = {given != 0 ? view(given, rsdp_bytes) : Bytes(),
                            ebda >= 0x80000 && ebda < 0xA0000 ? view(ebda, 1024) : Bytes(),
                            view(0xE0000, 0x20000)};
    for (const Bytes place : places) {
        const usize at = find_rsdp(place);
        if (at < place.size()) return place.sub(at, min(place.size() - at, rsdp_bytes));
    }
    return {};
}

rstate::Result<> parse_madt(Bytes table, Topology &topology) {
    if (table.size() < madt_entries) return FAIL(bad_table, "the MADT is too short", table.size());
    topology.has_madt = true;
    auto parsed = for_each_structure(table, madt_entries, topology, [](Topology &t, u8 type, Bytes s) {
        if (type == 0 && s.size() >= 8 && s[3] != no_core_of_8_bits)
            add_core(t, s[3], word(s, 4, 4)); // local APIC
        if (type == 1 && s.size() >= 12) add_io_apic(t, static_cast<u32>(word(s, 4, 4)));
        if (type == 9 && s.size() >= 16) add_core(t, word(s, 4, 4), word(s, 8, 4)); // local x2APIC
    });
    topology.madt_is_cut = !parsed.ok();
    if (!parsed.ok())
        rstate::report(parsed.take_error(), "the MADT breaks off: what stands before that is used");
    return {};
}

rstate::Result<> parse_srat(Bytes table, Topology &topology) {
    topology.has_srat = true;
    return for_each_structure(table, srat_entries, topology, [](Topology &t, u8 type, Bytes s) {
        if (type == 0 && s.size() >= 16 && (word(s, 4, 4) & flag_enabled) != 0) {
            const u64 node = s[2] | word(s, 9, 3) << 8; // the node's number is in two pieces
            set_node(t, s[3], static_cast<u32>(node));
        }
        if (type == 1 && s.size() >= 40) add_memory_affinity(t, s);
        if (type == 2 && s.size() >= 24 && (word(s, 12, 4) & flag_enabled) != 0)
            set_node(t, word(s, 8, 4), static_cast<u32>(word(s, 4, 4)));
    });
}

// IA-PC HPET Specification 1.0a §3.2.4 "The ACPI 2.0 HPET Description Table": a generic address at byte 40.
rstate::Result<> parse_hpet(Bytes table, Topology &topology) {
    constexpr usize space = 40, address = 44, whole = 56;
    if (table.size() < whole) return FAIL(bad_table, "the HPET table is too short", table.size());
    if (table[space] == 0) topology.hpet = word(table, address, 8); // 0: system memory
    return {};
}

// A broken SRAT says nothing about any node.
static void forget_nodes(Topology &topology) {
    topology.has_srat = false;
    topology.node_range_count = 0;
    for (u32 i = 0; i < topology.core_count; ++i) topology.cores[i].node = 0;
}

static rstate::Result<> read_and_parse(const PhysicalView &view, u64 physical, Text signature,
                                       Topology &topology) {
    const Bytes table = TRY(read_table(view, physical), "reading an ACPI table", Phys(physical));
    auto parsed = signature == "APIC"   ? parse_madt(table, topology)
                  : signature == "SRAT" ? parse_srat(table, topology)
                                        : parse_hpet(table, topology);
    TRY(std::move(parsed), "parsing an ACPI table", Phys(physical));
    return {};
}

rstate::Result<> read_topology(Bytes rsdp, const PhysicalView &view, Topology &topology) {
    if (rsdp.size() < 20) return FAIL(bad_table, "the ACPI root pointer is cut off", rsdp.size());
    // §5.2.5.3: from revision 2 on, a second checksum covers the added fields. If it is wrong, or the XSDT
    // cannot be read, the RSDT is used.
    const bool has_xsdt = rsdp[15] >= 2 && rsdp.size() >= rsdp_bytes &&
                          sums_to_zero(rsdp.first(rsdp_bytes)) && word(rsdp, 24, 8) != 0 &&
                          !view(word(rsdp, 24, 8), header_bytes).empty();
    const u64 root = has_xsdt ? word(rsdp, 24, 8) : word(rsdp, 16, 4);
    const usize entry_size = has_xsdt ? 8 : 4;
    const Bytes list = TRY(read_table(view, root), "reading the ACPI root table", Phys(root));
    if (!has_signature(list, has_xsdt ? "XSDT" : "RSDT"))
        return FAIL(bad_table, "the ACPI root table has the wrong signature", Phys(root));
    // The MADT first: the SRAT's nodes are written into the cores' entries.
    for (const Text wanted : {Text("APIC"), Text("SRAT"), Text("HPET")}) {
        for (usize at = header_bytes; list.holds(at, entry_size); at += entry_size) {
            const u64 physical = word(list, at, entry_size);
            const Bytes header = view(physical, header_bytes);
            topology.out_of_reach |= header.empty();
            if (!has_signature(header, wanted)) continue; // other tables are not needed
            auto parsed = read_and_parse(view, physical, wanted, topology);
            if (parsed.ok()) continue;
            // A guess about which cores there are would be worse than a refusal.
            if (wanted == "APIC")
                return WRAP(parsed.take_error(), "reading which cores there are", Phys(physical));
            if (wanted == "SRAT") forget_nodes(topology);
            rstate::report(parsed.take_error(), "the boot goes on without this ACPI table");
        }
    }
    return {};
}

} // namespace boot
