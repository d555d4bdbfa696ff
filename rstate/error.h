// rstate/error.h — an error: a chain of frames from the outermost operation to the origin.
//
// Frames point at constant sites and hold up to four values; nothing is formatted or allocated until
// somebody prints. They live in a fixed pool of the core that makes them, so an error can be kept,
// compared and moved to another core, and an interrupt's error never touches the interrupted one's.
// When the pool is empty the chain is shortened and says how many frames are missing.
//
// What fails while a failure is being cleaned up, or fails as well, is shown under the error that it
// followed.
#pragma once

#include "base/addr.h"
#include "base/atomic.h"
#include "base/core.h"
#include "base/format.h"
#include "rstate/site.h"

namespace rstate {

struct Frame {
    const Site *site = nullptr;
    const Code *code = nullptr; // the chain's code, in every frame, so that the head answers at once
    Frame *inner = nullptr;     // towards the origin
    Frame *after = nullptr;     // in an outermost frame: the error that followed this one
    u64 words[max_values] = {};
    u16 core = 0; // where this frame was made
    u16 lost = 0; // frames that should stand outside this one but found the pool empty
};

constexpr u32 frames_per_pool = 320;
// Of these, the last ones are for a core that has to say why it ends, however many errors it had kept. Whole
// words of `used`.
constexpr u32 frames_for_last_words = 64;

struct Pool {
    Atomic<u64> used[frames_per_pool / 64];
    Frame frames[frames_per_pool] = {};
};

// Gives a core its pool; the pool must live as long as the core runs. Core 0 has one from the start.
void attach_pool(u32 core, Pool &pool);
// From now on this core may use the frames that are kept for its last words: it is about to end.
void open_reserve();
// Frames in use in a core's pool, for leak checks.
u32 frames_in_use(u32 core);
const Pool *pool_of_core(u32 core); // nullptr when it has none
// Errors destroyed without having been returned, printed, handled or ignored; each one is a bug and was
// logged.
u64 dropped_errors();

// Move-only. It must be consumed: returned, printed with `report`, branched on with `handled`, or `ignore`d.
// It travels in a register, and nearly every copy of it is known to be absent where it dies: hence
// trivial_abi, and the destructor always inline.
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

    // What a word may be that is no error: 0 = none, `taken` = a result's error went elsewhere. Above: a
    // Frame's address; or, with bit 0 set, what is left when no frame was free: code and core.
    static constexpr u64 taken = 2;
    static u64 bare_word(const Code &code);

  private:
    template <class T> friend class Result;
    template <class... Ts> friend Error fail(const Code &, const Site &, const Ts &...);
    template <class... Ts> friend Error extend(Error, const Site &, const Ts &...);
    friend Error followed_by(Error error, Error later);
    static void drop(u64 word);
    const Code &bare_code() const;
    static Error adopt(u64 word) {
        __builtin_assume(word > taken);
        Error error;
        error.word_ = word;
        return error;
    }
    u64 word_ = 0;
};

// The error, with another one behind it that came after it: in cleaning up, or on another core. Both are one
// error from now on, which answers with the first one's code, hash and core.
[[gnu::cold]] Error followed_by(Error error, Error later);

// Turns a place in the target into text like "stbi__gif_load+0x12"; false when it cannot.
struct Resolver {
    bool (*resolve)(void *context, u64 pc, const Output &out) = nullptr;
    void *context = nullptr;
};

// Prints the chain, outermost first. `about` follows the core in the first line: "case 41237, hash ...".
void print_error(const Output &out, const Error &error, Text about = {}, const Resolver *resolver = nullptr);

// Prints a chain from this frame inwards, without the first line.
void print_frames(const Output &out, const Frame &outermost, const Resolver *resolver = nullptr);
// Prints the chains whose outermost frame a core holds. Should the core be running, one that ends meanwhile
// may be printed in part.
void print_in_flight(const Output &out, u32 core);

// Prints the chain to the log and consumes the error.
void report(Error error, Text about = {});
// Ends an error, which must be there: who ends one twice has lost track of it.
[[gnu::noinline, gnu::cold]] void consume(Error error);
// Says that the caller acted on the error's code, which ends it.
inline void handled(Error error) { consume(std::move(error)); }
// Drops an error that does not matter; `why` is for the reader of the code.
inline void ignore(Error error, const char *why) {
    static_cast<void>(why);
    consume(std::move(error));
}

// The two places where frames are made, out of line: what stands at each failure is only a call.
[[gnu::noinline, gnu::cold]] u64 make_frame(const Code &code, const Site &site, u64 a, u64 b, u64 c, u64 d);
[[gnu::noinline, gnu::cold]] u64 extend_frame(u64 word, const Site &site, u64 a, u64 b, u64 c, u64 d);

// One of each for every number of values, so that a call passes only those that there are.
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
    return Error::adopt(make_frame_of(code, site, word_of(values)...));
}
template <class... Ts>
[[gnu::always_inline]] inline Error extend(Error error, const Site &site, const Ts &...values) {
    const u64 word = error.word_;
    error.word_ = 0;
    return Error::adopt(extend_frame_of(word, site, word_of(values)...));
}

} // namespace rstate
