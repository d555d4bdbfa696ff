// boot/formats/options.cpp — see options.h.
#include "boot/formats/options.h"

#include "base/core.h"
#include "base/log.h"
#include "boot/formats/codes.h"

namespace boot {

namespace {

// A key sets exactly one of number, text and flag.
struct Key {
    Text name;
    u64 Options::*number = nullptr;
    Text Options::*text = nullptr;
    bool Options::*flag = nullptr;
    bool is_mode = false;
    u64 least = 0, most = ~0ul;
};

constexpr u64 longest_input = 2_MiB; // RL_INPUT_CAPACITY: what the input arena holds

constexpr Key keys[] = {
    {.name = "target", .text = &Options::target},
    {.name = "cpus", .number = &Options::cpus, .most = max_cores},
    {.name = "seed", .number = &Options::seed},
    {.name = "cases", .number = &Options::cases},
    {.name = "max_len", .number = &Options::max_len, .least = 1, .most = longest_input},
    {.name = "edge_budget", .number = &Options::edge_budget},
    {.name = "timeout_s", .number = &Options::timeout_s, .most = 1'000'000},
    {.name = "threads", .number = &Options::threads},
    {.name = "serial", .number = &Options::serial, .most = 0xFFF8},
    {.name = "replay", .flag = &Options::replay},
    {.name = "hold", .flag = &Options::hold},
    {.name = "leaks", .flag = &Options::leaks},
    {.name = "examine", .flag = &Options::examine},
    {.name = "variants", .flag = &Options::variants},
    {.name = "minimize", .flag = &Options::minimize},
    {.name = "target_output", .flag = &Options::target_output},
    {.name = "layout", .flag = &Options::layout},
    {.name = "exit", .flag = &Options::exit},
    {.name = "test", .is_mode = true},
    {.name = "bench", .is_mode = true},
    {.name = "inject", .is_mode = true},
};

rstate::Result<void> set(Options &options, const Key &key, Text value) {
    if (key.text != nullptr) {
        options.*key.text = value;
        return rstate::done();
    }
    if (key.is_mode) {
        if (!options.mode.empty())
            return FAIL(option_malformed, "two options ask for different modes", key.name.data(),
                        options.mode.data());
        options.mode = key.name;
        options.mode_argument = value;
        return rstate::done();
    }
    u64 number = 0;
    if (!parse_number(value, number))
        return FAIL(option_malformed, "the option's value is not a number", key.name.data());
    if (key.flag != nullptr) {
        if (number > 1)
            return FAIL(option_malformed, "the option's value must be 0 or 1", key.name.data(), number);
        options.*key.flag = number == 1;
        return rstate::done();
    }
    if (number < key.least || number > key.most)
        return FAIL(option_malformed, "the option's value is out of range", key.name.data(), number,
                    key.least, key.most);
    options.*key.number = number;
    if (key.number == &Options::seed) options.has_seed = true;
    return rstate::done();
}

rstate::Result<void> parse_line(Options &options, Text line) {
    const usize equals = line.find('=');
    if (equals == line.size()) return FAIL(option_malformed, "a line of the options is not key=value");
    for (const Key &key : keys)
        if (key.name == line.sub(0, equals)) return set(options, key, line.from(equals + 1));
    return FAIL(option_unknown, "there is no option of this name");
}

} // namespace

rstate::Result<Options> Options::parse(Text text) {
    Options options;
    for (u64 number = 1; !text.empty(); ++number) {
        const usize end = text.find('\n');
        const Text line = text.sub(0, end);
        text = text.from(end + 1);
        if (line.empty()) continue;
        auto parsed = parse_line(options, line);
        // An error frame keeps only texts that live as long as the program, so the line is logged.
        if (!parsed.ok()) LOG(boot, "option \"{}\" on line {}", escaped(line), number);
        TRY(std::move(parsed), "reading the options", number);
    }
    return options;
}

} // namespace boot
