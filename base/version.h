// base/version.h — the version, defined here alone: the kernel prints it, and tools/rl/common.py reads this
// line.
#pragma once

inline constexpr char raclette_version[] = "0.2.0";
