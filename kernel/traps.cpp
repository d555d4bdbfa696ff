#include "kernel/codes.h"
#include "kernel/panic.h"
extern "C" void trap(kernel::TrapFrame *frame) {
    kernel::panic_trap(*frame, FAIL(kernel::unexpected_exception, "exception", frame->vector));
}
