// tests/runner/samples/ubsan.cpp — undefined operations of C++; see ubsan.c.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

struct First {
    virtual ~First() {}
    virtual int one() { return 1; }
    long a = 1;
};
struct Second {
    virtual ~Second() {}
    virtual int two() { return 2; }
    long b = 2;
};
struct Both : First, Second {
    int one() override { return 3; }
    long c = 3;
};
struct Other {
    virtual ~Other() {}
    virtual int other() { return 4; }
    long d = 4;
};
struct Virtual : virtual First {
    int one() override { return 5; }
};
enum Colour { red, green, blue = 3 };

static void *volatile object;
static volatile int sink;
static volatile unsigned char colour = 77;
static int plain(int x) { return x + 1; }
static int (*volatile called)(int) = plain;
static volatile int zero;

static int no_return(int x) {
    if (x) return x;
}

static void run(unsigned char which) {
    switch (which) {
    case 1:
        object = new Other;
        sink = static_cast<First *>(object)->one();
        break;
    case 2:
        object = new First;
        sink = static_cast<Both *>(static_cast<First *>(object))->one();
        break;
    case 3:
        object = static_cast<Second *>(new Both);
        sink = static_cast<Second *>(object)->two();
        break;
    case 4:
        sink = *reinterpret_cast<volatile Colour *>(const_cast<unsigned char *>(&colour));
        break;
    case 5:
        sink = reinterpret_cast<int (*)(long, long)>(called)(1, 2);
        break;
    case 6:
        sink = no_return(zero);
        break;
    case 7: {
        int &reference = *static_cast<int *>(object);
        sink = reference;
        break;
    }
    case 8:
        object = std::calloc(8, 8);
        sink = static_cast<First *>(object)->one();
        break;
    case 9:
        object = new Both;
        sink = static_cast<Both *>(static_cast<Second *>(static_cast<Both *>(object)))->one();
        break;
    case 10: {
        First *base = new Virtual;
        object = base;
        sink = base->one();
        break;
    }
    case 11:
        sink = static_cast<Other *>(object)->other();
        break;
    }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size) run(data[0]);
    return 0;
}
#ifdef NATIVE
int main(int, char **words) {
    unsigned char which = static_cast<unsigned char>(std::atoi(words[1]));
    return LLVMFuzzerTestOneInput(&which, 1);
}
#endif
