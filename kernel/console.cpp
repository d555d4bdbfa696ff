// kernel/console.cpp — the console: serial line and screens; see console.h.
#include "kernel/console.h"

#include "base/format.h"
#include "base/log.h"
#include "cpu/lock.h"
#include "dev/framebuffer.h"
#include "dev/screen.h"
#include "dev/uart.h"
#include "kernel/smp/core.h"

namespace {

constinit cpu::SpinLock console_lock("console", 3);
constinit dev::Uart uart;
constinit dev::Screen screen;
constinit dev::Framebuffer framebuffer;
constinit bool set_up = false;
constinit bool seized = false;
constinit bool in_line = false;   // a log line is half sent
constinit bool in_record = false; // a record is half sent
// Log lines that wait for the end of the record. A line for which there is no room is printed at once
// and breaks the record: losing the record is better than losing the line.
constinit char kept_back[8192];
constinit u64 lines_left_out = 0;
constinit usize kept_bytes = 0;

// Longer than any report takes at 115,200 baud: a core that holds the console for so long hangs.
constexpr u64 lock_timeout_seconds = 4;

// Locks the console. False when this core holds it already, or when the console is seized and no core locks
// it.
bool lock_console() __attribute__((no_thread_safety_analysis)) {
    if (seized || console_lock.held_by_me()) return false;
    const u64 second =
        first_core.args != nullptr ? first_core.args->ticks_per_second() : boot::CoreArgs::assumed_tsc_hz;
    if (console_lock.lock_with_timeout(second * lock_timeout_seconds)) return true;
    if (!seized) kernel::seize_console();
    return false;
}
// Also when another core has seized the console meanwhile: a core that still held this lock could take no
// other.
void unlock_console() __attribute__((no_thread_safety_analysis)) { console_lock.unlock(); }

// The first log lines, which the console shows when a screen is attached.
constinit char early_text[512];
constinit usize early_bytes = 0;
constinit bool has_screen = false;

void write_to_screens(Text text) {
    screen.write(text);
    framebuffer.write(text);
}

void keep_early_text(Text part) {
    for (const char c : part)
        if (early_bytes < sizeof early_text) early_text[early_bytes++] = c;
}

void write_line(Text line) {
    in_line = true;
    const bool is_record = line.starts_with("{"); // which is for tools: a screen has few rows
    for (const Text part : {line, Text("\r\n")}) {
        uart.write(part);
        if (!is_record) write_to_screens(part);
        if (!has_screen && !is_record) keep_early_text(part);
    }
    in_line = false;
}

void show_early_text() {
    if (!has_screen) write_to_screens({early_text, early_bytes});
    has_screen = true;
}

void flush_kept_back() {
    Text all(kept_back, kept_bytes);
    while (!all.empty()) {
        const usize length = all.find('\n');
        write_line(all.sub(0, length));
        all = all.from(length + 1);
    }
    kept_bytes = 0;
    if (lines_left_out == 0) return;
    write_line(
        TextBuffer<80>().add("target: ({} lines came while a record was sent)", lines_left_out).text());
    lines_left_out = 0;
}

// What the target prints may come faster than a record is sent: its lines get half of the room, and what does
// not fit is counted. The kernel's own lines are never lost: they break a record where there is no room.
bool is_of_target(Text line) { return line.starts_with("target: "); }

// Stores a line until the record ends, or counts it; false when there is no room.
bool keep_back(Text line) {
    const usize room = is_of_target(line) ? sizeof kept_back / 2 : sizeof kept_back;
    if (room < kept_bytes + line.size() + 1) {
        lines_left_out += is_of_target(line);
        return is_of_target(line);
    }
    for (const char c : line) kept_back[kept_bytes++] = c;
    kept_back[kept_bytes++] = '\n';
    return true;
}

} // namespace

// Interrupt handlers log, too, so a core holds the lock only with interrupts off.
u32 begin_log_section() {
    const bool were_on = cpu::interrupts_enabled();
    cpu::disable_interrupts();
    return were_on | u32{lock_console()} << 1;
}
void end_log_section(u32 begun) {
    if ((begun & 2) != 0) unlock_console();
    if ((begun & 1) != 0) cpu::enable_interrupts();
}

void log_line(Text line) {
    const LogSection alone;
    if (in_record && !seized && keep_back(line)) return;
    if (in_record) uart.write("\r\n");
    in_record = false;
    flush_kept_back();
    write_line(line);
}

namespace kernel {

void init_console() {
    set_up = true; // first: a panic in here must not initialise the console again
    uart.init_first();
}

bool move_console(u16 port) {
    const LogSection alone;
    dev::Uart other(port);
    if (!other.init()) return false;
    uart = other;
    return true;
}

void attach_screen(volatile u16 *cells) {
    const LogSection alone;
    screen.attach(cells);
    show_early_text();
}

void attach_framebuffer(volatile u32 *pixels, u32 width, u32 height, u32 stride, u32 row) {
    const LogSection alone;
    framebuffer.attach(pixels, width, height, stride, row, dev::dev_font);
    show_early_text();
}

void show_status(Span<const Text> lines) {
    const LogSection alone;
    if (!has_screen || in_line) return;
    const u32 count = static_cast<u32>(lines.size());
    screen.keep_rows(count);
    framebuffer.keep_rows(count);
    for (u32 row = 0; row < count; ++row) {
        screen.set_row(row, lines[row]);
        framebuffer.set_row(row, lines[row]);
    }
}

void seize_console() {
    if (!set_up) init_console();
    if (!seized && in_line) uart.write("\r\n");        // the interrupted line stays incomplete
    screen.release_rows(), framebuffer.release_rows(); // a panic needs all of them
    seized = true;
}

bool read_console(u8 &byte) { return uart.read(byte); }

usize write_record_some(Text text) {
    const LogSection alone;
    in_record = true;
    return uart.write_some(text);
}

void end_record() {
    const LogSection alone;
    in_record = false;
    flush_kept_back();
}

void flush_console() { uart.flush(); }

void write_record(Text text) {
    const LogSection alone;
    in_record = true;
    uart.write(text);
}

constinit const Output record_output{[](void *, Text text) { write_record(text); }, nullptr};

} // namespace kernel
