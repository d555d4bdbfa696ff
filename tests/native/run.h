// tests/native/run.h — runs the instrumented harness in this process, many times, and survives what it
// does.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum native_ending { native_done, native_crash, native_timeout };

struct native_result {
    enum native_ending ending;
    int value;
    const char *kind; // of a crash
    uintptr_t address;
    int is_write, size;
    uintptr_t frames[8]; // innermost first, 0 where there is none
};

// Calls `harness` with a copy of the input that ends at a red zone; fresh heap memory is filled with `fill`.
void native_run(int (*harness)(const uint8_t *, size_t), const uint8_t *data, size_t size, int fill,
                struct native_result *result);
// Ends the case that is running; does nothing when none is.
void native_time_out(void);

#ifdef __cplusplus
}
#endif
