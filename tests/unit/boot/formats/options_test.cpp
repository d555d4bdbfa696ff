// tests/unit/boot/formats/options_test.cpp — the bundle's options: values, limits, refusals.
#include "boot/formats/options.h"

#include "boot/formats/codes.h"
#include "tests/sim/program.h"
#include "tests/sim/test.h"

namespace {

using boot::Options;

TEST(Options, HaveDefaults) {
    const Options options = Options::parse("").take();
    EXPECT_EQ(options.cpus, 0u);
    EXPECT_EQ(options.cases, 0u);
    EXPECT_EQ(options.max_len, 0u) << "as the seeds say";
    EXPECT_FALSE(options.has_seed || options.replay || options.exit);
    EXPECT_TRUE(options.mode.empty() && options.mode_argument.empty());
}

TEST(Options, AllKeysAreRead) {
    const Options options =
        Options::parse("target=stb_image\ncpus=4\nseed=0\ncases=2000000\nmax_len=65536\nreplay=1\n"
                       "exit=1\nedge_budget=0x1000\nthreads=9\ntarget_output=1\nexamine=1\nvariants=1\n"
                       "minimize=1\nserial=0x2f8")
            .take();
    EXPECT_TRUE(options.target == "stb_image");
    EXPECT_EQ(options.cpus, 4u);
    EXPECT_TRUE(options.has_seed) << "a seed of 0 is a seed";
    EXPECT_EQ(options.seed, 0u);
    EXPECT_EQ(options.cases, 2'000'000u);
    EXPECT_EQ(options.max_len, 65536u);
    EXPECT_TRUE(options.replay && options.exit && options.target_output);
    EXPECT_TRUE(options.examine && options.variants && options.minimize);
    EXPECT_EQ(options.edge_budget, 4096u);
    EXPECT_EQ(options.threads, 9u);
    EXPECT_EQ(options.serial, 0x2F8u);
}

TEST(Options, EmptyLinesAndEqualsSignsInValuesAreFine) {
    const Options options = Options::parse("\n\ntest=a=b\n\n").take();
    EXPECT_TRUE(options.mode == "test" && options.mode_argument == "a=b");
}

TEST(Options, AtMostOneModeIsAskedFor) {
    for (const char *mode : {"test", "bench", "inject"}) {
        const std::string line = std::string(mode) + "=mm.*\n";
        const Options options = Options::parse(line.c_str()).take();
        EXPECT_TRUE(options.mode == mode && options.mode_argument == "mm.*");
        EXPECT_TRUE(fails_with(Options::parse((line + "bench=vm*").c_str()), boot::option_malformed));
    }
}

TEST(Options, AnUnknownKeyIsAnErrorThatShowsTheLine) {
    sim::clear_log();
    EXPECT_TRUE(fails_with(Options::parse("cpus=1\ncpu=2\n"), boot::option_unknown));
    EXPECT_NE(sim::log_text().find("cpu=2"), std::string::npos);
}

TEST(Options, ValuesThatMakeNoSenseAreErrors) {
    for (const char *text :
         {"cpus", "cpus=", "cpus=two", "cpus=-1", "cpus=65", "serial=0xfff9", "seed=18446744073709551616",
          "replay=2", "max_len=0", "max_len=99999999999", "=1", "cases=1 "})
        EXPECT_TRUE(
            fails_with(Options::parse(text), *text == '=' ? boot::option_unknown : boot::option_malformed))
            << text;
}

} // namespace
