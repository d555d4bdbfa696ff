// rstate/error.cpp — the frame pools, and what an error does with its frames. See error.h.
#include "rstate/error.h"

#include "base/check.h"
#include "base/hash.h"
#include "base/log.h"
#include "rstate/result.h"

namespace rstate {

namespace {

constinit Pool first_pool;
constinit Pool *pools[max_cores] = {};
constinit Atomic<u64> dropped_count;
constinit Atomic<u64> in_panic; // cores that may use the panic reserve, one bit each

// Core 0 has a pool from the start. (pools[0] is not initialised with it: data that is not zero would make
// stage2's file larger.)
Pool *pool_of(u32 core) {
    if (core >= max_cores) return nullptr;
    return core == 0 && pools[0] == nullptr ? &first_pool : pools[core];
}

// Interrupts and other cores take and return frames of this pool at any time: each frame has one atomic bit.
Frame *take_frame(u32 core) {
    Pool *pool = pool_of(core);
    if (pool == nullptr) return nullptr;
    const bool reserve = (in_panic.load() >> core & 1) != 0;
    const u32 words = (reserve ? frames_per_pool : frames_per_pool - panic_reserve) / 64;
    for (u32 word = 0; word < words; ++word) {
        u64 used = pool->used[word].load();
        while (used != ~0ul) {
            const u32 bit = static_cast<u32>(__builtin_ctzl(~used));
            if (pool->used[word].compare_exchange(used, used | 1ul << bit, Order::acquire, Order::relaxed))
                return &pool->frames[word * 64 + bit];
        }
    }
    return nullptr;
}

void return_frame(Frame *frame) {
    Pool *pool = pool_of(frame->core);
    const usize index = static_cast<usize>(frame - pool->frames);
    CHECK(index < frames_per_pool, "a frame returns to the pool it came from", index);
    const u64 bit = 1ul << (index % 64);
    const u64 before = pool->used[index / 64].fetch_and(~bit, Order::release);
    CHECK((before & bit) != 0, "a frame is returned once", index);
}

Frame *new_frame(const Code &code, const Site &site, Frame *inner, u64 a, u64 b, u64 c, u64 d) {
    const u32 core = current_core();
    Frame *frame = take_frame(core);
    if (frame == nullptr) return nullptr;
    *frame = {&site, &code, inner, nullptr, {a, b, c, d}, static_cast<u16>(core), 0};
    return frame;
}

} // namespace

const Pool *pool_of_core(u32 core) { return pool_of(core); }

void attach_pool(u32 core, Pool &pool) {
    CHECK(core < max_cores, "a core has a number below max_cores", core);
    pools[core] = &pool;
}

void open_reserve() { in_panic.fetch_or(1ul << current_core()); }

u32 frames_in_use(u32 core) {
    u32 count = 0;
    const Pool *pool = pool_of(core);
    if (pool == nullptr) return 0;
    for (const Atomic<u64> &word : pool->used) count += static_cast<u32>(__builtin_popcountl(word.load()));
    return count;
}

void result_without_value() {
    CHECK(false, "a value is asked only of a result that has one");
    __builtin_unreachable();
}

void result_without_error() {
    CHECK(false, "a failed result carries an error");
    __builtin_unreachable();
}

u64 dropped_errors() { return dropped_count.load(); }

Error &Error::operator=(Error &&other) {
    if (this == &other) return *this;
    if (present()) drop(word_);
    word_ = other.word_;
    other.word_ = 0;
    return *this;
}

u64 make_frame(const Code &code, const Site &site, u64 a, u64 b, u64 c, u64 d) {
    const Frame *frame = new_frame(code, site, nullptr, a, b, c, d);
    return frame != nullptr ? reinterpret_cast<u64>(frame) : Error::bare_word(code);
}

// The code's address is canonical: its upper sixteen bits hold the core instead.
u64 Error::bare_word(const Code &code) {
    return (reinterpret_cast<u64>(&code) & (1ul << 48) - 1) | u64{current_core()} << 48 | 1;
}
const Code &Error::bare_code() const {
    const i64 extended = static_cast<i64>((word_ & ~1ul) << 16) >> 16;
    return *reinterpret_cast<const Code *>(extended);
}

u64 extend_frame(u64 word, const Site &site, u64 a, u64 b, u64 c, u64 d) {
    CHECK(word > Error::taken, "an error is passed on once");
    if ((word & 1) != 0) return word; // only the code is left; print_error says that
    Frame *inner = reinterpret_cast<Frame *>(word);
    Frame *frame = new_frame(*inner->code, site, inner, a, b, c, d);
    if (frame != nullptr) {
        frame->after = inner->after; // the link belongs to the outermost frame
        inner->after = nullptr;
        return reinterpret_cast<u64>(frame);
    }
    if (inner->lost != 0xFFFF) ++inner->lost;
    return word;
}

const Code &Error::code() const {
    CHECK(present(), "a code is asked only of an error that is present");
    if ((word_ & 1) != 0) return bare_code();
    return *frame()->code;
}

u32 Error::core() const {
    const Frame *origin = frame();
    if (origin == nullptr) return static_cast<u32>(word_ >> 48);
    while (origin->inner != nullptr) origin = origin->inner;
    return origin->core;
}

u64 Error::hash() const {
    Xxh64 hash;
    hash.add(Text(code().name).bytes());
    for (const Frame *f = frame(); f != nullptr; f = f->inner) {
        hash.add(Text(f->site->function).bytes());
        hash.add(Text(f->site->text).bytes());
    }
    return hash.digest();
}

void Error::release() {
    Frame *next = !present() || (word_ & 1) != 0 ? nullptr : reinterpret_cast<Frame *>(word_);
    Frame *after = nullptr;
    while (next != nullptr) {
        Frame *frame = next;
        if (frame->after != nullptr) after = frame->after; // only outermost frames have one
        next = frame->inner != nullptr ? frame->inner : after;
        if (frame->inner == nullptr) after = nullptr;
        return_frame(frame);
    }
    word_ = 0;
}

Error followed_by(Error error, Error later) {
    Frame *last = (error.word_ & 1) != 0 ? nullptr : reinterpret_cast<Frame *>(error.word_);
    Frame *next = (later.word_ & 1) != 0 ? nullptr : reinterpret_cast<Frame *>(later.word_);
    CHECK(error.present() && later.present(), "an error follows another one");
    if (last == nullptr || next == nullptr) { // no frame was free to link them
        report(std::move(later), "after another failure");
        return error;
    }
    while (last->after != nullptr) last = last->after;
    last->after = next;
    later.word_ = 0;
    return error;
}

void consume(Error error) {
    CHECK(error.present(), "an error is printed, handled or ignored once");
    error.release();
}

void Error::drop(u64 word) {
    Error error = from_word(word);
    dropped_count.fetch_add(1);
    log_line("rstate: BUG: an error was dropped without being consumed:");
    report(std::move(error));
}

void report(Error error, Text about) {
    CHECK(error.present(), "an error is printed, handled or ignored once");
    const LogSection together;
    print_error({[](void *, Text line) { log_line(line); }, nullptr}, error, about);
    error.release();
}

} // namespace rstate
