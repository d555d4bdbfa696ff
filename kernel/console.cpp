// kernel/console.cpp — see console.h.
#include "kernel/console.h"

#include "base/log.h"
#include "cpu/lock.h"
#include "dev/screen.h"
#include "dev/uart.h"

namespace {

constinit cpu::SpinLock console_lock("console");
constinit dev::Uart uart{dev::Uart::com1};
constinit dev::Screen screen;
constinit bool seized = false;

// Interrupt handlers log too, so the lock is only ever held with interrupts off.
class Console {
  public:
    Console() {
        if (!seized) console_lock.lock();
    }
    ~Console() __attribute__((no_thread_safety_analysis)) {
        if (!seized && console_lock.held_by_me()) console_lock.unlock();
    }

  private:
    cpu::InterruptsOff interrupts_off_;
};

} // namespace

void log_line(Text line) {
    Console console;
    for (const Text part : {line, Text("\r\n")}) {
        uart.write(part);
        screen.write(part);
    }
}

namespace kernel {

void init_console() { uart.init(); }

void attach_screen(volatile u16 *cells) {
    Console console;
    screen.attach(cells);
}

void seize_console() { seized = true; }

bool read_console(u8 &byte) { return uart.read(byte); }

usize write_console_some(Text text) {
    Console console;
    return uart.write_some(text);
}

void write_console(Text text) {
    Console console;
    uart.write(text);
}

} // namespace kernel
