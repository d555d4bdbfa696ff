// kernel/introspect/address_space_report.h — the address-space report: how much of the kernel's address space
// is mapped, and on request every range.
#pragma once

#include "rstate/result.h"

namespace kernel {

// Prints one line: how many pages are mapped, and how rarely a random address hits one (KASLR's figure).
rstate::Result<> report_live_pages();
// Prints a "range" record for each live range, then a "layout" record. The caller makes sure that no range
// comes or goes meanwhile; otherwise the records and the tables differ.
rstate::Result<> report_layout();

} // namespace kernel
