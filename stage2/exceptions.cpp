// stage2/exceptions.cpp — see exceptions.h. No code here may raise an exception, so each one stops the
// machine.
#include "stage2/exceptions.h"

#include "boot/formats/codes.h"
#include "cpu/ops.h"
#include "stage2/console.h"

extern "C" void load_exception_table();

namespace {

// APM vol 2 §8.9.3 "Interrupt Stack Frame".
struct Frame {
    u64 error_code, rip, cs, rflags, rsp, ss;
};

constinit const char *running = nullptr; // null once an exception is being reported
constinit u64 base = 0;

rstate::Error describe(u64 vector, const Frame &frame) {
    const Phys cr2(cpu::read_cr2()), rip(frame.rip), offset(frame.rip - base);
    rstate::Error origin = FAIL(boot::unexpected_exception, "an exception, which no code here may raise",
                                vector, frame.error_code, cr2);
    return WRAP(std::move(origin), "running a boot stage", rip, offset);
}

} // namespace

// Called by exceptions.asm.
extern "C" [[noreturn]] void report_exception(u64 vector, const Frame &frame) {
    const char *stage = std::exchange(running, nullptr);
    if (stage == nullptr) stage2::stop_machine(); // the report raised a second one
    stage2::stop(describe(vector, frame), stage);
}

namespace stage2 {

// At most one interrupt of each vector is pending. One that was taken holds back those of lower priority
// until end_of_interrupt: APM vol 2 §16.6 "Local APIC Handling of Interrupts".
void drop_interrupts(dev::LocalApic &apic) {
    apic.stop_timer();
    apic.enable(255);
    for (u32 i = 0; i < 256; ++i) {
        cpu::enable_interrupts();
        cpu::read_tsc(); // interrupts come only after the instruction behind STI
        cpu::disable_interrupts();
        apic.end_of_interrupt();
    }
}

void catch_exceptions(const char *stage, u64 loaded_at) {
    running = stage;
    base = loaded_at;
    load_exception_table();
}

} // namespace stage2
