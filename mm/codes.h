// mm/codes.h — what can go wrong in memory management, each defined by meaning in docs/errors.md.
#pragma once

#include "rstate/site.h"

namespace mm {

inline constexpr rstate::Code out_of_frames{"mm.out_of_frames"}; // no pool has a frame left
inline constexpr rstate::Code no_contiguous{
    "mm.no_contiguous"};                                     // free frames, but not so many contiguous ones
inline constexpr rstate::Code no_slot{"mm.no_slot"};         // every window slot is pinned
inline constexpr rstate::Code bad_address{"mm.bad_address"}; // not of this space, or not of a page
inline constexpr rstate::Code not_mapped{"mm.not_mapped"};   // nothing is mapped there
inline constexpr rstate::Code already_mapped{"mm.already_mapped"};     // something is, or is reserved, there
inline constexpr rstate::Code wrong_key{"mm.wrong_key"};               // another range's reservation
inline constexpr rstate::Code no_address_space{"mm.no_address_space"}; // no gap found for so many pages
inline constexpr rstate::Code too_large{"mm.too_large"};               // more than one allocation may be
inline constexpr rstate::Code out_of_records{"mm.out_of_records"};     // as many ranges live as can ever be

// What a fault or a free turns out to be, when it is explained.
inline constexpr rstate::Code forbidden_access{"mm.forbidden_access"}; // mapped, but not for this access
inline constexpr rstate::Code out_of_bounds{"mm.out_of_bounds"};   // beside a live range: over- or underflow
inline constexpr rstate::Code use_after_free{"mm.use_after_free"}; // in, or beside, a range that was freed
inline constexpr rstate::Code not_backed{"mm.not_backed"};         // reserved, and nothing is there yet
inline constexpr rstate::Code null_access{"mm.null_access"};       // near address 0
inline constexpr rstate::Code uninitialised_pointer{
    "mm.uninitialised_pointer"};                             // out of fresh or slack memory
inline constexpr rstate::Code wild_access{"mm.wild_access"}; // nothing known is near
inline constexpr rstate::Code stale_pin{"mm.stale_pin"};     // through a window slot after its pin
inline constexpr rstate::Code double_free{"mm.double_free"};
inline constexpr rstate::Code bad_free{"mm.bad_free"};     // not the start of a live block
inline constexpr rstate::Code wrong_size{"mm.wrong_size"}; // freed with another size
inline constexpr rstate::Code slack_overwritten{
    "mm.slack_overwritten"}; // found at free: bytes beside a block

} // namespace mm
