// guest/services.cpp — see services.h.
#include "guest/services.h"

#include "guest/tables.h"

namespace guest {

namespace {

constexpr i64 no_memory = -12, invalid = -22; // error numbers of Linux

} // namespace

void Services::print(u64 address, u64 size) {
    if (program_->layout().readable(address, size)) printer_.print(memory_, address, size);
}

rstate::Result<i64> Services::protect(u64 address_and_rights, u64 size) {
    const u64 address = align_down(address_and_rights, page_size), rights = address_and_rights % page_size;
    constexpr u64 all_rights = RL_RIGHT_READ | RL_RIGHT_WRITE | RL_RIGHT_EXECUTE;
    if (!is_aligned(size, page_size) || (rights & ~all_rights) != 0) return invalid;
    Tables tables(memory_, program_->layout(), state_.spare_tables);
    const bool changed = TRY(tables.protect(address, size, rights),
                             "changing the rights of the target's pages", address, size, rights);
    state_.spare_tables = tables.spare_used();
    return changed ? 0 : no_memory;
}

} // namespace guest
