// tests/native/fuzz.cpp — one worker over the native executor: records on standard output, until its
// cases are done.
//
//   fuzz CASES SEED SEED_FILE...
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string>

#include "fuzz/worker.h"
#include "tests/native/executor.h"
#include "tests/unit/fuzz/fake.h"

namespace {

struct Platform {
    u64 now_us() {
        timespec now{};
        clock_gettime(CLOCK_MONOTONIC, &now);
        return static_cast<u64>(now.tv_sec) * 1'000'000 + static_cast<u64>(now.tv_nsec) / 1000;
    }
    u64 time() { return now_us(); }
    void between_cases() {}
    fuzz::MachineFigures figures() { return {}; }
    void send_records() {
        fuzz::Outbox *const outboxes[] = {&outbox};
        for (Bytes bytes; !(bytes = merger.next(outboxes, 4096)).empty(); merger.sent(bytes.size()))
            std::fwrite(bytes.data(), 1, bytes.size(), stdout);
    }
    fuzz::Outbox &outbox;
    fuzz::Merger merger;
};
using fuzz::Worker;

std::string read_file(const char *path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace

int main(int argc, char **argv) {
    if (argc < 3) {
        std::fprintf(stderr, "usage: fuzz CASES SEED SEED_FILE...\n");
        return 2;
    }
    native::Executor executor;
    const fuzz::SharedSize shared_size{.cores = 1, .edges = executor.counter_count()};
    const fuzz::WorkerSize size{.edges = executor.counter_count()};
    const u32 capacity = fuzz::outbox_capacity(size.max_len);
    fake::Memory shared_memory(fuzz::Shared::memory(shared_size));
    fake::Memory memory(Worker::memory(size) + fuzz::Outbox::memory(capacity));
    fuzz::Shared shared(shared_memory, shared_size, std::strtoull(argv[1], nullptr, 0));
    fuzz::Outbox outbox(memory, capacity);
    Platform platform{outbox, {}};
    Worker worker(fuzz::Executor::of(executor), fuzz::Platform::of(platform), shared, outbox, memory, size,
                  {.seed = std::strtoull(argv[2], nullptr, 0),
                   .pace = fuzz::Pace::repeatable,
                   .stats_every = 10'000,
                   .resolver = &native::resolver()});
    std::vector<std::string> files;
    for (int i = 3; i < argc; ++i) files.push_back(read_file(argv[i]));
    std::vector<fuzz::Seed> seeds;
    for (const std::string &file : files) seeds.push_back({fake::bytes(file)});
    auto result = worker.run({seeds.data(), seeds.size()});
    platform.send_records();
    if (result.ok()) return 0;
    rstate::report(result.take_error());
    return 1;
}
