// tests/fuzz_entries/options_fuzz.cpp — any text as a run's options: refused, or within every limit.
#include "boot/formats/options.h"

#include "tests/sim/program.h"

extern "C" int LLVMFuzzerTestOneInput(const u8 *data, usize size) {
    auto options = boot::Options::parse({reinterpret_cast<const char *>(data), size});
    if (options.ok()) {
        CHECK(options.value().cpus <= max_cores, "the cores fit the tables");
        CHECK(options.value().max_len <= 2_MiB, "an input fits its place");
    }
    rstate::handled(std::move(options));
    sim::clear_log(); // else it grows without bound
    CHECK(rstate::frames_in_use(0) == 0, "every error was released");
    return 0;
}
