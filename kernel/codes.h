// kernel/codes.h — the kernel's error codes; docs/errors.md has the meanings.
#pragma once

#include "rstate/site.h"

namespace kernel {

inline constexpr rstate::Code unexpected_exception{"kernel.unexpected_exception"};
inline constexpr rstate::Code machine_check{"kernel.machine_check"};
inline constexpr rstate::Code bad_arguments{"kernel.bad_arguments"};
inline constexpr rstate::Code not_released{"kernel.not_released"};
inline constexpr rstate::Code not_kept{"kernel.not_kept"};
inline constexpr rstate::Code no_answer{"kernel.no_answer"};
inline constexpr rstate::Code no_such_mode{"kernel.no_such_mode"};

} // namespace kernel
