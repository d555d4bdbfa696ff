// boot/codes.h — what can be wrong with what firmware and disk give us; docs/errors.md has the meanings.
#pragma once

#include "rstate/site.h"

namespace boot {

inline constexpr rstate::Code bad_handoff{"boot.bad_handoff"};
inline constexpr rstate::Code damaged{"boot.damaged"};
inline constexpr rstate::Code bad_memory_map{"boot.bad_memory_map"};
inline constexpr rstate::Code too_little_memory{"boot.too_little_memory"};
inline constexpr rstate::Code no_acpi{"boot.no_acpi"};
inline constexpr rstate::Code bad_table{"boot.bad_table"};

} // namespace boot
