// tests/unit/svm/fault_injection_test.cpp — from the first frame to a case that was run and reset, everything
// that can fail fails once: memory, the typed heap, the processor. Each failure says what was being done, the
// step works when it is tried again, and at the end nothing is missing.
#include <algorithm>
#include <functional>
#include <optional>

#include "mm/page_heap.h"
#include "tests/unit/svm/world.h"

namespace {

using mm::Owner;
using Frames = mm::Frames<SimMemory>;
using Space = mm::AddressSpace<SimMemory>;
using Guest = svm::Machine<SimMemory, Frames, svm::CheckedAudit>;

enum class Fallible { memory, heap, processor };
// What one planned failure caused: an error, or the code did without the resource, or there was no such
// point.
enum class Verdict { failed, got_over, too_few };

constexpr u64 frames_per_core = 1500;
constexpr mm::AllocationSite site{"thing", "some/file.cpp", "some_function", 1};

// All that is made on the way, and the steps that make it.
class Scenario {
  public:
    Scenario() {
        sim::reset_cpus();
        const std::vector<const char *> writing = {"making a page the host writes private",
                                                   "pinning a page to write the guest's memory"};
        const std::vector<const char *> entering = {"entering the guest", "giving the guest a page"};
        const std::vector<const char *> making = {"making the guest's memory", "making the VMCB's page",
                                                  "making the page of vector registers"};
        const std::vector<const char *> block = {"finding addresses for a block",
                                                 "giving a block its memory"};
        steps_ = {
            {"giving core 0 its memory", {}, [this] { return add(0); }},
            {"giving core 1 its memory", {}, [this] { return add(1); }},
            {"making the top table",
             {"allocating the root of a page table", "clearing the root of a page table"},
             [this] { return make_space(); }},
            {"mapping a device",
             {"finding addresses for a device", "mapping a device"},
             [this] { return keep(space_->map_device(Phys(0xFEE0'0000), 2, site)); }},
            {"making a stack",
             {"finding addresses for memory", "mapping memory"},
             [this] { return keep(space_->map_memory(4, Owner::stack, site)); }},
            {"taking over the boot's page",
             {"taking a frame as the boot does", "mapping as the boot does",
              "looking before the boot's pages", "looking behind the boot's pages",
              "recording the boot's pages", "taking over the boot's pages"},
             [this] { return take_over(); }},
            {"allocating a block", block, [this] { return allocate(100); }},
            {"allocating a large block", block, [this] { return allocate(5 * page_size + 1); }},
            {"taking the permission maps",
             {"taking frames in a row", "pinning a page of the permission maps"},
             [this] { return take_maps(); }},
            {"switching SVM on",
             {"taking the host save area", "taking the host's VMCB", "clearing the host save area",
              "clearing the host's VMCB"},
             [this] { return switch_on(); }},
            {"making a machine", making, [this] { return make(first_); }},
            {"loading a target", writing, [this] { return load(); }},
            {"running to the snapshot point", entering, [this] { return run(*first_); },
             [this] { script_.write(GuestPhys(0x1000), 1).exit(svm::ExitCode::hlt); }},
            {"taking the snapshot of it",
             {"taking the snapshot"},
             [this] { return first_->take_snapshot(*snapshot_); }},
            {"making another machine", making, [this] { return make(second_); }},
            {"attaching it", {}, [this] { return second_->attach(*snapshot_); }},
            {"placing an input", writing, [this] { return place_input(); }},
            {"running a case", entering, [this] { return run(*second_); },
             [this] {
                 script_.write(GuestPhys(0x1000), 2).write(GuestPhys(0x9000), 3).exit(svm::ExitCode::hlt);
             }},
            {"resetting", {"resetting the guest's memory"}, [this] { return second_->reset(); }},
        };
    }
    ~Scenario() {
        first_.reset(), second_.reset();
        if (snapshot_->taken()) EXPECT_TRUE(snapshot_->release(memory_, frames_).ok());
        snapshot_.reset();
        if (maps_) frames_.free_run(maps_->first, svm::PermissionMaps::pages, Owner::device);
        for (const auto &[block, size] : blocks_) heap_->free(block, size, nullptr);
        for (const mm::Range &range : ranges_) EXPECT_TRUE(space_->unmap_and_free(range, nullptr).ok());
        if (space_) space_->drain_quarantine();
        // What stays: the top table, and the two frames that a core keeps for good.
        EXPECT_EQ(frames_.used(), u64{space_.has_value()} + (switched_on_ ? 2 : 0));
        EXPECT_EQ(objects_.live(), 0u);
        EXPECT_EQ(rstate::frames_in_use(0), 0u);
        sim::reset_cpus();
    }

    // Runs all steps; the n-th use of one kind fails.
    Verdict run_with_failure(Fallible kind, u64 n) {
        if (kind == Fallible::memory) memory_.fail_after(n);
        if (kind == Fallible::heap) objects_.fail_after(n);
        refuse_ = kind == Fallible::processor ? n : ~0ul;
        u32 failures = 0;
        for (const Step &step : steps_) {
            if (step.script) refuse_or(step.script);
            auto done = step.run();
            if (done.ok()) continue;
            ++failures;
            expect_chain(done.take_error(), step);
            memory_.never_fail(), objects_.never_fail();
            auto again = step.run();
            EXPECT_TRUE(again.ok()) << step.what << " is possible when what failed works again, n " << n;
            rstate::handled(std::move(again));
        }
        EXPECT_LE(failures, 1u);
        if (failures == 1) return Verdict::failed;
        const bool happened = kind == Fallible::memory ? memory_.failed()
                              : kind == Fallible::heap ? objects_.failed()
                                                       : refuse_ > n;
        memory_.never_fail(), objects_.never_fail();
        return happened ? Verdict::got_over : Verdict::too_few;
    }

  private:
    struct Step {
        const char *what;
        std::vector<const char *> doing; // one of these its chain must say; none when nothing in it can fail
        std::function<rstate::Result<>()> run;
        std::function<void()> script = {}; // what the guest will do
    };

    void refuse_or(const std::function<void()> &script_it) {
        if (refuse_-- == 0) script_.exit(static_cast<svm::ExitCode>(~0ul));
        script_it();
    }

    static void expect_chain(rstate::Error error, const Step &step) {
        std::string text;
        rstate::print_error({[](void *out, Text line) {
                                 *static_cast<std::string *>(out) +=
                                     std::string(line.data(), line.size()) + "\n";
                             },
                             &text},
                            error);
        rstate::handled(std::move(error));
        EXPECT_NE(text.find("<- origin"), std::string::npos) << step.what << ":\n" << text;
        EXPECT_TRUE(std::any_of(step.doing.begin(), step.doing.end(),
                                [&](const char *doing) { return text.find(doing) != std::string::npos; }))
            << step.what << " does not say what was being done:\n"
            << text;
        EXPECT_GE(std::count(text.begin(), text.end(), '\n'), 3) << step.what << " reports only the origin:\n"
                                                                 << text;
    }

    template <class T> rstate::Result<> keep(rstate::Result<T> made) {
        ranges_.push_back(TRY(std::move(made), "making a range of the scenario"));
        return rstate::done();
    }
    rstate::Result<> add(u64 number) {
        mm::FramePool<SimMemory> &pool = pools_[number];
        const u64 bytes = frames_per_core * page_size;
        TRY(pool.add({memory_.first() + number * bytes, bytes, 0, 0, 0}), "adding a range", number);
        frames_.attach(static_cast<u32>(number), pool);
        return rstate::done();
    }
    rstate::Result<> make_space() {
        auto table = TRY(Space::Table::make(memory_, frames_), "making the kernel's top table");
        tlb_shootdown_.join(nullptr);
        space_.emplace(frames_, tlb_shootdown_, table.root(), 4u);
        space_->mix_entropy(Text("a scenario").bytes());
        heap_.emplace(*space_);
        return rstate::done();
    }
    rstate::Result<> take_over() {
        const Virt page(0xffff'9123'4567'8000);
        if (!boots_) boots_ = TRY(frames_.allocate(Owner::boot), "taking a frame as the boot does");
        if (!mapped_)
            TRY(space_->table().map(page, *boots_, mm::read_only, frames_), "mapping as the boot does");
        mapped_ = true;
        return keep(space_->take_over(page, {1, site, mm::RangeKind::memory, Owner::boot, mm::read_only}));
    }
    rstate::Result<> allocate(u64 size) {
        blocks_.push_back(
            {TRY(heap_->allocate(size, 16, site), "allocating a block of the scenario", size), size});
        return rstate::done();
    }
    rstate::Result<> take_maps() {
        if (!maps_)
            maps_ =
                svm::PermissionMaps{TRY(frames_.allocate_run(svm::PermissionMaps::pages, 1, Owner::device),
                                        "taking frames in a row")};
        TRY(svm::PermissionMaps::fill(memory_, maps_->first), "filling the permission maps");
        return rstate::done();
    }
    rstate::Result<> switch_on() {
        if (!core_) core_.emplace(sim::plain_features(), *maps_);
        TRY(core_->start(memory_, frames_), "starting SVM on this core");
        switched_on_ = true;
        return rstate::done();
    }
    rstate::Result<> make(std::optional<Guest> &machine) {
        machine.emplace(TRY(Guest::make(*core_, memory_, frames_, objects_.allocator(), sim::guest_size),
                            "making a machine"));
        return rstate::done();
    }
    rstate::Result<> load() {
        u8 page[64];
        for (u64 i = 0; i < 20; ++i) {
            std::fill_n(page, sizeof page, static_cast<u8>(i + 1));
            TRY(first_->write(GuestPhys(i * 7 * page_size), {page, sizeof page}), "writing a page", i);
        }
        return rstate::done();
    }
    rstate::Result<> place_input() {
        const u8 input[] = {1, 2, 3};
        return second_->write(GuestPhys(0x2000), {input, sizeof input});
    }
    rstate::Result<> run(Guest &machine) {
        const vm::Exit exit = TRY(machine.run(), "running the guest");
        EXPECT_EQ(exit.kind, vm::ExitKind::halt);
        return rstate::done();
    }

    SimMemory memory_{2 * frames_per_core, Phys(0x200000), SimMemory::Mode::quick};
    mm::FramePool<SimMemory> pools_[2]{mm::FramePool<SimMemory>(memory_), mm::FramePool<SimMemory>(memory_)};
    mm::TlbShootdown tlb_shootdown_{{[](void *, u32) {}, nullptr}};
    Frames frames_{memory_};
    std::optional<Space> space_;
    std::optional<mm::PageHeap<SimMemory>> heap_;
    sim::Heap objects_;
    std::vector<mm::Range> ranges_;
    std::vector<std::pair<Virt, u64>> blocks_;
    std::optional<Phys> boots_;
    bool mapped_ = false, switched_on_ = false;
    std::optional<svm::PermissionMaps> maps_;
    std::optional<svm::Core> core_;
    sim::ScriptedCpu script_{memory_};
    std::optional<vm::Snapshot> snapshot_{std::in_place};
    std::optional<Guest> first_, second_;
    std::vector<Step> steps_;
    u64 refuse_ = ~0ul;
};

TEST(EveryFailure, IsReportedLosesNothingAndTheStepCanBeRepeated) {
    std::string counted;
    u64 points = 0, over = 0;
    for (const auto &[kind, name] : {std::pair{Fallible::memory, "of memory"},
                                     {Fallible::heap, "of the typed heap"},
                                     {Fallible::processor, "of the processor"}}) {
        u64 n = 0;
        for (; !testing::Test::HasFailure(); ++n) {
            const Verdict verdict = Scenario().run_with_failure(kind, n);
            if (verdict == Verdict::too_few) break;
            over += verdict == Verdict::got_over;
        }
        counted += (counted.empty() ? "" : ", ") + std::to_string(n) + " " + name;
        points += n;
        EXPECT_GT(n, 1u) << name;
    }
    sim::record_figure(std::to_string(points) + " points that failed once: " + counted + "; " +
                       std::to_string(over) + " were done without");
}

} // namespace
