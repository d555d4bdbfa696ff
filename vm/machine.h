// vm/machine.h — the concept of a virtual machine, for every processor vendor: what the guest layer uses.
//
// Order of calls:   write memory, set registers, run ... take_snapshot or attach
//                   then for each case: write the input, run, read memory, reset.
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
                      MutableBytes out, Bytes in, u64 number, u8 byte, Snapshot &snapshot, Viewer viewer,
                      const SystemRegisters &system) {
    // Runs the guest until an exit that the caller must handle. New pages and host ticks are counted only.
    { vm.run() } -> std::same_as<rstate::Result<Exit>>;
    // Moves RIP behind the instruction that caused `exit`.
    { vm.skip_instruction(exit) } -> std::same_as<rstate::Result<void>>;
    { vm.registers() } -> std::same_as<Registers &>;
    { constant.system() } -> std::same_as<SystemRegisters>;
    { vm.set_system(system) } -> std::same_as<void>;
    // Whether ring 3 can set the bases of FS and GS by itself (WRFSBASE).
    { constant.user_sets_bases() } -> std::same_as<bool>;
    // run() returns ExitKind::deadline when this many host ticks passed since this call or the last reset;
    // 0: never.
    { vm.set_deadline(number) } -> std::same_as<void>;

    // The guest's memory. Reading never copies a page; writing makes it private and dirty.
    { constant.memory_size() } -> std::same_as<u64>;
    { vm.read(physical, out) } -> std::same_as<rstate::Result<void>>;
    { vm.write(physical, in) } -> std::same_as<rstate::Result<void>>;
    { vm.translate(virt) } -> std::same_as<rstate::Result<GuestPhys>>;
    { vm.read(virt, out) } -> std::same_as<rstate::Result<void>>;
    { vm.write(virt, in) } -> std::same_as<rstate::Result<void>>;
    // Visits the bytes in place, at most a page at a time: visit(offset, Bytes). They are valid during the
    // call.
    { vm.view(physical, number, viewer) } -> std::same_as<rstate::Result<void>>;
    { vm.view(virt, number, viewer) } -> std::same_as<rstate::Result<void>>;

    // Declares, before anything uses these pages, that memory there holds `byte` until it is written, not
    // zero. They cost nothing until then. Once; a machine that is attached takes over the snapshot's.
    { vm.set_fill(physical, number, byte) } -> std::same_as<rstate::Result<void>>;
    // Declares, before the snapshot, that these pages hold the guest's page tables with accessed and dirty
    // bits already set. The processor marks them as written although their bytes never change (APM vol 2
    // §15.25.5 "Nested Table Walk"), so they stay shared and are not restored. One that the host writes
    // becomes private to this machine.
    { vm.protect_tables(physical, number) } -> std::same_as<rstate::Result<void>>;
    // The host changed the guest's page tables: the next entry flushes.
    { vm.forget_translations() } -> std::same_as<void>;
    { vm.take_snapshot(snapshot) } -> std::same_as<rstate::Result<void>>;
    { vm.attach(snapshot) } -> std::same_as<rstate::Result<void>>;
    { vm.reset() } -> std::same_as<rstate::Result<void>>;
    // XXH64 of all memory and registers, equal to Snapshot::digest exactly when they are equal.
    { vm.digest() } -> std::same_as<rstate::Result<u64>>;
    { vm.statistics() } -> std::same_as<Statistics &>;
    { constant.statistics() } -> std::same_as<const Statistics &>;
};

} // namespace vm
