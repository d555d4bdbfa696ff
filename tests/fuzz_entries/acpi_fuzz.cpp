// tests/fuzz_entries/acpi_fuzz.cpp — any bytes as physical memory that begins with an ACPI root pointer.
#include <cstring>
#include <vector>

#include "boot/formats/acpi.h"
#include "rstate/error.h"

namespace {

struct Memory {
    std::vector<u8> bytes;
};

Bytes read(void *context, u64 at, u64 length) {
    const auto &bytes = static_cast<Memory *>(context)->bytes;
    const Bytes all(bytes.data(), bytes.size());
    return all.holds(at, length) ? all.sub(at, length) : Bytes();
}

// A fuzzer does not find checksums: every table whose length fits gets the right one, so that the code behind
// the check is reached.
void sign_tables(std::vector<u8> &bytes) {
    for (usize at = 0; at + 36 <= bytes.size(); at += 4) {
        if (std::memcmp(&bytes[at], "APIC", 4) != 0 && std::memcmp(&bytes[at], "SRAT", 4) != 0 &&
            std::memcmp(&bytes[at], "XSDT", 4) != 0 && std::memcmp(&bytes[at], "RSDT", 4) != 0)
            continue;
        u32 length = 0;
        std::memcpy(&length, &bytes[at + 4], 4);
        if (length < 36 || length > bytes.size() - at) continue;
        u8 sum = 0;
        for (usize i = 0; i < length; ++i) sum = static_cast<u8>(sum + bytes[at + i]);
        bytes[at + 9] = static_cast<u8>(bytes[at + 9] - sum);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8 *data, usize size) {
    Memory memory{std::vector<u8>(data, data + size)};
    sign_tables(memory.bytes);
    const Bytes all(memory.bytes.data(), memory.bytes.size());
    const usize found = boot::find_rsdp(all);
    CHECK(found == all.size() || all.holds(found, 20), "a root pointer lies inside", found);
    boot::Topology topology;
    rstate::handled(boot::read_topology(all.first(min(all.size(), 36ul)), {read, &memory}, topology));
    rstate::handled(boot::parse_madt(all, topology));
    rstate::handled(boot::parse_srat(all, topology));
    CHECK(topology.core_count <= max_cores && topology.node_range_count <= boot::Topology::max_node_ranges,
          "counts stay within the arrays", topology.core_count, topology.node_range_count);
    for (const u64 at : {0ul, 1_GiB, ~0ul}) static_cast<void>(topology.node_of_memory(at));
    CHECK(rstate::frames_in_use(0) == 0, "every error was released");
    return 0;
}
