// stage2/kernel_file.h — the kernel's ELF file, relocated in place to the kernel base, then copied page by
// page.
//
// Its XXH64 was verified, so the build made it and checked it; the checks here show only that this loader
// knows its form. boot/formats/elf.h reads untrusted ELF files.
#pragma once

#include "base/span.h"
#include "rstate/result.h"

namespace stage2 {

class KernelFile final {
  public:
    struct Segment {
        u64 address = 0; // in the image, which begins at 0
        u64 end = 0;     // memory behind `bytes` is zero
        Bytes bytes;
        bool writable = false, executable = false;

        u64 first_page() const { return align_down(address, page_size); }
        u64 end_page() const { return align_up(end, page_size); }
    };

    // The file must outlive the KernelFile and begin on an 8-byte boundary.
    static rstate::Result<KernelFile> parse(MutableBytes file);

    u64 build_id() const;
    u64 entry() const;
    u64 pages() const { return pages_; }
    u64 text_bytes() const { return text_bytes_; }
    // Adds `base` to every pointer of the image, in the file. A second call adds again; the negative base
    // undoes it.
    rstate::Result<> relocate(u64 base);
    // Calls use(segment) for each loadable segment, until one fails.
    template <class Use> rstate::Result<> for_each_segment(Use use) const {
        for (u32 i = 0; i < part_count(); ++i)
            if (is_loaded(i)) TRY(use(segment(i)), "loading a segment of the kernel", i);
        return {};
    }

  private:
    explicit KernelFile(MutableBytes file) : file_(file) {}
    u32 part_count() const;
    bool is_loaded(u32 part) const;
    Segment segment(u32 part) const;
    // The file's bytes behind [address, address + size) of the image; empty when no segment holds them.
    MutableBytes at(u64 address, u64 size) const;

    MutableBytes file_;
    u64 pages_ = 0, text_bytes_ = 0;
};

} // namespace stage2
