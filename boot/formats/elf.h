// boot/formats/elf.h — a 64-bit x86 ELF file read in place: segments and symbols. Allocates and maps nothing.
//
// parse() checks everything that the accessors rely on, so those cannot fail: the headers lie inside the
// file, loadable segments ascend, share no page, fit the lower half, and none is both writable and
// executable. The bytes must outlive the Elf and everything taken from it.
#pragma once

#include "base/span.h"
#include "base/text.h"
#include "rstate/result.h"

namespace boot {

enum class SegmentKind : u8 { load, interpreter, other };

struct Segment {
    SegmentKind kind = SegmentKind::other;
    bool readable = false, writable = false, executable = false;
    u64 address = 0;
    u64 memory_size = 0; // memory behind `bytes` is zero
    Bytes bytes;

    u64 end() const { return address + memory_size; }
    u64 first_page() const { return align_down(address, page_size); }
    u64 end_page() const { return align_up(end(), page_size); }
};

struct Symbol {
    enum class Kind : u8 { none = 0, object = 1, function = 2, other = 0xff };
    Text name;
    u64 address = 0;
    u64 size = 0;
    Kind kind = Kind::none;
    bool defined = false;
};

class SymbolTable final {
  public:
    SymbolTable(Bytes entries, Bytes names) : entries_(entries), names_(names) {}
    u64 count() const;
    // An unreadable name is empty.
    Symbol at(u64 index) const;

  private:
    Bytes entries_, names_;
};

class Elf final {
  public:
    static rstate::Result<Elf> parse(Bytes file);

    bool position_independent() const { return position_independent_; }
    bool has_interpreter() const { return has_interpreter_; }
    u64 entry() const { return entry_; }
    // The image spans [start, end), whole pages; start is 0 for most position independent files.
    u64 start() const { return start_; }
    u64 end() const { return end_; }

    u32 segment_count() const { return segment_count_; }
    Segment segment(u32 index) const;
    // The address at which the loaded image holds its own program headers, or 0 when no segment covers them.
    u64 program_headers() const;
    // True when an executable segment contains this address.
    bool is_code(u64 address) const;
    rstate::Result<SymbolTable> symbols() const;

  private:
    explicit Elf(Bytes file) : file_(file) {}
    rstate::Result<void> check_segments();
    rstate::Result<void> check_load(const Segment &segment, u64 alignment, u64 offset);

    Bytes file_;
    u64 entry_ = 0, start_ = 0, end_ = 0;
    u64 segments_at_ = 0, sections_at_ = 0;
    u32 segment_count_ = 0, section_count_ = 0;
    bool position_independent_ = false, has_interpreter_ = false;
};

} // namespace boot
