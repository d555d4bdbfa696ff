// guest/stack_walk.cpp — see stack_walk.h.
#include "guest/stack_walk.h"

#include "guest/recursion.h"

namespace guest {

namespace {

// Chosen: enough rounds of a deep recursion to see it, and few enough for each of many such crashes.
constexpr u32 most_steps = 1024;
constexpr Text harness = "LLVMFuzzerTestOneInput";

// Whether a call instruction ends at `address`: E8 rel32, or FF /2 in one of its lengths.
bool follows_call(const Memory &memory, const Program &program, u64 address) {
    constexpr u64 longest_call = 7;
    u8 before[longest_call] = {};
    if (address < longest_call || !program.elf().is_code(address - 1)) return false;
    if (!memory.peek(GuestVirt(address - longest_call), before)) return false;
    if (before[2] == 0xe8) return true;
    for (const u64 length : {2ul, 3ul, 4ul, 6ul, 7ul}) {
        const u8 opcode = before[longest_call - length], modrm = before[longest_call - length + 1];
        if (opcode == 0xff && (modrm >> 3 & 7) == 2) return true;
    }
    return false;
}

// The part of a stack where frames may lie.
struct Stack {
    u64 bottom = stack_bottom, top = RL_STACK_TOP;
    bool holds(u64 address, u64 bytes) const {
        return address >= bottom && address <= top && bytes <= top - address;
    }
};

// The stack in which sp lies. Another than the first thread's is memory from which a library made one: of it,
// as much as lies above sp and belongs to the same region.
Stack stack_of(const GuestLayout &layout, u64 sp) {
    const Stack first;
    if (first.holds(sp, 0)) return first;
    const Region *region = layout.find(sp, sizeof(u64));
    if (region == nullptr) return first;
    return {sp, sp + min<u64>(region->end() - sp, RL_STACK_SIZE)};
}

// The two words to which rbp points: the saved rbp and the return address.
struct Record {
    u64 saved = 0, back = 0;
};

// Whether `bp` points to a record. Outer frames lie higher, so the saved rbp is the address of a record
// above, or zero.
bool read_record(const Memory &memory, const Program &program, const Stack &stack, u64 bp, Record &record) {
    if (!is_aligned(bp, 8) || !stack.holds(bp, sizeof(record)) || !memory.peek(GuestVirt(bp), record))
        return false;
    return (record.saved > bp || record.saved == 0) && follows_call(memory, program, record.back);
}

// The next address at or above `from` with a record that leads to another record: there the chain continues
// after code that uses rbp for something else, as C libraries do. 0 when there is none.
u64 search_record(const Memory &memory, const Program &program, const Stack &stack, u64 from) {
    constexpr u64 most_words = 4096;
    for (u64 at = align_up(from, 8), i = 0; i < most_words && stack.holds(at, sizeof(Record)); at += 8, ++i) {
        Record record, outer;
        if (read_record(memory, program, stack, at, record) &&
            read_record(memory, program, stack, record.saved, outer))
            return at;
    }
    return 0;
}

// Whether the function has its own frame at pc: it begins with `push rbp; mov rbp, rsp`, and pc is behind
// them. All functions of the target do, but few of a C library.
bool has_frame(const Memory &memory, const Program &program, u64 pc) {
    const Function *function = program.symbols().find(pc);
    if (function == nullptr) return false;
    constexpr u8 endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa}, set_up[] = {0x55, 0x48, 0x89, 0xe5};
    u64 at = function->address;
    u8 code[4] = {};
    if (!memory.peek(GuestVirt(at), code)) return false;
    if (__builtin_memcmp(code, endbr64, sizeof(code)) == 0) {
        at += sizeof(endbr64);
        if (!memory.peek(GuestVirt(at), code)) return false;
    }
    return __builtin_memcmp(code, set_up, sizeof(code)) == 0 && pc >= at + sizeof(set_up);
}

// The first word in [from, end) that looks like a return address, if `wanted` says so too. 0: none.
template <class Wanted>
u64 search_return(const Memory &memory, const Program &program, u64 &from, u64 end, Wanted wanted) {
    for (; from + sizeof(u64) <= end; from += sizeof(u64)) {
        u64 word = 0;
        if (!memory.peek(GuestVirt(from), word)) return 0;
        if (follows_call(memory, program, word) && wanted(word)) return word;
    }
    return 0;
}

class Walk final {
  public:
    Walk(const Program &program, Span<u64> frames, Span<vm::Recursion> recursions)
        : program_(program), fold_(frames, recursions) {}
    // False when the walk ends here.
    bool add(u64 pc) {
        if (!program_.elf().is_code(pc)) return true;
        const Function *function = program_.symbols().find(pc);
        if (function != nullptr && is_runtime(function->name)) return true;
        cut_ = !fold_.add(pc, function != nullptr ? function->address : pc);
        return !cut_ && (function == nullptr || !(function->name == harness));
    }
    void cut() { cut_ = true; }
    Walked result() const { return {fold_.count(), fold_.recursion_count(), cut_}; }

  private:
    const Program &program_;
    RecursionFold fold_;
    bool cut_ = false;
};

// The callers of a function that has no frame, or has not set it up yet: the one that the first return
// address at or above sp names, and, when that has no frame either, the first above it that has, as far as
// its record at bp lies away. False when the walk ends here.
bool add_frameless(const Memory &memory, const Program &program, const Stack &stack, const Place &place,
                   Walk &walk) {
    constexpr u64 near = 64 * sizeof(u64), far = 512 * sizeof(u64);
    if (!stack.holds(place.sp, 0)) return true;
    u64 at = place.sp;
    const u64 back = search_return(memory, program, at, min(at + near, stack.top), [](u64) { return true; });
    if (back == 0) return true;
    if (!walk.add(back - 1)) return false;
    const auto framed = [&](u64 word) { return has_frame(memory, program, word - 1); };
    if (framed(back)) return true;
    const u64 end = min(place.bp > at && stack.holds(place.bp, 0) ? place.bp : stack.top, at + far);
    const u64 caller = search_return(memory, program, at, end, framed);
    return caller == 0 || walk.add(caller - 1);
}

} // namespace

Walked walk_stack(const Memory &memory, const Program &program, const Place &place, Span<u64> frames,
                  Span<vm::Recursion> recursions) {
    const Stack stack = stack_of(program.layout(), place.sp);
    Walk walk(program, frames, recursions);
    if (!walk.add(place.pc)) return walk.result();
    if (place.exact && !has_frame(memory, program, place.pc) &&
        !add_frameless(memory, program, stack, place, walk))
        return walk.result();
    u64 bp = place.bp, above = place.sp;
    for (u32 i = 0; i < most_steps; ++i) {
        Record record;
        if (!read_record(memory, program, stack, bp, record)) {
            bp = search_record(memory, program, stack, above);
            if (bp == 0 || !read_record(memory, program, stack, bp, record)) return walk.result();
        }
        if (!walk.add(record.back - 1) || record.saved == 0) return walk.result();
        above = bp + sizeof(record);
        bp = record.saved;
    }
    walk.cut();
    return walk.result();
}

} // namespace guest
