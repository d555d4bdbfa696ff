// tests/sim/cpu.cpp — see cpu.h. The operations of cpu/ops.h, on one of the simulated processors.
#include "tests/sim/cpu.h"

#include <cstring>
#include <thread>

#include "base/check.h"
#include "mm/page_table.h"
#include "tests/sim/program.h"
#include "tests/sim/window_region.h"

namespace sim {

namespace {
Cpu cpus[max_cores];
std::map<std::pair<u32, u32>, ::cpu::CpuidResult> cpuid_table;
std::function<std::optional<u64>()> random_source;
std::function<u32(u16, u32)> port_read;
std::function<void(u16, u32, u32)> port_write;
std::function<void()> halt_hook;

std::optional<u64> next_random() {
    static u64 count = 0;
    if (random_source) return random_source();
    return __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED) * 0x9e3779b97f4a7c15;
}

mm::Entry entry_in(SimMemory &memory, Phys table, u64 index) {
    u64 word = 0;
    std::memcpy(&word, memory.peek(table) + 8 * index, sizeof word);
    return {word};
}
} // namespace

Cpu &cpu() { return cpus[core]; }
Cpu &cpu_of(u32 number) { return cpus[number]; }

void reset_cpus() {
    for (Cpu &one : cpus) one = Cpu();
    cpuid_table.clear();
    random_source = {};
    port_read = {};
    port_write = {};
    halt_hook = {};
}

void set_cpuid(u32 leaf, ::cpu::CpuidResult result, u32 subleaf) { cpuid_table[{leaf, subleaf}] = result; }
void on_random(std::function<std::optional<u64>()> source) { random_source = std::move(source); }
void on_port_read(std::function<u32(u16, u32)> hook) { port_read = std::move(hook); }
void on_port_write(std::function<void(u16, u32, u32)> hook) { port_write = std::move(hook); }
void on_halt(std::function<void()> hook) { halt_hook = std::move(hook); }

// The leaf for an address: out of the TLB, or by a walk that fills it. A walk starts at the cached last-level
// table when there is one, as real walks do (APM vol 2 §5.5.2 "TLB Management": upper-level entries).
static std::optional<mm::Entry> leaf_for(SimMemory &memory, Virt address) {
    Cpu &me = cpu();
    const u64 page = address.page().value();
    if (const auto hit = me.tlb.find(page); hit != me.tlb.end()) return mm::Entry{hit->second};
    Phys table(me.cr3 & mm::Entry::Frame::mask);
    u32 level = 3;
    if (const auto hit = me.tables.find(page >> 21); hit != me.tables.end())
        table = Phys(hit->second), level = 0;
    for (;; --level) {
        const mm::Entry entry = entry_in(memory, table, (page >> (12 + 9 * level)) & 511);
        if (!entry.present()) return std::nullopt;
        if (level == 0) {
            me.tlb[page] = entry.raw;
            return entry;
        }
        table = entry.frame();
        if (level == 1) me.tables[page >> 21] = table.value();
    }
}

Translation translate(SimMemory &memory, Virt address, Access access) {
    using Code = ::cpu::PageFaultCode;
    const u64 code =
        Code::Write::make(access == Access::write) | Code::Fetch::make(access == Access::execute);
    if (!is_canonical(address.value())) return {std::nullopt, code};
    const std::optional<mm::Entry> leaf = leaf_for(memory, address);
    if (!leaf) return {std::nullopt, code};
    const bool allowed =
        (access != Access::write || leaf->writable()) && (access != Access::execute || leaf->executable());
    if (allowed) return {leaf->frame() + address.offset(), 0};
    cpu().tlb.erase(address.page().value()); // a fault drops the translation that caused it
    return {std::nullopt, code | Code::Present::mask};
}

std::optional<u8> load8(SimMemory &memory, Virt address) {
    const Translation t = translate(memory, address);
    if (t.address) return memory.peek(t.address->page())[t.address->offset()];
    cpu().cr2 = address.value();
    return std::nullopt;
}

bool store8(SimMemory &memory, Virt address, u8 value) {
    const Translation t = translate(memory, address, Access::write);
    if (!t.address) return cpu().cr2 = address.value(), false;
    memory.peek(t.address->page())[t.address->offset()] = value;
    return true;
}

} // namespace sim

namespace cpu {

u64 read_cr0() { return sim::cpu().cr0; }
u64 read_cr2() { return sim::cpu().cr2; }
u64 read_cr3() { return sim::cpu().cr3; }
u64 read_cr4() { return sim::cpu().cr4; }
void write_cr0(u64 value) { sim::cpu().cr0 = value; }
void write_cr2(u64 value) { sim::cpu().cr2 = value; }
void write_cr4(u64 value) { sim::cpu().cr4 = value; }

void write_cr3(u64 value) {
    sim::Cpu &me = sim::cpu();
    me.cr3 = value;
    ++me.flushes;
    me.tlb.clear();
    me.tables.clear();
    sim::WindowRegion::flush_all();
}

// Without EFER.TCE an invalidation drops all upper-level entries, whatever address they belong to.
void invlpg(Virt page) {
    sim::Cpu &me = sim::cpu();
    ++me.invalidations;
    me.tlb.erase(page.page().value());
    me.tables.clear();
    sim::WindowRegion::flush(page);
}

u64 read_dr7() { return sim::cpu().dr7; }
void write_dr7(u64 value) { sim::cpu().dr7 = value; }
void wbinvd() { ++sim::cpu().cache_flushes; }

u64 read_msr(Msr msr) {
    CHECK(!sim::cpu().absent.contains(msr), "an MSR that raises #GP is only tried", static_cast<u64>(msr));
    return sim::cpu().msrs[msr];
}
void write_msr(Msr msr, u64 value) {
    CHECK(!sim::cpu().absent.contains(msr), "an MSR that raises #GP is only tried", static_cast<u64>(msr));
    if (!sim::cpu().fixed.contains(msr)) sim::cpu().msrs[msr] = value;
}
bool try_read_msr(Msr msr, u64 &value) {
    if (sim::cpu().absent.contains(msr)) return false;
    value = read_msr(msr);
    return true;
}
bool try_write_msr(Msr msr, u64 value) {
    if (sim::cpu().absent.contains(msr)) return false;
    write_msr(msr, value);
    return true;
}

CpuidResult cpuid(u32 leaf, u32 subleaf) {
    const auto found = sim::cpuid_table.find({leaf, subleaf});
    return found != sim::cpuid_table.end() ? found->second : CpuidResult{};
}

u64 read_tsc() { return sim::cpu().tsc += 100; }

static bool random_word(u64 &word) {
    const std::optional<u64> next = sim::next_random();
    word = next.value_or(0);
    return next.has_value();
}
bool read_rdrand(u64 &word) { return random_word(word); }
bool read_rdseed(u64 &word) { return random_word(word); }

void pause() {}
void halt() {
    if (sim::halt_hook) sim::halt_hook();
    std::this_thread::yield();
}
void enable_interrupts() { sim::cpu().interrupts = true; }
void disable_interrupts() { sim::cpu().interrupts = false; }
bool interrupts_enabled() { return sim::cpu().interrupts; }
void enable_interrupts_and_halt() {
    enable_interrupts();
    halt();
}

static u32 in(u16 port, u32 width) { return sim::port_read ? sim::port_read(port, width) : ~0u; }
static void out(u16 port, u32 width, u32 value) {
    if (sim::port_write) sim::port_write(port, width, value);
}
u8 in8(u16 port) { return static_cast<u8>(in(port, 1)); }
u16 in16(u16 port) { return static_cast<u16>(in(port, 2)); }
u32 in32(u16 port) { return in(port, 4); }
void out8(u16 port, u8 value) { out(port, 1, value); }
void out16(u16 port, u16 value) { out(port, 2, value); }
void out32(u16 port, u32 value) { out(port, 4, value); }

void copy_page(void *to, const void *from) { std::memcpy(to, from, page_size); }
void fill_page(void *page, u64 word) {
    for (u64 i = 0; i < page_size / 8; ++i) static_cast<u64 *>(page)[i] = word;
}

// As QEMU's: FOP stays what it was in memory.
void fxsave(void *area) {
    u16 fop = 0;
    std::memcpy(&fop, static_cast<u8 *>(area) + 6, sizeof fop);
    sim::cpu().fop_kept = fop;
    std::memcpy(area, sim::cpu().fx_state, sizeof sim::cpu().fx_state);
    std::memcpy(static_cast<u8 *>(area) + 6, &fop, sizeof fop);
}
void reset_x87() {
    constexpr u16 control_word = 0x037F;
    u8 *const state = sim::cpu().fx_state;
    std::memset(state, 0, 24);
    std::memcpy(state, &control_word, sizeof control_word);
    sim::cpu().x87_instruction = 0;
}
// As FXSAVE shows it: the control word, and nothing else but MXCSR and the SSE registers, which stay.
void clear_x87() {
    reset_x87();
    std::memset(sim::cpu().fx_state + 32, 0, 8 * 16);
}
void fxrstor(const void *area) {
    ++sim::cpu().fxrstors;
    std::memcpy(sim::cpu().fx_state, area, sizeof sim::cpu().fx_state);
}
void load_sse(const void *area) {
    std::memcpy(sim::cpu().fx_state + 24, static_cast<const u8 *>(area) + 24, 4);
    std::memcpy(sim::cpu().fx_state + 160, static_cast<const u8 *>(area) + 160, 256);
}
void vmload(Phys vmcb) { sim::cpu().loaded_vmcb = vmcb; }
void vmsave(Phys vmcb) { sim::cpu().saved_vmcb = vmcb; }

} // namespace cpu
