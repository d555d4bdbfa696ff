// targets/cxx_example/harness.cpp — a small parser in C++, with exceptions and a bug that a fuzzer finds in
// seconds.
//
// The input is a list of settings, one on each line: `name = value`, where a value is a number, a "text", or
// a list like [1, "two", [3]]. A line with an error throws, is counted and skipped. Then the `get name
// index` lines look elements up; the bug is in at().
#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

struct Value {
    enum class Kind { number, text, list } kind = Kind::number;
    long number = 0;
    std::string text;
    std::vector<std::unique_ptr<Value>> list;
};

struct SyntaxError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class Parser final {
  public:
    explicit Parser(const std::string &line) : line_(line) {}

    std::string word() {
        skip_blanks();
        const size_t start = at_;
        while (at_ < line_.size() &&
               (std::isalnum(static_cast<unsigned char>(line_[at_])) || line_[at_] == '_'))
            at_++;
        if (at_ == start) throw SyntaxError("a name is missing");
        return line_.substr(start, at_ - start);
    }

    void expect(char wanted) {
        if (!accept(wanted)) throw SyntaxError(std::string("missing ") + wanted);
    }

    bool accept(char wanted) {
        skip_blanks();
        if (at_ == line_.size() || line_[at_] != wanted) return false;
        at_++;
        return true;
    }

    std::unique_ptr<Value> value(int depth) {
        if (depth > 16) throw SyntaxError("too deep");
        auto made = std::make_unique<Value>();
        if (accept('"')) {
            made->kind = Value::Kind::text;
            while (!accept_quote()) made->text.push_back(take());
        } else if (accept('[')) {
            made->kind = Value::Kind::list;
            while (!accept(']')) {
                made->list.push_back(value(depth + 1));
                accept(',');
            }
            made->list.shrink_to_fit();
        } else {
            made->number = number();
        }
        return made;
    }

    long number() {
        const std::string digits = word();
        size_t used = 0;
        const long result = std::stol(digits, &used, 0); // throws std::invalid_argument or std::out_of_range
        if (used != digits.size()) throw SyntaxError("not a number: " + digits);
        return result;
    }

  private:
    void skip_blanks() {
        while (at_ < line_.size() && line_[at_] == ' ') at_++;
    }
    char take() {
        if (at_ == line_.size()) throw SyntaxError("a text without an end");
        return line_[at_++];
    }
    bool accept_quote() {
        if (at_ == line_.size() || line_[at_] != '"') return false;
        at_++;
        return true;
    }

    const std::string &line_;
    size_t at_ = 0;
};

class Settings final {
  public:
    void read(const std::string &line) {
        Parser parser(line);
        const std::string name = parser.word();
        if (name == "get") {
            const std::string wanted = parser.word();
            look_up(wanted, parser.number());
            return;
        }
        parser.expect('=');
        values_[name] = parser.value(0);
    }

    long found() const { return found_; }

  private:
    // The injected bug: an index one past the end passes.
    static const Value &at(const Value &list, long index) {
        if (index < 0 || static_cast<size_t>(index) > list.list.size())
            throw std::out_of_range("no such element");
        return *list.list.data()[index];
    }

    void look_up(const std::string &name, long index) {
        const auto it = values_.find(name);
        if (it == values_.end() || it->second->kind != Value::Kind::list)
            throw SyntaxError("no such list: " + name);
        found_ += at(*it->second, index).number;
    }

    std::map<std::string, std::unique_ptr<Value>> values_;
    long found_ = 0;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const std::string text(reinterpret_cast<const char *>(data), size);
    Settings settings;
    int errors = 0;
    for (size_t start = 0; start < text.size();) {
        const size_t end = std::min(text.find('\n', start), text.size());
        try {
            settings.read(text.substr(start, end - start));
        } catch (const std::exception &) {
            errors++;
        }
        start = end + 1;
    }
    return 0;
}
