// vm/machine.h — what every virtual machine can do, whatever is behind it: the concept the guest layer sees.
//
// The life of one:   write memory, set registers, run ... take_snapshot or attach
//                    then, per case: write the input, run, look at memory, reset.
// A machine belongs to the core that made it. After take_snapshot and after reset it is exactly the snapshot.
#pragma once

#include <concepts>

#include "base/addr.h"
#include "base/span.h"
#include "rstate/result.h"
#include "vm/codes.h"
#include "vm/exit.h"
#include "vm/outcome.h"
#include "vm/registers.h"
#include "vm/snapshot.h"

namespace vm {

// Stands for any callable that `view` may be given: piece's offset from the start, piece's bytes.
using Viewer = void (*)(u64, Bytes);

template <class V>
concept Vm = requires(V vm, const V constant, const Exit &exit, GuestPhys physical, GuestVirt virt,
                      MutableBytes out, Bytes in, u64 number, Snapshot &snapshot, Viewer viewer,
                      const SystemRegisters &system) {
    // Until the guest stops for a reason that is not ours. Pages appear and ticks pass meanwhile, counted.
    { vm.run() } -> std::same_as<rstate::Result<Exit>>;
    // Moves RIP behind the instruction that caused `exit`.
    { vm.skip_instruction(exit) } -> std::same_as<rstate::Result<void>>;
    { vm.registers() } -> std::same_as<Registers &>;
    { constant.system() } -> std::same_as<SystemRegisters>;
    { vm.set_system(system) } -> std::same_as<void>;
    // run() gives Exit deadline once that many host ticks passed since this call or the last reset; 0: never.
    { vm.set_deadline(number) } -> std::same_as<void>;

    // Memory as the guest has it. Reading never copies a page; writing makes it the machine's own and dirty.
    { constant.memory_size() } -> std::same_as<u64>;
    { vm.read(physical, out) } -> std::same_as<rstate::Result<void>>;
    { vm.write(physical, in) } -> std::same_as<rstate::Result<void>>;
    { vm.translate(virt) } -> std::same_as<rstate::Result<GuestPhys>>;
    { vm.read(virt, out) } -> std::same_as<rstate::Result<void>>;
    { vm.write(virt, in) } -> std::same_as<rstate::Result<void>>;
    // The bytes in place, a page or less at a time: visit(offset, Bytes). They are valid during the call.
    { vm.view(physical, number, viewer) } -> std::same_as<rstate::Result<void>>;
    { vm.view(virt, number, viewer) } -> std::same_as<rstate::Result<void>>;

    // Says that these pages hold the guest's page tables with accessed and dirty bits already set: the
    // processor marks them written though they never change, so they are shared and never restored. Before
    // the snapshot; the host writes them no more after it.
    { vm.protect_tables(physical, number) } -> std::same_as<rstate::Result<void>>;
    { vm.take_snapshot(snapshot) } -> std::same_as<rstate::Result<void>>;
    { vm.attach(snapshot) } -> std::same_as<rstate::Result<void>>;
    { vm.reset() } -> std::same_as<rstate::Result<void>>;
    // XXH64 of all memory and registers, equal to Snapshot::digest exactly when they are equal.
    { vm.digest() } -> std::same_as<rstate::Result<u64>>;
    { constant.spent() } -> std::same_as<const Spent &>;
};

} // namespace vm
