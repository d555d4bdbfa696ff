// tests/fuzz_entries/svm_fuzz.cpp — any bytes as a VMCB after an exit, as an instruction, and as a guest's
// page tables: each is understood or refused, and a walk ends inside the guest's memory.
#include <cstring>

#include "svm/check.h"
#include "svm/decode.h"
#include "svm/guest_state.h"
#include "svm/instruction.h"
#include "vm/guest_walk.h"
#include "vm/prefixes.h"

namespace {

constexpr u64 memory_size = 4 * page_size;

// A guest whose whole memory is the input, repeated as zeros past its end.
struct Guest {
    Bytes bytes;
    rstate::Result<void> read(GuestPhys from, MutableBytes out) {
        if (from.value() > memory_size || out.size() > memory_size - from.value())
            return FAIL(vm::outside_memory, "the walk left the guest's memory", from);
        for (u64 i = 0; i < out.size(); ++i)
            out[i] = from.value() + i < bytes.size() ? bytes[from.value() + i] : u8(0);
        return rstate::done();
    }
};

void decode(Bytes bytes) {
    alignas(8) static svm::Vmcb vmcb;
    vmcb = {};
    std::memcpy(&vmcb, bytes.data(), min(bytes.size(), sizeof(vmcb)));
    vm::Exit exit;
    auto action = svm::decode_exit(vmcb, exit);
    if (action.ok()) CHECK(exit.what[0] != 0, "every exit has a name", vmcb.control.exit_code);
    CHECK(exit.code == vmcb.control.exit_code, "the raw code stays with it");
    rstate::handled(std::move(action));

    cpu::Features features;
    features.long_mode = features.nested_paging = true;
    features.asid_count = 16;
    const svm::Broken broken = svm::first_broken_rule(vmcb, features);
    auto checked = svm::check_vmcb(vmcb, features);
    CHECK(checked.ok() == (broken.rule == nullptr), "the check fails exactly when a rule is broken");
    rstate::handled(std::move(checked));

    u64 words[16] = {}, again[16] = {};
    svm::save_hidden(vmcb.save, words);
    svm::load_hidden(vmcb.save, words);
    svm::save_hidden(vmcb.save, again);
    CHECK(std::memcmp(words, again, sizeof(words)) == 0, "hidden state survives being kept");
}

void measure(Bytes bytes) {
    auto length = svm::instruction_length(bytes[0], bytes.from(1));
    if (length.ok())
        CHECK(length.value() >= 1 && length.value() <= min<u64>(bytes.size() - 1, vm::max_instruction_bytes),
              "an instruction lies inside its bytes", length.value());
    rstate::handled(std::move(length));
}

void walk(Bytes bytes) {
    Guest guest{bytes.from(16)};
    u64 root = 0, address = 0;
    std::memcpy(&root, bytes.data(), 8);
    std::memcpy(&address, bytes.data() + 8, 8);
    auto found = vm::walk_guest(guest, GuestPhys(root % memory_size), GuestVirt(address));
    if (found.ok()) CHECK(found.value().offset() == address % page_size, "an offset stays", address);
    rstate::handled(std::move(found));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8 *data, size_t size) {
    const Bytes bytes(data, size);
    decode(bytes);
    if (size >= 1) measure(bytes);
    if (size >= 16) walk(bytes);
    return 0;
}
