// base/check.cpp — collects a failed check's values and calls the program's check_failed.
#include "base/check.h"

void check_failed_with(const CheckSite &site, u32 count, u64 a, u64 b, u64 c, u64 d) {
    const u64 values[] = {a, b, c, d};
    check_failed(site, values, count);
}
