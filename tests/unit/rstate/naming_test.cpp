// tests/unit/rstate/naming_test.cpp — the names that a chain prints, cut out of what the compiler gives.
#include "rstate/naming.h"

#include <string>

#include "tests/sim/test.h"

namespace {

std::string function(const char *pretty) {
    const rstate::naming::Builder name = rstate::naming::function_name(pretty);
    return {name.characters, name.size};
}

std::string names(const char *list) {
    const rstate::naming::Builder built = rstate::naming::text_and_names("", list);
    return {built.characters, built.size};
}

TEST(Naming, AFunctionIsNamedByClassAndMemberWithoutNamespacesAndArguments) {
    EXPECT_EQ(function("int main()"), "main");
    EXPECT_EQ(function("rstate::Result<Virt> stage2::World::random_place(u64, u64)"), "World::random_place");
    EXPECT_EQ(function("u64 a::(anonymous namespace)::Table<a::B<int>>::find(void (*)(int)) const [T = (x)]"),
              "Table::find");
    EXPECT_EQ(function("auto mm::map(Span<u8>) [Use = (lambda at ./mm/map.h:3:4)]"), "map");
    EXPECT_EQ(function("mm::Pin::~Pin()"), "Pin::~Pin");
}

TEST(Naming, ALambdaAndAnOperatorHaveNoWordForAName) {
    EXPECT_EQ(function("auto tail(u64)::(anonymous class)::operator()(u64) const"), "lambda");
    EXPECT_EQ(function("bool Callable::operator()(u64) const"), "lambda");
}

TEST(Naming, AValueIsNamedByTheLastWordOfItsExpressionAndANumberHasNoName) {
    using std::string_literals::operator""s;
    EXPECT_EQ(names(""), "");
    EXPECT_EQ(names("count"), "\0count "s);
    EXPECT_EQ(names("thing.size(), count_, list[i], entry.raw, 7"), "\0size \0count \0list \0entry \0"s);
    EXPECT_EQ(names("u64{header.e_phnum}, at.value(), raw"), "\0e_phnum \0at \0raw "s);
    EXPECT_EQ(names("call(a, b), \"a text\", Phys(address)"), "\0b \0text \0address "s);
}

static_assert(rstate::naming::function_name("void f()").size == 1, "names are made while compiling");

} // namespace
