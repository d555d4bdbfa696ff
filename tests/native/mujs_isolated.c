// tests/native/mujs_isolated.c — the harness of targets/mujs as it must be where nothing resets the process:
// each case has an interpreter of its own.
#define LLVMFuzzerInitialize make_interpreter
#define LLVMFuzzerTestOneInput run_script
#include "targets/mujs/harness.c"
#undef LLVMFuzzerInitialize
#undef LLVMFuzzerTestOneInput

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    make_interpreter(NULL, NULL);
    run_script(data, size);
    js_freestate(interpreter);
    return 0;
}
