// tests/sim/program.cpp — see program.h. A failing CHECK prints like the kernel's panic and aborts: death
// tests.
#include "tests/sim/program.h"

#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "base/check.h"
#include "base/core.h"
#include "base/log.h"
#include "cpu/lock.h"

namespace sim {

thread_local u32 core = 0;

namespace {
std::recursive_mutex log_mutex;
std::vector<std::string> lines;
std::function<void()> waiting_hook;
} // namespace

std::vector<std::string> log() {
    const std::lock_guard guard(log_mutex);
    return lines;
}

std::string log_text() {
    std::string text;
    for (const std::string &line : log()) text += line + "\n";
    return text;
}

void clear_log() {
    const std::lock_guard guard(log_mutex);
    lines.clear();
}

void on_waiting(std::function<void()> hook) { waiting_hook = std::move(hook); }

} // namespace sim

u32 current_core() { return sim::core; }

u32 begin_log_section() {
    sim::log_mutex.lock();
    return 0;
}
void end_log_section(u32) { sim::log_mutex.unlock(); }

void log_line(Text line) {
    const std::lock_guard guard(sim::log_mutex);
    sim::lines.emplace_back(line.data(), line.size());
}

void check_failed(const CheckSite &site, const u64 *values, u32 count) {
    std::fprintf(stderr, "CHECK failed on core %u: %s (%s) at %s:%u in %s", sim::core, site.reason,
                 site.condition, site.file, site.line, site.function);
    for (u32 i = 0; i < count; ++i)
        if ((site.texts >> i & 1) != 0)
            std::fprintf(stderr, " %s", reinterpret_cast<const char *>(values[i]));
        else
            std::fprintf(stderr, " 0x%lx", values[i]);
    std::fputc('\n', stderr);
    std::abort();
}

void cpu::while_waiting() {
    if (sim::waiting_hook) sim::waiting_hook();
    std::this_thread::yield(); // two threads may share one real core
}
