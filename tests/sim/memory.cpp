// tests/sim/memory.cpp — see memory.h. The frames are one memory file; each pin maps a page of it.
#include "tests/sim/memory.h"

#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

#include "mm/codes.h"

namespace sim {

namespace {

u8 *map_file(u8 *address, int file, u64 bytes, u64 offset) {
    const int fixed = address != nullptr ? MAP_FIXED : 0;
    void *p = mmap(address, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE | fixed, file,
                   static_cast<off_t>(offset));
    CHECK(p != MAP_FAILED, "the host maps a page of the memory file");
    return static_cast<u8 *>(p);
}

} // namespace

SimMemory::SimMemory(u64 frames, Phys first, Mode mode)
    : file_(memfd_create("simulated memory", 0)), first_(first), mode_(mode),
      owners_(frames, mm::Owner::none), pinned_(frames) {
    CHECK(file_ >= 0 && ftruncate(file_, static_cast<off_t>(frames * page_size)) == 0,
          "the memory file is made");
    all_ = map_file(nullptr, file_, frames * page_size, 0);
}

SimMemory::~SimMemory() {
    munmap(all_, frames() * page_size);
    close(file_);
}

bool SimMemory::planned_failure() {
    __atomic_fetch_add(&steps_, 1, __ATOMIC_RELAXED);
    u64 left = __atomic_load_n(&fail_after_, __ATOMIC_RELAXED);
    if (left == ~0ul) return false;
    __atomic_store_n(&fail_after_, left - 1, __ATOMIC_RELAXED); // 0 becomes ~0: never again
    return left == 0;
}

rstate::Result<SimMemory::Pin> SimMemory::pin(Phys page) {
    CHECK(page.page_aligned() && holds(page), "a whole page of this memory is pinned", page);
    if (planned_failure()) return FAIL(mm::no_slot, "the test planned this pin to fail", page);
    if (pins() >= pin_limit_) return FAIL(mm::no_slot, "the test allows no more pins", page, pins());
    {
        const std::lock_guard guard(mutex_);
        CHECK(!allocates_ || owners_[(page - first_) / page_size] != mm::Owner::none,
              "a frame that is pinned has an owner", page);
    }
    __atomic_fetch_add(&pins_, 1, __ATOMIC_RELAXED);
    const u64 offset = page - first_, number = offset / page_size;
    __atomic_fetch_add(&pinned_[number], 1, __ATOMIC_RELAXED);
    u8 *bytes = mode_ == Mode::quick ? all_ + offset : map_file(nullptr, file_, page_size, offset);
    return Pin(this, bytes, number);
}

SimMemory::Pin &SimMemory::Pin::operator=(Pin &&other) {
    if (this != &other) {
        release();
        memory_ = other.memory_, bytes_ = other.bytes_, number_ = other.number_;
        other.bytes_ = nullptr;
    }
    return *this;
}

void SimMemory::Pin::release() {
    if (bytes_ == nullptr) return;
    if (memory_->mode_ == Mode::strict) munmap(bytes_, page_size);
    __atomic_fetch_sub(&memory_->pins_, 1, __ATOMIC_RELAXED);
    __atomic_fetch_sub(&memory_->pinned_[number_], 1, __ATOMIC_RELAXED);
    bytes_ = nullptr;
}

rstate::Result<Phys> SimMemory::allocate(mm::Owner owner) {
    CHECK(owner != mm::Owner::none, "a frame is allocated for an owner");
    if (planned_failure()) return FAIL(mm::out_of_frames, "the test planned this allocation to fail", owner);
    if (used() >= frame_limit_)
        return FAIL(mm::out_of_frames, "the test allows no more frames", owner, used());
    const std::lock_guard guard(mutex_);
    allocates_ = true;
    if (free_.empty() && next_ == owners_.size())
        return FAIL(mm::out_of_frames, "the simulated memory is used up", owner, owners_.size());
    const u64 number = free_.empty() ? next_++ : free_.back();
    if (!free_.empty()) free_.pop_back();
    owners_[number] = owner;
    std::memset(all_ + number * page_size, 0xA7, page_size); // never looks cleared
    return first_ + number * page_size;
}

void SimMemory::free(Phys frame, mm::Owner owner) {
    CHECK(frame.page_aligned() && holds(frame), "a freed frame is one of this memory", frame);
    const std::lock_guard guard(mutex_);
    mm::Owner &known = owners_[(frame - first_) / page_size];
    CHECK(known == owner, "a frame is freed once, by its owner", frame, known, owner);
    CHECK(pinned_[(frame - first_) / page_size] == 0, "a frame is not freed while it is pinned", frame);
    known = mm::Owner::none;
    free_.push_back((frame - first_) / page_size);
    std::memset(all_ + (frame - first_), 0xDD, page_size);
}

u64 SimMemory::used() const {
    const std::lock_guard guard(mutex_);
    return next_ - free_.size();
}

u64 SimMemory::used(mm::Owner owner) const {
    const std::lock_guard guard(mutex_);
    u64 count = 0;
    for (const mm::Owner o : owners_) count += o == owner;
    return count;
}

u8 *SimMemory::peek(Phys page) {
    CHECK(holds(page), "a peeked page is of this memory", page);
    return all_ + (page - first_);
}

void SimMemory::map_at(u8 *address, Phys page) { map_file(address, file_, page_size, page - first_); }

void SimMemory::unmap_at(u8 *address, u64 bytes) {
    void *p = mmap(address, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
    CHECK(p == address, "the host takes a mapping away");
}

} // namespace sim
