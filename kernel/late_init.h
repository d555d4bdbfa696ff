// kernel/late_init.h — static storage for a global object that the kernel constructs late, at a moment it
// chooses: no constructor runs before main.
#pragma once

#include <new>

#include "base/check.h"
#include "base/types.h"

namespace kernel {

template <class T> class LateInit {
  public:
    constexpr LateInit() = default;
    LateInit(const LateInit &) = delete;

    template <class... Ts> T &make(Ts &&...arguments) {
        CHECK(object_ == nullptr, "a late-initialised object is constructed once");
        object_ = new (storage_) T(static_cast<Ts &&>(arguments)...);
        return *object_;
    }
    bool made() const { return object_ != nullptr; }
    T &get() const {
        CHECK(object_ != nullptr, "a late-initialised object is constructed before it is used");
        return *object_;
    }
    T *operator->() const { return &get(); }
    T &operator*() const { return get(); }

  private:
    alignas(T) u8 storage_[sizeof(T)] = {};
    T *object_ = nullptr;
};

} // namespace kernel
