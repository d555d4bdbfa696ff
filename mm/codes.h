// mm/codes.h — what can go wrong in memory management, each defined by meaning in docs/errors.md.
#pragma once

#include "rstate/site.h"

namespace mm {

inline constexpr rstate::Code out_of_frames{"mm.out_of_frames"};       // no pool has a frame left
inline constexpr rstate::Code no_contiguous{"mm.no_contiguous"};       // frames, but not that many in a row
inline constexpr rstate::Code no_slot{"mm.no_slot"};                   // every window slot is pinned
inline constexpr rstate::Code bad_address{"mm.bad_address"};           // not of this space, or not of a page
inline constexpr rstate::Code not_mapped{"mm.not_mapped"};             // nothing is mapped there
inline constexpr rstate::Code already_mapped{"mm.already_mapped"};     // something is, or is reserved, there
inline constexpr rstate::Code wrong_key{"mm.wrong_key"};               // a reservation of somebody else
inline constexpr rstate::Code no_address_space{"mm.no_address_space"}; // no gap found for so many pages
inline constexpr rstate::Code too_large{"mm.too_large"};               // more than one allocation may be
inline constexpr rstate::Code out_of_records{"mm.out_of_records"};     // as many ranges live as can ever be
inline constexpr rstate::Code forbidden_access{"mm.forbidden_access"}; // mapped, but not for this access

} // namespace mm
