// tests/sim/test.h — GoogleTest for our tests: include this instead of <gtest/gtest.h>, whose FAIL would hide
// ours.
#pragma once

#define GTEST_DONT_DEFINE_FAIL 1
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "rstate/result.h"

namespace sim {

// Whether the tests have minutes (build.py test --long), or seconds.
inline bool long_run() { return std::getenv("RL_LONG") != nullptr; }

// A figure that the test measured: build.py test prints it beside the test's name.
inline void record_figure(const std::string &figure) { testing::Test::RecordProperty("measured", figure); }

// Whether the result failed with this code; consumes the error.
template <class T> testing::AssertionResult fails_with(rstate::Result<T> result, const rstate::Code &code) {
    if (result.ok()) return testing::AssertionFailure() << "it succeeded";
    rstate::Error error = result.take_error();
    const bool same = error.is(code);
    const char *name = error.code().name;
    error.release();
    return same ? testing::AssertionSuccess() : testing::AssertionFailure() << "it failed with " << name;
}

} // namespace sim

using sim::fails_with;
