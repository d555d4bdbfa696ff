// tests/kernel/unit/fault_injection_test.cpp — whatever can fail between a first frame and a fuzzed case
// fails once, on the machine: the error tells what was being done, the same works when it is tried again,
// nothing is lost.
#include <optional>
#include <type_traits>

#include "base/log.h"
#include "fuzz/worker.h"
#include "kernel/campaign/target.h"
#include "kernel/introspect/leak_check.h"
#include "mm/aligned_memory.h"
#include "mm/codes.h"
#include "svm/codes.h"
#include "tests/kernel/unit/fault_injection.h"
#include "tests/kernel/unit/test.h"
#include "vm/codes.h"

namespace kernel {

namespace {

constexpr mm::AllocationSite site{"thing", "some/file.cpp", "some_function", 1};

// One step of a story, and what was being done when it fails: a frame outside the origin begins with
// one of these.
template <class Story> struct Step {
    rstate::Result<> (Story::*run)();
    const char *doing[8];
};

// --- a story of the address space: tables of their own, in frames of their own, through the real window

// Gives every page, by filling it or by lending its own.
struct Pages {
    Phys lent;
    static rstate::Result<void> fill(void *, u64 page, u8 *bytes) {
        bytes[0] = static_cast<u8>(page);
        return rstate::done();
    }
    static rstate::Result<Phys> share(void *self, u64) { return static_cast<Pages *>(self)->lent; }
};

// The frames that each story is told in.
struct Ground {
    static constexpr u64 frames = 1200;
    Phys first;
};

class AddressStory final {
  public:
    explicit AddressStory(const Ground &ground) : ground_(ground) {
        tlb_shootdown_.join(world->windows.of(current_core()));
    }
    AddressStory(const AddressStory &) = delete;
    ~AddressStory() {
        if (block_) heap_->free(*block_, block_bytes, nullptr);
        for (u32 i = 0; i < range_count_; ++i)
            rstate::ignore(space_->unmap_and_free(ranges_[i], nullptr), "what is left is looked at below");
        if (!space_) return;
        space_->drain_quarantine();
        if (pages_.lent.value() != 0) frames_.free(pages_.lent, mm::Owner::snapshot);
        const u64 top_table = 1;
        CHECK(frames_.used() == top_table, "all frames of a story come back", frames_.used());
    }

    rstate::Result<> add_memory() { return pool_.add({ground_.first, Ground::frames * page_size, 0, 0, 0}); }
    rstate::Result<> make_space() {
        frames_.attach(current_core(), pool_);
        auto table = TRY(Space::Table::make(memory_, frames_), "making the top table");
        space_.emplace(frames_, tlb_shootdown_, table.root(), 4u);
        heap_.emplace(*space_);
        return rstate::done();
    }
    rstate::Result<> map_device() { return keep(space_->map_device(Phys(0xFEE0'0000), 2, site)); }
    rstate::Result<> map_stack() { return keep(space_->map_memory(4, mm::Owner::stack, site)); }
    rstate::Result<> protect() { return space_->protect(ranges_[range_count_ - 1], 2, mm::read_only); }
    rstate::Result<> reserve_lazy() { return reserve(fills_); }
    rstate::Result<> page_in() { return resolve(0); }
    rstate::Result<> lend_a_page() {
        pages_.lent = TRY(frames_.allocate(mm::Owner::snapshot), "taking a page to lend");
        return rstate::done();
    }
    rstate::Result<> reserve_lent() { return reserve(lends_); }
    rstate::Result<> map_lent() { return resolve(0); }
    rstate::Result<> copy_lent() { return resolve(cpu::PageFaultCode::Write::mask); }
    rstate::Result<> allocate() {
        block_ = TRY(heap_->allocate(block_bytes, 16, site), "allocating a block", block_bytes);
        return rstate::done();
    }

    using S = AddressStory;
    static constexpr Step<S> steps[] = {
        {&S::add_memory, {}},
        {&S::make_space, {"allocating the root of a page table", "clearing the root of a page table"}},
        {&S::map_device, {"finding addresses for a device", "mapping a device"}},
        {&S::map_stack, {"finding addresses for memory", "mapping memory"}},
        {&S::protect, {"protecting a page"}},
        {&S::reserve_lazy, {"choosing an address", "recording a range", "reserving addresses"}},
        {&S::page_in,
         {"finding what a fault is about", "reading the record of a faulting range",
          "making a page for a pager to fill", "paging in"}},
        {&S::lend_a_page, {"taking a page to lend"}},
        {&S::reserve_lent, {"choosing an address", "recording a range", "reserving addresses"}},
        {&S::map_lent,
         {"finding what a fault is about", "reading the record of a faulting range",
          "mapping a shared page"}},
        {&S::copy_lent,
         {"finding what a fault is about", "reading the record of a faulting range",
          "making a page to copy to", "copying a shared page"}},
        {&S::allocate, {"finding addresses for a block", "giving a block its memory"}}};

  private:
    using Space = mm::AddressSpace<PlannedMemory>;
    static constexpr u64 block_bytes = 5 * page_size + 1;

    rstate::Result<> keep(rstate::Result<mm::Range> made) {
        ranges_[range_count_] = TRY(std::move(made), "making a range of the story", range_count_);
        ++range_count_;
        return rstate::done();
    }
    rstate::Result<> reserve(const mm::Pager &pager) {
        return keep(
            space_->reserve({3, site, mm::RangeKind::lazy, mm::Owner::heap, mm::read_write, &pager, 0, 0}));
    }
    rstate::Result<> resolve(u64 fault_code) {
        const Virt page = ranges_[range_count_ - 1].page(1);
        const bool resolved =
            TRY(space_->handle_page_fault(page, fault_code), "asking for a page of a lazy range", page);
        EXPECT(resolved, page);
        return rstate::done();
    }

    Ground ground_;
    PlannedMemory memory_;
    mm::FramePool<PlannedMemory> pool_{memory_};
    mm::TlbShootdown tlb_shootdown_{{[](void *, u32) {}, nullptr}};
    mm::Frames<PlannedMemory> frames_{memory_, {mm::TlbShootdown::invalidate_frames, &tlb_shootdown_}};
    Pages pages_;
    mm::Pager fills_{nullptr, Pages::fill, nullptr}, lends_{&pages_, nullptr, Pages::share};
    std::optional<Space> space_;
    std::optional<mm::PageHeap<PlannedMemory>> heap_;
    mm::Range ranges_[4];
    u32 range_count_ = 0;
    std::optional<Virt> block_;
};

// --- a story of a target: from its file to fuzzed cases

using PlannedMachine = svm::Machine<PlannedMemory, PlannedFrames, PlannedEntries>;
using PlannedProcess = guest::Process<PlannedMachine>;

struct TestPlatform {
    static u64 now_us() { return 0; }
    static u64 time() { return 0; }
    static void between_cases() {}
    static fuzz::MachineFigures figures() { return {}; }
    static void send_records() {}
};

struct Given {
    const boot::Bundle &bundle;
    Phys maps; // frames for the permission maps
    Bytes seed;
};

class TargetStory final {
  public:
    explicit TargetStory(const Given &given) : given_(given) {}
    TargetStory(const TargetStory &) = delete;
    ~TargetStory() {
        end_machines();
        if (snapshot_ && snapshot_->taken())
            rstate::ignore(snapshot_->release(memory_, frames_), "a story that failed is told as such");
        switch_off();
    }

    rstate::Result<> switch_on() {
        const svm::PermissionMaps maps =
            TRY(svm::PermissionMaps::fill(memory_, given_.maps), "filling the permission maps");
        core_.emplace(cpu::Features::read(), maps);
        TRY(core_->start(memory_, frames_), "switching SVM on");
        return rstate::done();
    }
    rstate::Result<> load() {
        const Bytes file = TRY(given_.bundle.find("target.elf"), "finding the target");
        const u64 slots = TRY(guest::Program::slots_needed(file), "sizing its symbol table");
        functions_ = TRY(mm::allocate_array<guest::Function>(planned_heap, slots), "allocating its symbols");
        program_.emplace(TRY(guest::Program::make(file, functions_.span()), "checking it"));
        return rstate::done();
    }
    // A start-up that was broken off cannot go on: each try begins with a machine of its own.
    rstate::Result<> take_snapshot() {
        end_machines();
        snapshot_ = TRY(mm::allocate<vm::Snapshot>(planned_heap), "allocating the snapshot");
        TRY(make(first_), "making the machine that starts the target");
        PlannedProcess process =
            TRY(PlannedProcess::load(*first_, *program_, deadlines), "loading the target");
        TRY(process.run_to_snapshot_point(), "running it to its door");
        snapshot_point_ = TRY(mm::allocate<guest::SnapshotPoint>(planned_heap, process.snapshot_point()),
                              "keeping what it says");
        TRY(first_->take_snapshot(*snapshot_), "photographing it");
        return rstate::done();
    }
    rstate::Result<> attach() {
        process_.reset(), second_.reset();
        TRY(make(second_), "making another machine");
        TRY(second_->attach(*snapshot_), "standing it at the snapshot");
        process_.emplace(PlannedProcess::attach(*second_, *program_, *snapshot_point_, deadlines));
        return rstate::done();
    }
    rstate::Result<> run_case() {
        TRY(process_->reset(), "going back to the snapshot"); // from wherever an earlier try broke off
        TRY(process_->run_case(given_.seed, {.edge_budget = 10'000'000}), "running a case");
        TRY(process_->visit_counters([](u32, Bytes) {}), "looking at its counters");
        TRY(process_->reset(), "resetting after the case");
        const u64 digest = TRY(process_->digest(), "digesting what a reset left");
        EXPECT(digest == snapshot_->digest(), digest, snapshot_->digest());
        return rstate::done();
    }
    rstate::Result<> fuzz() {
        constexpr u64 cases = 16, seed = 1;
        TRY(process_->reset(), "going back to the snapshot");
        const u32 edges = process_->counter_count();
        const fuzz::SharedSize shared_size{1, edges, 1u << 10};
        const fuzz::WorkerSize size{
            .edges = edges, .max_len = 4096, .entries = 64, .corpus_bytes = 64u << 10};
        const u32 capacity = fuzz::outbox_capacity(size.max_len);
        const usize bytes =
            fuzz::Shared::memory(shared_size) + fuzz::Worker::memory(size) + fuzz::Outbox::memory(capacity);
        auto tables = TRY(mm::allocate_aligned(planned_heap, bytes), "allocating the fuzzer's tables", bytes);
        fuzz::Arena arena(mm::bytes_of(tables));
        auto shared = TRY(mm::allocate<fuzz::Shared>(planned_heap, arena, shared_size, cases),
                          "allocating what cores share");
        auto outbox =
            TRY(mm::allocate<fuzz::Outbox>(planned_heap, arena, capacity), "allocating the outbox", capacity);
        TestPlatform platform;
        auto worker =
            TRY(mm::allocate<fuzz::Worker>(planned_heap, fuzz::Executor::of(*process_),
                                           fuzz::Platform::of(platform), *shared, *outbox, arena, size,
                                           fuzz::WorkerOptions{.seed = seed, .digest_every = 8}),
                "allocating the worker");
        const fuzz::Seed seeds[] = {{given_.seed}};
        TRY(worker->run({seeds, 1}), "fuzzing");
        EXPECT(worker->cases() == cases, worker->cases());
        return rstate::done();
    }
    rstate::Result<> release() {
        plan.close();
        end_machines();
        plan.open();
        return snapshot_->release(memory_, frames_);
    }

    using S = TargetStory;
    static constexpr Step<S> steps[] = {
        {&S::switch_on,
         {"filling the permission maps", "taking the host save area", "taking the host's VMCB",
          "clearing the host save area", "clearing the host's VMCB"}},
        {&S::load, {"allocating its symbols"}},
        {&S::take_snapshot,
         {"making a virtual machine", "loading the target", "running the target's start-up",
          "reading the target's control block", "sharing the target's page tables", "taking the snapshot",
          "allocating the snapshot", "keeping what it says"}},
        {&S::attach, {"making a virtual machine", "standing it at the snapshot"}},
        {&S::run_case,
         {"resetting the target's machine", "giving the target its input", "running the target",
          "looking at its counters", "hashing the target's memory"}},
        {&S::fuzz,
         {"resetting the target's machine", "fuzzing", "allocating the fuzzer's tables",
          "allocating what cores share", "allocating the outbox", "allocating the worker"}},
        {&S::release, {"pinning a snapshot's table to free its pages"}}};

  private:
    rstate::Result<> make(std::optional<PlannedMachine> &machine) {
        const u64 size = align_up(program_->layout().memory_needed(), 2_MiB);
        machine.emplace(TRY(PlannedMachine::make(*core_, memory_, frames_, planned_heap, size),
                            "making a virtual machine", size));
        machine->set_fault_around(15);
        return rstate::done();
    }
    void end_machines() { process_.reset(), second_.reset(), first_.reset(); }
    // A core keeps two frames for good, but a story must end as it began.
    void switch_off() {
        if (!core_ || core_->host_vmcb().value() == 0) return;
        const Phys save(cpu::read_msr(cpu::Msr::vm_hsave_pa));
        svm::disable();
        frames_.free(save, mm::Owner::device);
        frames_.free(core_->host_vmcb(), mm::Owner::device);
    }

    Given given_;
    PlannedMemory memory_;
    PlannedFrames frames_;
    std::optional<svm::Core> core_;
    mm::OwnedArray<guest::Function> functions_;
    std::optional<guest::Program> program_;
    mm::Owned<vm::Snapshot> snapshot_;
    mm::Owned<guest::SnapshotPoint> snapshot_point_;
    std::optional<PlannedMachine> first_, second_;
    std::optional<PlannedProcess> process_;
};

// --- telling a story

bool tells_one_of(const rstate::Error &error, Span<const char *const> doing) {
    const rstate::Frame *frame = error.frame();
    for (; frame != nullptr && frame->inner != nullptr; frame = frame->inner)
        for (const char *text : doing)
            if (text != nullptr && Text(frame->site->text).starts_with(text)) return true;
    return false;
}

// The error is what was planned, below what was being done.
rstate::Result<> expect_planned(rstate::Error error, Point kind, Span<const char *const> doing) {
    const rstate::Code *const codes[point_kinds] = {&mm::no_slot, &mm::out_of_frames, &mm::out_of_frames,
                                                    &svm::vmrun_refused};
    const bool tells = tells_one_of(error, doing);
    // A machine at its snapshot says of frames that it gets no more of them.
    const bool right =
        error.is(*codes[static_cast<u32>(kind)]) || (kind == Point::frame && error.is(vm::out_of_memory));
    if (!plan.happened() || !tells || !right)
        return WRAP(std::move(error), "this was not planned, or does not tell what was being done");
    rstate::handled(std::move(error));
    return rstate::done();
}

struct Count {
    u64 points = 0;
    u64 taken = 0; // of them
    u64 told = 0;  // of those taken; the others were done without
    u64 wrong = 0; // of those told: not what was planned, or not what was being done
};
constexpr u64 most_shown = 20; // of the wrong ones

// Tells a story step by step. Each step fails at one point after the other before it may succeed; when it is
// done in spite of a failure, the story ends there, and the next one is told as far without any.
template <class Story, class Given> class Teller final {
  public:
    explicit Teller(const Given &given) : given_(given) {}

    // Of each kind in each step at most `most` points, spread evenly.
    rstate::Result<Count> fail_everywhere(u64 most) {
        TRY(count_points(), "telling a story in which nothing fails");
        for (u32 step = 0; step < step_count; ++step)
            for (u32 kind = 0; kind < point_kinds; ++kind) {
                const u64 points = met_[step][kind], taken = min(points, most);
                count_.points += points;
                for (u64 i = 0; i < taken; ++i)
                    TRY(fail(step, static_cast<Point>(kind), i * points / taken), "failing in a step", step,
                        kind, i * points / taken);
            }
        TRY(come_to(step_count), "telling the story to its end");
        TRY(end(), "ending the story");
        EXPECT(count_.wrong == 0, count_.wrong, count_.told);
        return count_;
    }

  private:
    static constexpr u32 step_count = std::extent_v<decltype(Story::steps)>;

    rstate::Result<> do_step(u32 step) {
        plan.open();
        auto done = ((*story_).*Story::steps[step].run)();
        plan.close();
        PlannedEntries::mend();
        return done;
    }
    rstate::Result<> count_points() {
        for (u32 step = 0; step < step_count; ++step) {
            TRY(come_to(step), "coming to the next step", step);
            plan = FailurePlan();
            TRY(do_step(step), "counting the points of a step", step);
            at_ = step + 1;
            for (u32 kind = 0; kind < point_kinds; ++kind)
                met_[step][kind] = plan.met(static_cast<Point>(kind));
        }
        return end();
    }
    // A step that was tried before may find some of its work done, and not meet the point: then from anew.
    rstate::Result<> fail(u32 step, Point kind, u64 number) {
        const bool met = TRY(try_to_fail(step, kind, number), "failing in a step");
        if (!met) TRY(try_to_fail(step, kind, number), "failing in a step of a new story");
        return rstate::done();
    }
    rstate::Result<bool> try_to_fail(u32 step, Point kind, u64 number) {
        TRY(come_to(step), "coming to the step that is to fail");
        plan = FailurePlan::of(kind, number);
        auto done = do_step(step);
        const bool met = plan.happened();
        count_.taken += met;
        if (done.ok()) {
            TRY(end(), "ending a story after a step that was done all the same");
            return met;
        }
        ++count_.told;
        auto right = expect_planned(done.take_error(), kind, Story::steps[step].doing);
        if (right.ok()) return met;
        // The story goes on, so that one run shows all that are wrong.
        ++count_.wrong;
        auto wrong = WRAP(right.take_error(), "looking at what was told", step, kind, number);
        if (count_.wrong <= most_shown)
            rstate::report(std::move(wrong), "of a planned failure");
        else
            rstate::ignore(std::move(wrong), "enough were shown");
        return met;
    }
    // All steps before this one are done, whatever failed in them before.
    rstate::Result<> come_to(u32 step) {
        if (!story_) {
            world->space.drain_quarantine();
            before_ = LeakCheck::count_now(), free_ = world->frames.free_frames();
            story_.emplace(given_), at_ = 0;
        }
        plan = FailurePlan();
        for (; at_ < step; ++at_) TRY(do_step(at_), "doing a step in which nothing fails", at_);
        return rstate::done();
    }
    rstate::Result<> end() {
        story_.reset();
        TRY(before_.check_all(), "looking for what a story lost");
        world->space.drain_quarantine();
        EXPECT(world->frames.free_frames() == free_, world->frames.free_frames(), free_);
        return rstate::done();
    }

    const Given &given_;
    std::optional<Story> story_;
    u32 at_ = 0; // the first step that is not done
    u64 met_[step_count][point_kinds] = {};
    LeakCheck before_ = LeakCheck::count_now();
    u64 free_ = 0;
    Count count_;
};

void tell_count(Text story, const Count &count) {
    LOG(kernel, "failures in {}: {} points, {} taken, {} told, {} done without", story, count.points,
        count.taken, count.told, count.taken - count.told);
}

rstate::Result<> fail_in_the_address_space(u64 most) {
    const Ground ground{
        TRY(world->frames.allocate_run(Ground::frames, 1, mm::Owner::device), "taking a story's frames")};
    auto told = Teller<AddressStory, Ground>(ground).fail_everywhere(most);
    world->frames.free_run(ground.first, Ground::frames, mm::Owner::device);
    const Count count = TRY(std::move(told), "failing in the address space");
    tell_count("the address space", count);
    EXPECT(count.told > count.taken / 2, count.told, count.taken);
    return rstate::done();
}

rstate::Result<> fail_with_a_target(const TestContext &context, u64 most) {
    const Phys maps = TRY(world->frames.allocate_run(svm::PermissionMaps::pages, 1, mm::Owner::device),
                          "taking frames for the permission maps");
    const u32 seed = context.bundle.next("seed/");
    EXPECT(seed < context.bundle.count(), seed);
    const Given given{context.bundle, maps, context.bundle.entry(seed).data};
    auto told = Teller<TargetStory, Given>(given).fail_everywhere(most);
    world->frames.free_run(maps, svm::PermissionMaps::pages, mm::Owner::device);
    rstate::ignore(start_svm(), "the stories switch SVM off, and other tests have it on");
    const Count count = TRY(std::move(told), "failing with a target");
    tell_count("a target", count);
    EXPECT(count.told > count.taken / 2, count.told, count.taken);
    return rstate::done();
}

constexpr u64 some = 5, all = ~0ul; // points of a kind in a step

rstate::Result<> long_some_failures_in_the_address_space_are_told_and_lose_nothing(const TestContext &) {
    return fail_in_the_address_space(some);
}
RL_TEST(long_some_failures_in_the_address_space_are_told_and_lose_nothing);

rstate::Result<> long_some_failures_with_a_target_are_told_and_lose_nothing(const TestContext &context) {
    return fail_with_a_target(context, some);
}
RL_VM_TEST(long_some_failures_with_a_target_are_told_and_lose_nothing);

rstate::Result<> long_all_failures_are_told_and_lose_nothing(const TestContext &context) {
    TRY(fail_in_the_address_space(all), "every failure in the address space");
    return fail_with_a_target(context, all);
}
RL_VM_TEST(long_all_failures_are_told_and_lose_nothing);

} // namespace

} // namespace kernel
