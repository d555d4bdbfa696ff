// tests/kernel/unit/shortage_test.cpp — the kernel's memory management without free frames: each operation
// with none left, then with one, until there are enough.
#include "base/log.h"
#include "kernel/campaign/target.h"
#include "kernel/introspect/leak_check.h"
#include "mm/codes.h"
#include "tests/kernel/tiny_guest.h"
#include "tests/kernel/unit/test.h"

namespace kernel {

namespace {

// Allocates all frames of the machine but a few, as a list: each frame contains the address of the next.
class Hoard final {
  public:
    Hoard() = default;
    Hoard(const Hoard &) = delete;
    ~Hoard() {
        while (last_.value() != 0) free_one();
    }

    rstate::Result<> leave(u64 frames) {
        while (world->frames.free_frames() < frames) free_one();
        while (world->frames.free_frames() > frames) TRY(allocate_one(), "allocating a frame", frames);
        return rstate::done();
    }

  private:
    rstate::Result<> allocate_one() {
        const Phys frame = TRY(world->frames.allocate(mm::Owner::device), "allocating a frame to keep");
        auto pin = mm::must_pin(world->windows, frame);
        *reinterpret_cast<Phys *>(pin.bytes()) = last_;
        last_ = frame;
        return rstate::done();
    }
    void free_one() {
        const Phys frame = last_;
        CHECK(frame.value() != 0, "a frame is freed only after it was allocated");
        {
            auto pin = mm::must_pin(world->windows, frame);
            last_ = *reinterpret_cast<Phys *>(pin.bytes());
        }
        world->frames.free(frame, mm::Owner::device);
    }

    Phys last_;
};

constexpr mm::AllocationSite site{"thing", "some/file.cpp", "some_function", 1};

rstate::Result<> map_a_stack(svm::Core &) {
    const mm::Range range = TRY(world->space.map_memory(4, mm::Owner::stack, site), "making a stack");
    return world->space.unmap_and_free(range, nullptr);
}
rstate::Result<> allocate_a_block(svm::Core &) {
    TRY(mm::allocate_array<u64>(world->allocator, 3000), "allocating an array");
    return rstate::done();
}
rstate::Result<> make_a_guest(svm::Core &core) {
    constexpr u8 code[] = {0x0F, 0x01, 0xD9}; // vmmcall
    TinyGuest guest = TRY(TinyGuest::make(core, code), "making a guest");
    const vm::Exit exit = TRY(guest.machine().run(), "running it");
    EXPECT(exit.kind == vm::ExitKind::hypercall, exit.kind);
    auto snapshot = TRY(mm::allocate<vm::Snapshot>(world->allocator), "allocating a snapshot");
    TRY(guest.machine().take_snapshot(*snapshot), "taking its snapshot");
    { const TinyGuest gone(std::move(guest)); }
    return snapshot->release(world->windows, world->frames);
}

using Operation = rstate::Result<> (*)(svm::Core &);
constexpr Operation operations[] = {map_a_stack, allocate_a_block, make_a_guest};

// Runs the operation with so many frames left; true when they were enough.
rstate::Result<bool> try_with(u64 frames, Hoard &hoard, Operation operation, svm::Core &core) {
    TRY(hoard.leave(frames), "using the frames up");
    const LeakCheck before = LeakCheck::count_now();
    auto done = operation(core);
    const bool enough = done.ok();
    if (!enough) {
        const bool tells = done.error().frame() != nullptr && done.error().frame()->inner != nullptr;
        if (!tells || !done.error().is(mm::out_of_frames))
            return WRAP(done.take_error(), "this error does not say that there are too few frames");
        rstate::handled(std::move(done));
    }
    TRY(before.check_all(), "checking for leaks");
    world->space.drain_quarantine();
    EXPECT(world->frames.free_frames() == frames, world->frames.free_frames(), frames);
    return enough;
}

rstate::Result<> long_some_failures_without_free_frames_leak_nothing(const TestContext &) {
    auto core = TRY(start_svm(), "switching SVM on");
    world->space.drain_quarantine();
    const u64 free = world->frames.free_frames();
    u64 points = 0;
    {
        Hoard hoard;
        for (const Operation operation : operations)
            for (u64 frames = 0;; ++frames, ++points)
                if (TRY(try_with(frames, hoard, operation, *core), "trying with so few frames", frames))
                    break;
    }
    EXPECT(world->frames.free_frames() == free, world->frames.free_frames(), free);
    LOG(kernel,
        "failures in a machine without memory: {} points, {} injected, {} reported, 0 succeeded without",
        points, points, points);
    EXPECT(points > 10, points);
    return rstate::done();
}
RL_VM_TEST(long_some_failures_without_free_frames_leak_nothing);

} // namespace

} // namespace kernel
