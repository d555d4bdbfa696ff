// rstate/error.h — an error: a chain of frames from the outermost operation to the origin.
//
// Frames point at constant sites and hold up to four values; nothing is formatted or allocated until an error
// is printed. They live in a fixed pool of the core that makes them, so an error can be kept, compared and
// moved to another core, and an interrupt's error never touches the interrupted one's. When the pool is empty
// the chain is shortened and counts the missing frames.
//
// An error that happens while another one is cleaned up is printed under the first one.
#pragma once

#include "base/addr.h"
#include "base/atomic.h"
#include "base/core.h"
#include "base/format.h"
#include "rstate/site.h"

namespace rstate {

struct Frame {
    const Site *site = nullptr;
    const Code *code = nullptr; // the chain's code, in every frame: the outermost one has it too
    Frame *inner = nullptr;     // towards the origin
    Frame *after = nullptr;     // in an outermost frame: the error that followed this one
    u64 words[max_values] = {};
    u16 core = 0; // where this frame was made
    u16 lost = 0; // outer frames that are missing because the pool was empty
};

constexpr u32 frames_per_pool = 320;
// Of these, the last ones are the reserve of a core that panics, however many errors it keeps. Whole words of
// `used`.
constexpr u32 panic_reserve = 64;

struct Pool {
    Atomic<u64> used[frames_per_pool / 64];
    Frame frames[frames_per_pool] = {};
};

// Gives a core its pool; the pool must live as long as the core runs. Core 0 has one from the start.
void attach_pool(u32 core, Pool &pool);
// From now on this core may use the panic reserve: it is about to stop.
void open_reserve();
// Frames in use in a core's pool, for leak checks.
u32 frames_in_use(u32 core);
const Pool *pool_of_core(u32 core); // nullptr when it has none
// Errors that were destroyed without being returned, printed, handled or ignored. Each is a bug and was
// logged.
u64 dropped_errors();

// Move-only. It must be consumed: returned, printed with `report`, branched on with `handled`, or `ignore`d.
// trivial_abi passes it in a register. The destructor is always inline: nearly everywhere the compiler knows
// that the error is absent.
class [[nodiscard, clang::trivial_abi]] Error {
  public:
    constexpr Error() = default;
    [[gnu::always_inline]] Error(Error && other) : word_(other.word_) { other.word_ = 0; }
    Error &operator=(Error &&other);
    Error(const Error &) = delete;
    [[gnu::always_inline]] ~Error() {
        if (present()) [[unlikely]]
            drop(word_);
    }

    bool present() const { return word_ > taken; }
    // The code; only of an error that is present.
    const Code &code() const;
    bool is(const Code &code) const { return present() && &this->code() == &code; }

    // The outermost frame, or nullptr when the pool was so empty that only the code is left.
    const Frame *frame() const { return (word_ & 1) != 0 ? nullptr : reinterpret_cast<const Frame *>(word_); }
    // The core on which the error began.
    u32 core() const;
    // Groups equal failures: XXH64 of code, functions and texts, not of lines, values or cores.
    u64 hash() const;
    // Returns the frames to their pools; the error is then absent.
    void release();

    // The word is 0: no error; `taken`: the error was moved out of its result; otherwise a Frame's address,
    // or, with bit 0 set, code and core of an error for which no frame was free.
    static constexpr u64 taken = 2;
    static u64 bare_word(const Code &code);

  private:
    template <class T> friend class Result;
    template <class... Ts> friend Error fail(const Code &, const Site &, const Ts &...);
    template <class... Ts> friend Error extend(Error, const Site &, const Ts &...);
    friend Error followed_by(Error error, Error later);
    static void drop(u64 word);
    const Code &bare_code() const;
    static Error from_word(u64 word) {
        __builtin_assume(word > taken);
        Error error;
        error.word_ = word;
        return error;
    }
    u64 word_ = 0;
};

// Appends an error that came later, in cleaning up or on another core. Both are one error from now on, with
// the first one's code, hash and core.
[[gnu::cold]] Error followed_by(Error error, Error later);

// Writes an address of the target as text like "stbi__gif_load+0x12"; false when it is unknown.
struct Resolver {
    bool (*resolve)(void *context, u64 pc, const Output &out) = nullptr;
    void *context = nullptr;
};

// Prints the chain, outermost first. `about` follows the core in the first line: "case 41237, hash ...".
void print_error(const Output &out, const Error &error, Text about = {}, const Resolver *resolver = nullptr);

// Prints a chain from this frame inwards, without the first line.
void print_frames(const Output &out, const Frame &outermost, const Resolver *resolver = nullptr);
// Prints the chains whose outermost frame lies in the core's pool. If the core runs meanwhile, a chain that
// is released may be printed in part.
void print_in_flight(const Output &out, u32 core);

// Prints the chain to the log and consumes the error.
void report(Error error, Text about = {});
// Releases an error that must be present: releasing one twice is a bug.
[[gnu::noinline, gnu::cold]] void consume(Error error);
// Consumes an error: the caller acted on its code.
inline void handled(Error error) { consume(std::move(error)); }
// Drops an error that does not matter; `why` is for the reader of the code.
inline void ignore(Error error, const char *why) {
    static_cast<void>(why);
    consume(std::move(error));
}

// Frames are made here, out of line, so that the code at each failure is only a call.
[[gnu::noinline, gnu::cold]] u64 make_frame(const Code &code, const Site &site, u64 a, u64 b, u64 c, u64 d);
[[gnu::noinline, gnu::cold]] u64 extend_frame(u64 word, const Site &site, u64 a, u64 b, u64 c, u64 d);

// One function for each number of values, so that a call passes no unused ones.
template <class... Words>
[[gnu::noinline, gnu::cold]] u64 make_frame_of(const Code &code, const Site &site, Words... words) {
    const u64 all[max_values] = {words...};
    return make_frame(code, site, all[0], all[1], all[2], all[3]);
}
template <class... Words>
[[gnu::noinline, gnu::cold]] u64 extend_frame_of(u64 word, const Site &site, Words... words) {
    const u64 all[max_values] = {words...};
    return extend_frame(word, site, all[0], all[1], all[2], all[3]);
}

template <class... Ts>
[[gnu::always_inline]] inline Error fail(const Code &code, const Site &site, const Ts &...values) {
    return Error::from_word(make_frame_of(code, site, word_of(values)...));
}
template <class... Ts>
[[gnu::always_inline]] inline Error extend(Error error, const Site &site, const Ts &...values) {
    const u64 word = error.word_;
    error.word_ = 0;
    return Error::from_word(extend_frame_of(word, site, word_of(values)...));
}

} // namespace rstate
