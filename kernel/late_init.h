// kernel/late_init.h — a global that is made when its turn has come, not before main: no constructor runs by
// itself.
#pragma once

#include <new>

#include "base/check.h"
#include "base/types.h"

namespace kernel {

template <class T> class Late {
  public:
    constexpr Late() = default;
    Late(const Late &) = delete;

    template <class... Ts> T &make(Ts &&...arguments) {
        CHECK(object_ == nullptr, "a late object is made once");
        object_ = new (storage_) T(static_cast<Ts &&>(arguments)...);
        return *object_;
    }
    bool made() const { return object_ != nullptr; }
    T &get() const {
        CHECK(object_ != nullptr, "a late object is made before it is used");
        return *object_;
    }
    T *operator->() const { return &get(); }
    T &operator*() const { return get(); }

  private:
    alignas(T) u8 storage_[sizeof(T)] = {};
    T *object_ = nullptr;
};

} // namespace kernel
