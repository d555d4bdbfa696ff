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

// Out of line and cold: a Result is used everywhere, so what it checks must cost a compare and a branch.
[[noreturn]] void result_without_value();
[[noreturn]] void result_without_error();

template <class T = void> class [[nodiscard]] Result {
  public:
    Result(T value) : value_(std::move(value)) {}
    Result(Error error) : error_(std::move(error)) {
        if (!error_.present()) [[unlikely]] result_without_error();
    }
    Result(Result &&other) : error_(std::move(other.error_)) {
        if (!error_.present()) new (&value_) T(std::move(other.value_));
    }
    Result &operator=(Result &&) = delete;
    ~Result() {
        if (!error_.present() && !taken_error_) value_.~T();
    }

    bool ok() const { return !error_.present() && !taken_error_; }
    T &value() {
        if (!ok()) [[unlikely]] result_without_value();
        return value_;
    }
    T take() { return std::move(value()); }
    const Error &error() const { return error_; }
    Error take_error() {
        taken_error_ = true;
        return std::move(error_);
    }

  private:
    union {
        T value_;
    };
    Error error_;
    bool taken_error_ = false;
};

template <> class [[nodiscard]] Result<void> {
  public:
    Result() = default;
    Result(Error error) : error_(std::move(error)) {
        if (!error_.present()) [[unlikely]] result_without_error();
    }
    Result(Result &&) = default;
    Result &operator=(Result &&) = delete;

    bool ok() const { return !error_.present(); }
    void take() {
        if (!ok()) [[unlikely]] result_without_value();
    }
    const Error &error() const { return error_; }
    Error take_error() { return std::move(error_); }

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

#define RSTATE_SITE(text, values)                                                                            \
    static constexpr rstate::Site rstate_site { __FILE__, RSTATE_FUNCTION, text, values, __LINE__ }

// An error's origin, as an expression: return FAIL(code, "what is wrong", values...);
#define FAIL(code, text, ...)                                                                                \
    ({                                                                                                       \
        RSTATE_SITE(text, #__VA_ARGS__);                                                                     \
        rstate::make_error(code, rstate_site __VA_OPT__(, ) __VA_ARGS__);                                    \
    })

// The value of a Result, or out of the function with its error and one frame more: what this function was
// doing.
#define TRY(expression, text, ...)                                                                           \
    ({                                                                                                       \
        auto rstate_result = (expression);                                                                   \
        if (!rstate_result.ok()) [[unlikely]] {                                                              \
            RSTATE_SITE(text, #__VA_ARGS__);                                                                 \
            return rstate::extend_error(rstate_result.take_error(), rstate_site __VA_OPT__(, ) __VA_ARGS__); \
        }                                                                                                    \
        rstate_result.take();                                                                                \
    })
