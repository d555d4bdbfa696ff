// kernel/console.cpp — see console.h.
#include "kernel/console.h"

#include "base/format.h"
#include "base/log.h"
#include "cpu/lock.h"
#include "dev/framebuffer.h"
#include "dev/screen.h"
#include "dev/uart.h"

namespace {

constinit cpu::SpinLock console_lock("console", 3);
constinit dev::Uart uart{dev::Uart::com1};
constinit dev::Screen screen;
constinit dev::Framebuffer framebuffer;
constinit bool set_up = false;
constinit bool seized = false;
constinit bool in_line = false;   // a line is on the line in part
constinit bool in_record = false; // a record is on the line in part
// Lines that came meanwhile; what does not fit breaks the record, since a lost line is worse than a lost
// record.
constinit char kept_back[8192];
constinit usize kept_bytes = 0;

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

void write_line(Text line) {
    in_line = true;
    for (const Text part : {line, Text("\r\n")}) {
        uart.write(part);
        screen.write(part);
        framebuffer.write(part);
    }
    in_line = false;
}

void flush_kept_back() {
    Text all(kept_back, kept_bytes);
    while (!all.empty()) {
        const usize length = all.find('\n');
        write_line(all.sub(0, length));
        all = all.from(length + 1);
    }
    kept_bytes = 0;
}

// False when there is no room.
bool keep_back(Text line) {
    if (sizeof kept_back - kept_bytes < line.size() + 1) return false;
    for (const char c : line) kept_back[kept_bytes++] = c;
    kept_back[kept_bytes++] = '\n';
    return true;
}

} // namespace

void log_line(Text line) {
    Console console;
    if (in_record && !seized && keep_back(line)) return;
    if (in_record) uart.write("\r\n");
    in_record = false;
    flush_kept_back();
    write_line(line);
}

namespace kernel {

void init_console() {
    set_up = true; // before anything can fail: a panic in here must not come here again
    uart.init();
}

void attach_screen(volatile u16 *cells) {
    Console console;
    screen.attach(cells);
}

void attach_framebuffer(volatile u32 *pixels, u32 width, u32 height, u32 stride, u32 row) {
    Console console;
    framebuffer.attach(pixels, width, height, stride, row, dev::dev_font);
}

void seize_console() {
    if (!set_up) init_console();
    if (!seized && in_line) uart.write("\r\n"); // its writer will not end it
    seized = true;
}

bool read_console(u8 &byte) { return uart.read(byte); }

usize write_record_some(Text text) {
    Console console;
    in_record = true;
    return uart.write_some(text);
}

void end_record() {
    Console console;
    in_record = false;
    flush_kept_back();
}

void flush_console() { uart.flush(); }

void write_record(Text text) {
    Console console;
    in_record = true;
    uart.write(text);
}

} // namespace kernel
