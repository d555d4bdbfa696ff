// boot/formats/codes.h — error codes of the parsers and the boot; docs/errors.md defines each.
#pragma once

#include "rstate/site.h"

namespace boot {

inline constexpr rstate::Code bad_handoff{"boot.bad_handoff"};
inline constexpr rstate::Code damaged{"boot.damaged"};
inline constexpr rstate::Code bad_memory_map{"boot.bad_memory_map"};
inline constexpr rstate::Code too_little_memory{"boot.too_little_memory"};
inline constexpr rstate::Code bad_table{"boot.bad_table"};
inline constexpr rstate::Code unexpected_exception{"boot.unexpected_exception"};

inline constexpr rstate::Code elf_malformed{"boot.elf_malformed"};
inline constexpr rstate::Code elf_unsupported{"boot.elf_unsupported"};
inline constexpr rstate::Code elf_no_symbols{"boot.elf_no_symbols"};

inline constexpr rstate::Code bundle_malformed{"boot.bundle_malformed"};
inline constexpr rstate::Code bundle_damaged{"boot.bundle_damaged"};
inline constexpr rstate::Code bundle_missing{"boot.bundle_missing"};

inline constexpr rstate::Code option_malformed{"boot.option_malformed"};
inline constexpr rstate::Code option_unknown{"boot.option_unknown"};

} // namespace boot
