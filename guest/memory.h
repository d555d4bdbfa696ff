// guest/memory.h — a machine's memory without the machine's type, so that the cold paths are not templates.
#pragma once

#include "base/addr.h"
#include "base/span.h"
#include "vm/machine.h"

namespace guest {

// Refers to a machine that outlives it. Virtual addresses are translated by the guest's own page tables
// without regard to permissions: a caller that takes an address from the target must check it with
// GuestLayout first.
class Memory final {
  public:
    template <vm::Vm Machine> static Memory of(Machine &machine) {
        static constexpr Operations operations = {
            [](void *m, GuestPhys at, MutableBytes out) { return static_cast<Machine *>(m)->read(at, out); },
            [](void *m, GuestPhys at, Bytes in) { return static_cast<Machine *>(m)->write(at, in); },
            [](void *m, GuestVirt at, MutableBytes out) { return static_cast<Machine *>(m)->read(at, out); },
            [](void *m, GuestVirt at, Bytes in) { return static_cast<Machine *>(m)->write(at, in); },
        };
        return Memory(&machine, operations);
    }

    rstate::Result<void> read(GuestPhys at, MutableBytes out) const {
        return does_->read_physical(machine_, at, out);
    }
    rstate::Result<void> write(GuestPhys at, Bytes in) const {
        return does_->write_physical(machine_, at, in);
    }
    rstate::Result<void> read(GuestVirt at, MutableBytes out) const {
        return does_->read_virtual(machine_, at, out);
    }
    rstate::Result<void> write(GuestVirt at, Bytes in) const {
        return does_->write_virtual(machine_, at, in);
    }

    template <class T, class Address> rstate::Result<void> load(Address at, T &out) const {
        return read(at, MutableBytes(reinterpret_cast<u8 *>(&out), sizeof(T)));
    }
    template <class T, class Address> rstate::Result<void> store(Address at, const T &in) const {
        return write(at, Bytes(reinterpret_cast<const u8 *>(&in), sizeof(T)));
    }
    // For addresses that may not be mapped: false when the memory is not readable.
    template <class T> bool peek(GuestVirt at, T &out) const {
        return peek(at, MutableBytes(reinterpret_cast<u8 *>(&out), sizeof(T)));
    }
    bool peek(GuestVirt at, MutableBytes out) const {
        auto result = read(at, out);
        const bool ok = result.ok();
        rstate::handled(std::move(result));
        return ok;
    }

  private:
    struct Operations {
        rstate::Result<void> (*read_physical)(void *, GuestPhys, MutableBytes);
        rstate::Result<void> (*write_physical)(void *, GuestPhys, Bytes);
        rstate::Result<void> (*read_virtual)(void *, GuestVirt, MutableBytes);
        rstate::Result<void> (*write_virtual)(void *, GuestVirt, Bytes);
    };
    Memory(void *machine, const Operations &does) : machine_(machine), does_(&does) {}

    void *machine_;
    const Operations *does_;
};

} // namespace guest
