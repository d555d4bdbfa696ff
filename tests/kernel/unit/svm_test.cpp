// tests/kernel/unit/svm_test.cpp — virtual machines on a processor with SVM, or on an emulator's.
#include "kernel/campaign/target.h"
#include "kernel/entry/apic.h"
#include "kernel/smp/jobs.h"
#include "svm/codes.h"
#include "tests/kernel/faults/vmcb_fault_injector.h"
#include "tests/kernel/tiny_guest.h"
#include "tests/kernel/unit/test.h"

namespace kernel {

namespace {

// One svm::Core for all tests on a core: a core never switches SVM off.
rstate::Result<svm::Core *> svm_core() {
    static constinit svm::Core *cores[max_cores] = {};
    svm::Core *&core = cores[current_core()];
    if (core == nullptr) core = TRY(start_svm(), "switching SVM on for tests").keep();
    return core;
}

rstate::Result<TinyGuest> guest_running(Bytes program) {
    svm::Core *core = TRY(svm_core(), "finding this core's SVM");
    return TRY(TinyGuest::make(*core, program), "making a guest");
}

constexpr u8 vmmcall_twice[] = {0x0F, 0x01, 0xD9, 0x0F, 0x01, 0xD9}; // vmmcall; vmmcall

rstate::Result<> a_hypercall_stops_the_guest(const TestContext &) {
    TinyGuest guest = TRY(guest_running(vmmcall_twice), "making a guest");
    guest.machine().registers().rbx = 0x1234'5678'9ABC'DEF0;
    guest.machine().registers().r15 = 15;
    const vm::Exit exit = TRY(guest.machine().run(), "running");
    EXPECT(exit.kind == vm::ExitKind::hypercall, exit.kind, exit.code);
    EXPECT(exit.privilege == vm::Privilege::user);
    EXPECT(guest.machine().registers().rip == TinyGuest::code, guest.machine().registers().rip);
    EXPECT(guest.machine().registers().rbx == 0x1234'5678'9ABC'DEF0 && guest.machine().registers().r15 == 15);
    TRY(guest.machine().skip_instruction(exit), "stepping over it");
    EXPECT(guest.machine().registers().rip == TinyGuest::code + 3, guest.machine().registers().rip);
    return rstate::done();
}
RL_VM_TEST(a_hypercall_stops_the_guest);

struct Stop {
    u8 code[8];
    u8 size;
    vm::ExitKind kind;
    u8 vector;
};

rstate::Result<> each_dangerous_instruction_stops_the_guest(const TestContext &) {
    constexpr Stop stops[] = {
        {{0x0F, 0xA2}, 2, vm::ExitKind::cpuid, 0},
        {{0x0F, 0x0B}, 2, vm::ExitKind::exception, 6},                    // ud2
        {{0x31, 0xC9, 0xF7, 0xF1}, 4, vm::ExitKind::exception, 0},        // xor ecx, ecx; div ecx
        {{0x48, 0x31, 0xC0, 0x8B, 0x00}, 5, vm::ExitKind::exception, 14}, // xor rax, rax; mov eax, [rax]
        {{0xF4}, 1, vm::ExitKind::exception, 13},                         // hlt in ring 3
        {{0x0F, 0x32}, 2, vm::ExitKind::exception, 13},                   // rdmsr in ring 3
        {{0xEC}, 1, vm::ExitKind::exception, 13},                         // in al, dx in ring 3
        {{0xFA}, 1, vm::ExitKind::exception, 13},                         // cli in ring 3
        {{0xCC}, 1, vm::ExitKind::exception, 3},                          // int3
        {{0x0F, 0x01, 0xD8}, 3, vm::ExitKind::exception, 13},             // vmrun in ring 3
        {{0x0F, 0x31}, 2, vm::ExitKind::exception, 13},                   // rdtsc with CR4.TSD
    };
    svm::Core &core = *TRY(svm_core(), "svm");
    for (const Stop &stop : stops) {
        TinyGuest guest = TRY(TinyGuest::make(core, {stop.code, stop.size}), "making a guest");
        const vm::Exit exit = TRY(guest.machine().run(), "running", stop.code[0], stop.code[1]);
        const bool same_kind =
            exit.kind == stop.kind || (stop.vector == 13 && exit.kind == vm::ExitKind::other);
        EXPECT(same_kind, exit.what, exit.code, stop.code[0], stop.code[1]);
        if (exit.kind == vm::ExitKind::exception)
            EXPECT(exit.vector == stop.vector, exit.vector, stop.vector);
    }
    return rstate::done();
}
RL_VM_TEST(each_dangerous_instruction_stops_the_guest);

// mov rcx, 16; l: mov [rdi], cl; add rdi, 4096; dec rcx; jnz l; vmmcall
constexpr u8 write_16_pages[] = {0x48, 0xC7, 0xC1, 16,   0,    0,    0,    0x88, 0x0F, 0x48, 0x81, 0xC7,
                                 0x00, 0x10, 0x00, 0x00, 0x48, 0xFF, 0xC9, 0x75, 0xF2, 0x0F, 0x01, 0xD9};

rstate::Result<> a_reset_brings_every_byte_back_for_one_exit(const TestContext &) {
    TinyGuest guest = TRY(guest_running(write_16_pages), "making a guest");
    guest.machine().registers().rdi = TinyGuest::data;
    auto snapshot = TRY(mm::allocate<vm::Snapshot>(world->allocator), "allocating a snapshot");
    TRY(guest.machine().take_snapshot(*snapshot), "taking the snapshot");
    for (u32 i = 0; i < 20; ++i) {
        const vm::Statistics before = guest.machine().statistics();
        const vm::Exit exit = TRY(guest.machine().run(), "running", i);
        EXPECT(exit.kind == vm::ExitKind::hypercall, exit.kind, exit.code);
        TRY(guest.machine().reset(), "resetting", i);
        const vm::Statistics &after = guest.machine().statistics();
        const u64 digest = TRY(guest.machine().digest(), "computing the digest");
        EXPECT(digest == snapshot->digest(), i);
        EXPECT(after.dirty_pages - before.dirty_pages == 16, after.dirty_pages - before.dirty_pages, i);
        if (i == 0) continue; // the first run copies the pages
        EXPECT(after.exits - before.exits - (after.ticks - before.ticks) == 1, after.exits - before.exits, i);
        EXPECT(after.new_pages == before.new_pages && after.allocations == before.allocations, i);
    }

    // The machine goes first, then the snapshot's frames can.
    { const TinyGuest gone(std::move(guest)); }
    return snapshot->release(world->windows, world->frames);
}
RL_VM_TEST(a_reset_brings_every_byte_back_for_one_exit);

rstate::Result<> a_vmcb_the_processor_refuses_ends_in_a_chain(const TestContext &) {
    TinyGuest guest = TRY(guest_running(vmmcall_twice), "making a guest");
    svm::VmcbFaultInjector(guest.machine()).refused_by_the_processor();
    auto refused = guest.machine().run();
    EXPECT(!refused.ok() && refused.error().is(svm::vmrun_refused));
    rstate::handled(std::move(refused));
    TinyGuest other = TRY(guest_running(vmmcall_twice), "making another guest");
    svm::VmcbFaultInjector(other.machine()).refused_by_our_check();
    auto seen = other.machine().run();
    EXPECT(!seen.ok() && seen.error().is(svm::vmcb_breaks_rule));
    rstate::handled(std::move(seen));
    return rstate::done();
}
RL_VM_TEST(a_vmcb_the_processor_refuses_ends_in_a_chain);

// jmp $: only the host's timer ends it.
constexpr u8 endless_loop[] = {0xEB, 0xFE};

rstate::Result<> no_guest_holds_a_core(const TestContext &context) {
    start_ticks(10, context.args.ticks_per_second());
    TinyGuest guest = TRY(guest_running(endless_loop), "making a guest");
    guest.machine().set_deadline(3);
    const vm::Exit exit = TRY(guest.machine().run(), "running");
    EXPECT(exit.kind == vm::ExitKind::deadline, exit.kind, exit.code);
    EXPECT(guest.machine().statistics().ticks >= 3, guest.machine().statistics().ticks);
    return rstate::done();
}
RL_VM_TEST(no_guest_holds_a_core);

rstate::Result<> every_core_runs_a_guest(const TestContext &context) {
    struct All {
        bool ok[max_cores] = {};
    };
    auto all = TRY(mm::allocate<All>(world->allocator), "allocating");
    run_on_cores(context.args.core_count,
                 {[](void *a) {
                      const auto one = []() -> rstate::Result<bool> {
                          TinyGuest guest = TRY(guest_running(vmmcall_twice), "making");
                          return TRY(guest.machine().run(), "running").kind == vm::ExitKind::hypercall;
                      };
                      auto result = one();
                      if (result.ok())
                          static_cast<All *>(a)->ok[current_core()] = result.take();
                      else
                          rstate::report(result.take_error(), "on another core");
                  },
                  all.get()});
    for (u32 core = 0; core < context.args.core_count; ++core) EXPECT(all->ok[core], core);
    return rstate::done();
}
RL_VM_TEST(every_core_runs_a_guest);

// Core 1 has a block's page in its TLB and the page's frame in its window, and runs `busy`; meanwhile core 0
// frees the block.
struct Freed {
    Virt block;
    Phys frame;
    bool busy = false, over = false, freed = false;
    bool freed_before_over = false, reaches = true;
    rstate::Error error; // core 1's
};
bool is_set(const bool &flag) { return __atomic_load_n(&flag, __ATOMIC_ACQUIRE); }
void set(bool &flag) { __atomic_store_n(&flag, true, __ATOMIC_RELEASE); }
constexpr u64 freed_bytes = 100;

rstate::Result<> have_in_tlb_and_window(const Freed &f) {
    static_cast<void>(*pointer_to<volatile u8>(f.block));
    auto pin = TRY(world->windows.pin(f.frame), "pinning the frame");
    static_cast<void>(*static_cast<volatile u8 *>(pin.bytes()));
    return rstate::done();
}
template <rstate::Result<> (*busy)(Freed &, u64)>
rstate::Result<> free_while_core_1_is_busy(const TestContext &context, Freed &f) {
    struct Both {
        Freed &f;
        u64 ticks_per_second;
    } both{f, context.args.ticks_per_second()};
    f.block =
        TRY(world->heap.allocate(freed_bytes, 4, {"freed", __FILE__, __func__, __LINE__}), "allocating");
    f.frame = TRY(world->space.table().translate(f.block.page()), "finding the frame");
    run_on_cores(2, {[](void *given) {
                         auto &its = *static_cast<Both *>(given);
                         if (current_core() == 1) {
                             auto done = busy(its.f, its.ticks_per_second);
                             if (!done.ok()) its.f.error = done.take_error();
                             set(its.f.busy); // also after a failure: core 0 waits for it
                             return set(its.f.over);
                         }
                         while (!is_set(its.f.busy)) cpu::pause();
                         world->heap.free(its.f.block, freed_bytes, __builtin_return_address(0));
                         its.f.freed_before_over = !is_set(its.f.over);
                         its.f.reaches = world->windows.of(1)->reaches(its.f.frame);
                         set(its.f.freed);
                     },
                     &both});
    if (f.error.present()) return WRAP(std::move(f.error), "being busy on core 1");
    EXPECT(!f.reaches, f.frame);
    return rstate::done();
}

// The guest never stops by itself: IPIs from other cores take the core out of the guest, and it enters again.
rstate::Result<> loop_in_a_guest(Freed &f, u64 ticks_per_second) {
    TRY(have_in_tlb_and_window(f), "touching the block");
    start_ticks(10, ticks_per_second);
    TinyGuest guest = TRY(guest_running(endless_loop), "making a guest");
    guest.machine().set_deadline(2);
    TRY(guest.machine().run(), "running it once, so that the next interrupt arrives in the guest");
    guest.machine().set_deadline(100);
    set(f.busy);
    const vm::Exit exit = TRY(guest.machine().run(), "running");
    stop_ticks();
    EXPECT(exit.kind == vm::ExitKind::deadline, exit.kind, exit.code);
    return rstate::done();
}
rstate::Result<> a_core_inside_a_guest_drops_what_another_frees(const TestContext &context) {
    if (context.args.core_count < 2) return rstate::done();
    Freed f;
    TRY(free_while_core_1_is_busy<loop_in_a_guest>(context, f), "freeing while core 1 is in a guest");
    EXPECT(f.freed_before_over); // core 0 did not wait for the guest
    return rstate::done();
}
RL_VM_TEST(a_core_inside_a_guest_drops_what_another_frees);

// The free returns after the core has turned interrupts on again, not before.
rstate::Result<> keep_interrupts_off(Freed &f, u64) {
    TRY(have_in_tlb_and_window(f), "touching the block");
    bool too_early = false;
    {
        const cpu::InterruptsOff off;
        set(f.busy);
        for (u32 i = 0; i < 1'000'000; ++i) cpu::pause();
        too_early = is_set(f.freed);
    }
    EXPECT(!too_early);
    while (!is_set(f.freed)) cpu::pause();
    return rstate::done();
}
rstate::Result<> a_core_with_interrupts_off_is_waited_for(const TestContext &context) {
    if (context.args.core_count < 2) return rstate::done();
    Freed f;
    return free_while_core_1_is_busy<keep_interrupts_off>(context, f);
}
RL_TEST(a_core_with_interrupts_off_is_waited_for);

} // namespace

} // namespace kernel
