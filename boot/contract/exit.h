// boot/contract/exit.h — the exit statuses of the machine under QEMU: values for its isa-debug-exit device.
//
// The device ends QEMU with status value * 2 + 1, so no value means QEMU's own 0, which a triple fault
// also gives. A real machine has no device at this port.
#pragma once

#include "base/types.h"

namespace boot {

constexpr u16 debug_exit_port = 0xF4;
constexpr u32 exit_ok = 0x10;
constexpr u32 exit_target_crashed = 0x11;   // replay only
constexpr u32 exit_target_timed_out = 0x12; // replay only
constexpr u32 exit_system_failed = 0x1C;
constexpr u32 exit_tests_failed = 0x1D;

} // namespace boot
