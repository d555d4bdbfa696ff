// fuzz/platform.h — what the program around the fuzzer provides besides memory: clocks, figures of the
// machine, and the way to the console.
#pragma once

#include "fuzz/stats.h"

namespace fuzz {

// Refers to an object that outlives it and calls it through function pointers.
class Platform final {
  public:
    template <class P> static Platform of(P &platform) {
        static constexpr Operations operations = {
            [](void *p) { return static_cast<P *>(p)->now_us(); },
            [](void *p) { return static_cast<P *>(p)->time(); },
            [](void *p) { static_cast<P *>(p)->between_cases(); },
            [](void *p) { return static_cast<P *>(p)->figures(); },
            [](void *p) { static_cast<P *>(p)->send_records(); },
        };
        return Platform(&platform, operations);
    }

    u64 now_us() const { return does_->now_us(platform_); } // since any fixed moment
    u64 time() const { return does_->time(platform_); } // by the clock of vm::Statistics, for shares of time
    // Called after each case: does the platform's own periodic work, which must be short.
    void between_cases() const { does_->between_cases(platform_); }
    MachineFigures figures() const { return does_->figures(platform_); }
    // Only in a repeatable run: waits until the outbox is empty.
    void send_records() const { does_->send_records(platform_); }

  private:
    struct Operations {
        u64 (*now_us)(void *);
        u64 (*time)(void *);
        void (*between_cases)(void *);
        MachineFigures (*figures)(void *);
        void (*send_records)(void *);
    };
    Platform(void *platform, const Operations &does) : platform_(platform), does_(&does) {}

    void *platform_;
    const Operations *does_;
};

} // namespace fuzz
