// tests/fuzz_entries/options_fuzz.cpp — any text as a run's options: refused, or within every limit.
#include "boot/formats/options.h"

#include "tests/sim/program.h"

extern "C" int LLVMFuzzerTestOneInput(const u8 *data, usize size) {
    auto options = boot::Options::parse({reinterpret_cast<const char *>(data), size});
    if (options.ok()) {
        CHECK(options.value().cpus <= max_cores, "there are never more cores than tables have room for");
        CHECK(options.value().max_len >= 1, "an input may have a byte");
    }
    rstate::handled(std::move(options));
    sim::clear_log(); // it grows for ever
    CHECK(rstate::frames_in_use(0) == 0, "every error was given back");
    return 0;
}
