// targets/injected_bugs_cxx/harness.cpp — bugs that only C++ has, chosen by the input's first byte; bugs.json
// says what each must give.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#define BUG __attribute__((noinline)) static void

static volatile int zero, one = 1;
static volatile int sink;
static const uint8_t *volatile input;
static volatile size_t input_size;

// Hides the pointer, or the compiler would remove a pair of new and delete.
template <class T> __attribute__((noinline)) static T *hide(T *p) {
    T *volatile hidden = p;
    return hidden;
}

struct Plain {
    int values[5];
};
struct Counted {
    int value = 3;
    ~Counted() { sink = value; }
};

BUG new_read_past() { sink = hide(new Plain)->values[5 + zero]; }
BUG new_array_write_before() { hide(new int[4])[-1 + zero] = 1; }
BUG delete_twice() {
    Plain *p = hide(new Plain);
    delete p;
    delete hide(p);
}
BUG free_of_new() { free(hide(new Plain)); }
BUG delete_of_malloc() { delete hide(static_cast<char *>(malloc(8))); }
BUG delete_of_array() { delete hide(new int[6]); }
BUG use_after_delete() {
    Plain *p = hide(new Plain);
    delete p;
    sink = hide(p)->values[1];
}
BUG array_cookie_write() { reinterpret_cast<char *>(hide(new Counted[3]))[-1 + zero] = 1; }
BUG vector_read_past() {
    std::vector<int> v(4, 7);
    sink = v[static_cast<size_t>(4 + zero)];
}
BUG string_from_too_much() { // the library reads, called by this function
    char *p = hide(static_cast<char *>(malloc(40)));
    const std::string s(p, static_cast<size_t>(41 + zero));
    sink = s[0];
}
BUG string_used_after_move_away() {
    std::string *s = hide(new std::string(50, 'x'));
    const char *p = s->c_str();
    delete s;
    sink = p[3];
}
BUG uncaught_number() { throw static_cast<int>(one); }
struct Strange : std::runtime_error {
    using std::runtime_error::runtime_error;
};
__attribute__((noinline)) static void may_not_throw() noexcept { sink = std::stoi(std::string(one, 'x')); }
BUG throw_from_noexcept() { may_not_throw(); }
BUG uncaught_class() { throw Strange("never caught"); }
BUG call_terminate() { std::terminate(); }
struct Base {
    Base() { call(); }
    virtual ~Base() = default;
    __attribute__((noinline)) void call() { method(); }
    virtual void method() = 0;
};
struct Derived : Base {
    void method() override { sink = 1; }
};
BUG pure_virtual() { delete hide(static_cast<Base *>(new Derived)); }

// Correct code, which must not be reported.
__attribute__((noinline)) static void thrower(int depth) {
    volatile char here[100] = {0};
    if (depth == 0) throw std::out_of_range("as expected");
    thrower(depth - 1);
    sink = here[zero];
}
BUG sound_exceptions() {
    for (int i = 0; i < 20; i++) {
        try {
            thrower(i);
            std::abort();
        } catch (const std::out_of_range &error) {
            if (std::strcmp(error.what(), "as expected") != 0) std::abort();
        }
        volatile char fresh[200] = {
            0}; // at the place of the unwound frames, which must not be poisoned any more
        for (volatile char &c : fresh) c = 1;
    }
    try {
        std::vector<char> v(static_cast<size_t>(1) << 40);
        std::abort();
    } catch (const std::bad_alloc &) {
    }
    if (hide(new (std::nothrow) char[static_cast<size_t>(1ll << 40) + static_cast<size_t>(zero)]))
        std::abort();
}
struct alignas(128) Aligned {
    char bytes[128];
};
BUG sound_memory() {
    Aligned *p = hide(new Aligned);
    if (reinterpret_cast<uintptr_t>(p) % 128) std::abort();
    delete p;
    std::vector<std::string> strings;
    for (int i = 0; i < 300; i++)
        strings.push_back("a string long enough to live on the heap " + std::to_string(i));
    if (strings[299].substr(41) != "299") std::abort();
    Counted *array = hide(new Counted[7]);
    delete[] array;
}

static void (*const bugs[])() = {
    nullptr,
    // 1
    new_read_past,
    new_array_write_before,
    delete_twice,
    free_of_new,
    delete_of_malloc,
    delete_of_array,
    use_after_delete,
    array_cookie_write,
    vector_read_past,
    string_from_too_much,
    string_used_after_move_away,
    // 12
    uncaught_number,
    throw_from_noexcept,
    uncaught_class,
    call_terminate,
    pure_virtual,
    // 17
    sound_exceptions,
    sound_memory,
};

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    input = data;
    input_size = size;
    if (size && data[0] < sizeof(bugs) / sizeof(bugs[0]) && bugs[data[0]]) bugs[data[0]]();
    return 0;
}
