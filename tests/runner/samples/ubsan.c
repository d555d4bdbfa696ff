// tests/runner/samples/ubsan.c — one undefined operation for each value of the input's first byte.
#include <limits.h>
#include <stddef.h>
#include <stdint.h>

static volatile int i_zero, i_one = 1, i_max = INT_MAX, i_min = INT_MIN, i_big = 40;
static volatile long l_max = LONG_MAX;
static volatile unsigned u_max = UINT_MAX;
static volatile unsigned long ul_one = 1;
static volatile signed char c_small = -3;
static volatile float f_big = 1e20f, f_small = -0.000012345f;
static volatile double d_big = -123456789012345.0, d_nan;
static volatile long double ld_big = 1.5e300L;
static volatile __int128 wide = (__int128)1 << 126;
static volatile unsigned __int128 u_wide;
static int table[7];
static char bytes[32] __attribute__((aligned(16)));
static char *volatile pointer = bytes, *volatile none;
static volatile unsigned char not_bool = 5;
static volatile int sink;
static volatile double d_sink;
struct pair {
    int a, b;
};
static int *plain_return(int *p) __attribute__((returns_nonnull, noinline));
static int *plain_return(int *p) { return p; }
static void plain_argument(int *p, int *q) __attribute__((nonnull(2), noinline));
static void plain_argument(int *p, int *q) { sink = p == q; }
static void must_be(int *_Nonnull p) { sink = p != NULL; }

static void run(unsigned char which) {
    switch (which) {
    case 1:
        sink = i_max + i_one;
        break;
    case 2:
        sink = i_min - i_one;
        break;
    case 3:
        sink = i_max * i_big;
        break;
    case 4:
        sink = (int)(l_max + l_max);
        break;
    case 5:
        sink = -i_min;
        break;
    case 6:
        sink = i_min / -i_one;
        break;
    case 7:
        sink = i_one % i_zero;
        break;
    case 8:
        sink = i_one << i_big;
        break;
    case 9:
        sink = i_one << -i_one;
        break;
    case 10:
        sink = -i_one << 3;
        break;
    case 11:
        sink = i_max << 2;
        break;
    case 12:
        sink = i_one >> i_big;
        break;
    case 13:
        sink = (int)(1L << (i_big + 40));
        break;
    case 14:
        sink = table[i_big];
        break;
    case 15:
        sink = table[-i_one];
        break;
    case 16:
        sink = *(int *)none;
        break;
    case 17:
        *(int *)none = 1;
        break;
    case 18:
        sink = ((struct pair *)none)->b;
        break;
    case 19:
        sink = *(int *)(pointer + 1);
        break;
    case 20:
        *(long *)(pointer + 4) = 1;
        break;
    case 21:
        sink = (int)f_big;
        break;
    case 22:
        sink = (int)d_big;
        break;
    case 23:
        sink = (int)d_nan;
        break;
    case 24:
        sink = (int)ld_big;
        break;
    case 25:
        sink = (unsigned char)f_big;
        break;
    case 26:
        sink = *(_Bool *)&not_bool;
        break;
    case 27: {
        volatile int n = -i_big;
        char room[n];
        sink = (int)sizeof room + (room[0] != 0);
        break;
    }
    case 28:
        sink = (int)(wide + wide);
        break;
    case 29:
        sink = pointer + (ul_one << 63) > pointer;
        break;
    case 30:
        sink = none + i_one != NULL;
        break;
    case 31:
        sink = *plain_return((int *)none);
        break;
    case 32:
        plain_argument(&table[0], (int *)none);
        break;
    case 33:
        sink = __builtin_ctz((unsigned)i_zero);
        break;
    case 34:
        sink = __builtin_clzl((unsigned long)i_zero);
        break;
    case 35:
        __builtin_unreachable();
    case 36:
        must_be((int *)none);
        break;
    case 37:
        sink = ((int *)__builtin_assume_aligned(pointer + 4, 64))[0];
        break;
    case 38:
        sink = pointer - (ul_one << 62) * 3 < pointer;
        break;
    case 39:
        sink = (int)(f_small * 1e30f);
        break;
    case 40:
        sink = (int)(i_max - c_small);
        break;
    case 41:
        sink = (int)(u_max + ul_one * 0 + 1u * u_max);
        break;
    case 42:
        sink = (int)(u_max * 3u);
        break;
    case 43:
        sink = (signed char)i_big + (signed char)(c_small - 200);
        break;
    case 44: {
        signed char narrow = (i_big * 10);
        sink = narrow;
        break;
    }
    case 45:
        sink = (int)-u_max;
        break;
    case 46:
        sink = (int)(u_wide - (unsigned __int128)1);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    d_nan = d_nan / d_nan;
    if (size) run(data[0]);
    return 0;
}
#ifdef NATIVE
int main(int count, char **words) {
    (void)count;
    unsigned char which = 0;
    for (const char *digit = words[1]; *digit; digit++) which = (unsigned char)(which * 10 + (*digit - '0'));
    return LLVMFuzzerTestOneInput(&which, 1);
}
#endif
