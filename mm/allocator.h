// mm/allocator.h — typed heap memory: an Allocator gives it, a move-only owner holds it and frees it.
//
//   auto table = TRY(mm::allocate_array<Route>(heap, 4096), "allocating the routes");
//
// The kernel's page heap is one Allocator; host tests pass another over malloc, under AddressSanitizer.
// An allocation never hands out memory that looks initialised: elements are value-initialised.
#pragma once

#include <new>

#include "base/span.h"
#include "rstate/result.h"

namespace mm {

// Where an allocation was asked for, and of what: constants, kept in its record.
struct AllocationSite {
    const char *type = "";
    const char *file = "";
    const char *function = "";
    u32 line = 0;
};

struct Allocator {
    void *context = nullptr;
    rstate::Result<u8 *> (*allocate_bytes)(void *context, u64 size, u64 alignment,
                                           AllocationSite site) = nullptr;
    // Must be given what allocate_bytes returned and the size that it was asked for.
    void (*free_bytes)(void *context, u8 *block, u64 size) = nullptr;
};

// The name of T as written, cut out of __PRETTY_FUNCTION__ while compiling.
template <class T> constexpr auto type_name_storage() {
    constexpr const char *pretty = __PRETTY_FUNCTION__; // "... type_name_storage() [T = Name]"
    constexpr usize start = [] {
        usize i = 0;
        while (!(pretty[i] == '=' && pretty[i + 1] == ' ')) ++i;
        return i + 2;
    }();
    constexpr usize length = __builtin_strlen(pretty) - 1 - start;
    rstate::naming::Stored<length> name;
    for (usize i = 0; i < length; ++i) name.characters[i] = pretty[start + i];
    return name;
}
template <class T> inline constexpr auto type_name = type_name_storage<T>();

// An array on the heap; empty until `allocate_array` makes one.
template <class T> class OwnedArray final {
  public:
    OwnedArray() = default;
    OwnedArray(const Allocator &from, T *data, usize size) : from_(from), data_(data), size_(size) {}
    OwnedArray(OwnedArray &&other) : from_(other.from_), data_(other.data_), size_(other.size_) {
        other.data_ = nullptr;
        other.size_ = 0;
    }
    OwnedArray &operator=(OwnedArray &&other) {
        if (this == &other) return *this;
        reset();
        from_ = other.from_, data_ = other.data_, size_ = other.size_;
        other.data_ = nullptr, other.size_ = 0;
        return *this;
    }
    ~OwnedArray() { reset(); }

    void reset() {
        if (data_ == nullptr) return;
        for (usize i = size_; i-- > 0;) data_[i].~T();
        from_.free_bytes(from_.context, reinterpret_cast<u8 *>(data_), size_ * sizeof(T));
        data_ = nullptr, size_ = 0;
    }
    T *data() const { return data_; }
    usize size() const { return size_; }
    bool empty() const { return size_ == 0; }
    T *begin() const { return data_; }
    T *end() const { return data_ + size_; }
    T &operator[](usize i) const {
        CHECK(i < size_, "an index lies inside its array", i, size_);
        return data_[i];
    }
    Span<T> span() const { return {data_, size_}; }

  private:
    Allocator from_;
    T *data_ = nullptr;
    usize size_ = 0;
};

// One object on the heap.
template <class T> class Owned final {
  public:
    Owned() = default;
    Owned(const Allocator &from, T *object) : from_(from), object_(object) {}
    Owned(Owned &&other) : from_(other.from_), object_(other.object_) { other.object_ = nullptr; }
    Owned &operator=(Owned &&other) {
        if (this == &other) return *this;
        reset();
        from_ = other.from_, object_ = other.object_;
        other.object_ = nullptr;
        return *this;
    }
    ~Owned() { reset(); }

    void reset() {
        if (object_ == nullptr) return;
        object_->~T();
        from_.free_bytes(from_.context, reinterpret_cast<u8 *>(object_), sizeof(T));
        object_ = nullptr;
    }
    // Releases ownership: the object is never freed from now on.
    T *keep() {
        T *const object = object_;
        object_ = nullptr;
        return object;
    }
    T *get() const { return object_; }
    T &operator*() const { return *object_; }
    T *operator->() const { return object_; }
    explicit operator bool() const { return object_ != nullptr; }

  private:
    Allocator from_;
    T *object_ = nullptr;
};

// `count` value-initialised elements; none is a valid, empty array.
template <class T>
rstate::Result<OwnedArray<T>>
allocate_array(const Allocator &heap, usize count, const char *file = __builtin_FILE(),
               const char *function = __builtin_FUNCTION(), u32 line = __builtin_LINE()) {
    if (count == 0) return OwnedArray<T>();
    u64 bytes = 0;
    CHECK(mul_checked(count, sizeof(T), bytes), "an array's size fits in 64 bits", count);
    const AllocationSite site{type_name<T>.characters, file, function, line};
    u8 *block =
        TRY(heap.allocate_bytes(heap.context, bytes, alignof(T), site), "allocating an array", count, bytes);
    T *data = reinterpret_cast<T *>(block);
    for (usize i = 0; i < count; ++i) new (data + i) T();
    return OwnedArray<T>(heap, data, count);
}

// Where an object is allocated; made implicitly at the call, so that it names the caller's line.
struct From {
    const Allocator &heap;
    const char *file;
    const char *function;
    u32 line;
    From(const Allocator &h, const char *f = __builtin_FILE(), const char *fn = __builtin_FUNCTION(),
         u32 l = __builtin_LINE())
        : heap(h), file(f), function(fn), line(l) {}
};

template <class T, class... Ts> rstate::Result<Owned<T>> allocate(From from, Ts &&...arguments) {
    const AllocationSite site{type_name<T>.characters, from.file, from.function, from.line};
    u8 *block = TRY(from.heap.allocate_bytes(from.heap.context, sizeof(T), alignof(T), site),
                    "allocating an object", sizeof(T));
    return Owned<T>(from.heap, new (block) T(static_cast<Ts &&>(arguments)...));
}

} // namespace mm
