// mm/boot_frames.h — stage2's frame allocator: frames from the end of a core's range, counted in the range.
//
// It never frees: what stage2 takes lives on in the kernel, whose frame pools have it as Owner::boot and can
// free it frame by frame.
#pragma once

#include "mm/bootstrap.h"
#include "mm/codes.h"
#include "mm/physical.h"

namespace mm {

class BootFrames final {
  public:
    explicit BootFrames(PhysRange &range) : range_(&range) {}

    rstate::Result<Phys> allocate(Owner) {
        for (;;) {
            const u64 free_bytes = range_->bytes - range_->boot_bytes;
            if (free_bytes < 2 * page_size)
                return FAIL(out_of_frames, "this core's memory is used up", range_->first, range_->bytes);
            range_->boot_bytes += page_size;
            const Phys frame = range_->first + (free_bytes - page_size);
            if (!range_->holds_frame_table(frame)) return frame;
        }
    }
    // Only called to undo a failed step: the frame stays taken, which costs a page and nothing else.
    void free(Phys, Owner) {}
    void free_all(Span<const Phys>, Owner) {}

  private:
    PhysRange *range_;
};
static_assert(FrameAllocator<BootFrames>);

} // namespace mm
