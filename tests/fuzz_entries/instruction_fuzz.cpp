// tests/fuzz_entries/instruction_fuzz.cpp — any bytes where a target faulted: decoded without reading beyond
// them.
#include "guest/instruction.h"

#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const u8 *data, usize size) {
    // In a block of exactly its size, so that AddressSanitizer sees a read beyond it.
    const std::vector<u8> code(data, data + min(size, vm::max_instruction_bytes));
    const guest::Instruction instruction = guest::decode({code.data(), code.size()}, vm::Registers(), 0, 0);
    CHECK(instruction.length <= code.size(), "an instruction ends inside its bytes", instruction.length);
    return 0;
}
