// mm/explain.h — what an address turned out to be, as a value that a page-fault handler prints as a chain.
#pragma once

#include "mm/codes.h"
#include "mm/record.h"

namespace mm {

struct Explanation {
    const rstate::Code *code = nullptr;
    const char *text = ""; // one sentence, constant
    Virt address;
    bool has_range = false; // `range` is what the address belongs to, or lies beside
    Record range;

    void set(const rstate::Code &what, const char *sentence) { code = &what, text = sentence; }
    // From the start of what was asked for; negative before it.
    i64 offset() const { return static_cast<i64>(address - range.block); }
    bool inside() const { return address >= range.block && address - range.block < range.size; }
};

// The chain: what happened; what the address belongs to; who freed that; who allocated it, the origin.
rstate::Error to_error(const Explanation &what);

// By the address alone: a null pointer, one that is not canonical, one read out of fresh memory. False: none
// of these.
bool explain_by_value(Explanation &what);
// By the page-table entry of an address inside or beside `what.range`. `fault_code` is the processor's.
void explain_by_entry(Explanation &what, Entry entry, u64 fault_code);

// Fresh heap memory holds this word, and the bytes beside a block hold the slack's: both are non-canonical
// whichever byte a read starts at, so using one as a pointer faults, and is recognised.
constexpr u64 fresh_word = 0xACDC'ACDC'ACDC'ACDC;
constexpr u8 slack_byte = 0x5C;
bool looks_uninitialised(u64 address);

} // namespace mm
