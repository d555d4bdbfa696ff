// stage2/console.cpp — see console.h; and the functions that each program of this tree defines once:
// log_line, check_failed, current_core.
#include "stage2/console.h"

#include "base/check.h"
#include "base/core.h"
#include "base/log.h"
#include "boot/contract/exit.h"
#include "cpu/lock.h"
#include "cpu/ops.h"
#include "dev/screen.h"
#include "dev/uart.h"

namespace {
constinit dev::Uart uart;
constinit dev::Screen screen;
constinit stage2::Drawing draw = nullptr;

using Line = TextBuffer<400>; // as large as rstate/print.cpp's, so that the program has its code once
} // namespace

void log_line(Text line) {
    for (const Text part : {line, Text("\r\n")}) {
        uart.write(part);
        screen.write(part);
        if (draw != nullptr) draw(part.data(), part.size());
    }
}

u32 begin_log_section() { return 0; } // only one core writes
void end_log_section(u32) {}

// Only the boot core runs stage2; the others run only the trampoline.
u32 current_core() { return 0; }
void cpu::while_waiting() {}

void check_failed(const CheckSite &site, const u64 *values, u32 count) {
    Line line;
    line.add("BUG: {}:{} {}: {}", site.file, site.line, site.condition, site.reason);
    for (u32 i = 0; i < count; ++i) line.add(" {x}", values[i]);
    log_line(line.text());
    stage2::stop_machine();
}

namespace stage2 {

void init_console(Drawing drawing) {
    draw = drawing;
    uart.init_first();
    if (dev::Screen::shows_text()) screen.attach(reinterpret_cast<volatile u16 *>(dev::Screen::physical));
}

u16 serial_port() { return uart.port(); }

u32 next_screen_row() { return draw == nullptr ? 0 : draw("", 0); }

void stop_machine() {
    cpu::out32(boot::debug_exit_port, boot::exit_system_failed);
    cpu::disable_interrupts();
    for (;;) cpu::halt();
}

void stop(rstate::Error error, Text stage) {
    Line where;
    where.add("in {}", stage);
    rstate::report(std::move(error), where.text());
    log_formatted("{}: stop", stage);
    stop_machine();
}

} // namespace stage2
