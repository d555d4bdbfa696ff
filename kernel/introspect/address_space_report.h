// kernel/introspect/address_space_report.h — tells what is mapped: how exposed the kernel is at each boot,
// every range on request.
#pragma once

#include "rstate/result.h"

namespace kernel {

// One line: how many pages are live, and how seldom a random address hits one.
rstate::Result<> tell_exposure();
// One "range" record for each live range, then one "layout" record. No range may come or go meanwhile, or the
// records say less than the tables hold.
rstate::Result<> tell_layout();

} // namespace kernel
