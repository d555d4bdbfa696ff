// rstate/result.h — Result<T>, what every fallible function returns, and FAIL and TRY, which make and pass on
// errors.
//
//   rstate::Result<Phys> load_page(Memory &memory, Virt v) {
//       if (!v.page_aligned()) return FAIL(mm::misaligned, "an address must name a page", v);
//       return TRY(translate(memory, v), "loading the guest page", v);
//   }
//
// The cost of success is one compare.
#pragma once

#include <new>

#include "base/check.h"
#include "rstate/error.h"

namespace rstate {

// Out of line and cold: Results are everywhere, so that each check costs a compare and a branch.
[[noreturn]] void result_without_value();
[[noreturn]] void result_without_error();

template <class T = void> class [[nodiscard, clang::trivial_abi]] Result {
  public:
    [[gnu::always_inline]] Result(T value) : value_(std::move(value)) {}
    [[gnu::always_inline]] Result(Error error) : error_(std::move(error)) {
        if (!error_.present()) [[unlikely]]
            result_without_error();
    }
    [[gnu::always_inline]] Result(Result && other) : error_(std::move(other.error_)) {
        if (error_.present())
            other.error_.word_ = Error::taken;
        else
            new (&value_) T(std::move(other.value_));
    }
    Result &operator=(Result &&) = delete;
    [[gnu::always_inline]] ~Result() {
        if (ok()) value_.~T();
    }

    [[gnu::always_inline]] bool ok() const { return error_.word_ == 0; }
    [[gnu::always_inline]] T &value() {
        if (!ok()) [[unlikely]]
            result_without_value();
        return value_;
    }
    [[gnu::always_inline]] T take() { return std::move(value()); }
    const Error &error() const { return error_; }
    [[gnu::always_inline]] Error take_error() {
        Error error(std::move(error_));
        error_.word_ = Error::taken;
        return error;
    }

  private:
    Error error_;
    union {
        T value_;
    };
};

template <> class [[nodiscard, clang::trivial_abi]] Result<void> {
  public:
    Result() = default;
    [[gnu::always_inline]] Result(Error error) : error_(std::move(error)) {
        if (!error_.present()) [[unlikely]]
            result_without_error();
    }
    Result(Result &&) = default;
    Result &operator=(Result &&) = delete;

    [[gnu::always_inline]] bool ok() const { return error_.word_ == 0; }
    [[gnu::always_inline]] void take() {
        if (!ok()) [[unlikely]]
            result_without_value();
    }
    const Error &error() const { return error_; }
    [[gnu::always_inline]] Error take_error() {
        Error error(std::move(error_));
        error_.word_ = Error::taken;
        return error;
    }

  private:
    Error error_;
};

// A success without a value.
inline Result<void> done() { return {}; }

template <class T> void ignore(Result<T> result, const char *why) {
    if (!result.ok()) ignore(result.take_error(), why);
}
template <class T> void handled(Result<T> result) {
    if (!result.ok()) handled(result.take_error());
}

} // namespace rstate

// An error's origin, as an expression: return FAIL(code, "what is wrong", values...);
#define FAIL(code, text, ...)                                                                                \
    ({                                                                                                       \
        RSTATE_SITE(text __VA_OPT__(, ) __VA_ARGS__);                                                        \
        rstate::fail(code, rstate_site __VA_OPT__(, ) __VA_ARGS__);                                          \
    })

// The error with one more frame, as an expression: for functions that must undo something before they return
// it.
#define WRAP(error, text, ...)                                                                               \
    ({                                                                                                       \
        RSTATE_SITE(text __VA_OPT__(, ) __VA_ARGS__);                                                        \
        rstate::extend(error, rstate_site __VA_OPT__(, ) __VA_ARGS__);                                       \
    })

// The value of a Result; after a failure the function returns the error with one more frame: what it was
// doing.
#define TRY(expression, text, ...)                                                                           \
    ({                                                                                                       \
        auto rstate_result = (expression);                                                                   \
        if (!rstate_result.ok()) [[unlikely]]                                                                \
            return WRAP(rstate_result.take_error(), text __VA_OPT__(, ) __VA_ARGS__);                        \
        rstate_result.take();                                                                                \
    })
