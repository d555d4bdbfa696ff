// vm/held_frame.h — a frame on its way: it goes back unless somebody keeps it.
#pragma once

#include "mm/physical.h"

namespace vm {

template <mm::FrameAllocator Frames> struct HeldFrame {
    Frames &frames;
    Phys frame;
    mm::Owner owner;
    bool kept = false;
    ~HeldFrame() {
        if (!kept) frames.free(frame, owner);
    }
    Phys keep() {
        kept = true;
        return frame;
    }
};

} // namespace vm
