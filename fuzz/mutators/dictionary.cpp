// fuzz/mutators/dictionary.cpp — see dictionary.h.
#include "fuzz/mutators/dictionary.h"

#include "fuzz/codes.h"

namespace fuzz {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

Text trimmed(Text text) {
    usize from = 0, to = text.size();
    while (from < to && is_blank(text[from])) ++from;
    while (to > from && is_blank(text[to - 1])) --to;
    return text.sub(from, to - from);
}

int digit_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

struct Token {
    u8 bytes[max_token_size];
    usize size = 0;
};

// The text between the quotes; the escapes are \\, \", \n, \r, \t and \xNN.
rstate::Result<Token> unescape(Text quoted, u32 line) {
    Token token;
    for (usize i = 0; i < quoted.size(); ++i) {
        if (token.size == max_token_size)
            return FAIL(bad_dictionary, "a token is longer than the fuzzer keeps", line, max_token_size);
        u8 &byte = token.bytes[token.size++];
        byte = static_cast<u8>(quoted[i]);
        if (quoted[i] == '"') return FAIL(bad_dictionary, "a quote inside a token needs a backslash", line);
        if (quoted[i] != '\\') continue;
        if (++i == quoted.size()) return FAIL(bad_dictionary, "the last quote is escaped", line);
        switch (quoted[i]) {
        case '\\':
        case '"':
            byte = static_cast<u8>(quoted[i]);
            break;
        case 'n':
            byte = '\n';
            break;
        case 'r':
            byte = '\r';
            break;
        case 't':
            byte = '\t';
            break;
        case 'x': {
            if (i + 2 >= quoted.size()) return FAIL(bad_dictionary, "\\x needs two hexadecimal digits", line);
            const int high = digit_of(quoted[i + 1]), low = digit_of(quoted[i + 2]);
            if (high < 0 || low < 0) return FAIL(bad_dictionary, "\\x needs two hexadecimal digits", line);
            byte = static_cast<u8>(high * 16 + low);
            i += 2;
            break;
        }
        default:
            return FAIL(bad_dictionary, "the escape is none of \\\\ \\\" \\n \\r \\t \\xNN", line);
        }
    }
    return token;
}

} // namespace

Dictionary::Dictionary(Arena &arena, u32 tokens) : tokens_(arena.take<Entry>(tokens)) {}

bool Dictionary::knows(Bytes token) const {
    for (u32 i = 0; i < given_ + learned_; ++i) {
        const Bytes other = this->token(i);
        if (other.size() == token.size() && __builtin_memcmp(other.data(), token.data(), token.size()) == 0)
            return true;
    }
    return false;
}

bool Dictionary::add(Bytes token) {
    if (token.empty() || token.size() > max_token_size) return false;
    if (knows(token)) return true;
    if (learned_ != 0 || given_ >= tokens_.size() - tokens_.size() / 4) return false;
    Entry &slot = tokens_[given_++];
    slot.size = static_cast<u8>(token.size());
    __builtin_memcpy(slot.bytes, token.data(), token.size());
    return true;
}

// A cheap first test: targets compare with the same few hundred constants in every case.
bool Dictionary::filtered(Bytes token) {
    u64 hash = token.size();
    for (const u8 byte : token) hash = (hash + byte) * 0x9e3779b97f4a7c15;
    u64 &word = filter_[hash >> 58];
    const u64 bit = 1ul << ((hash >> 52) & 63);
    const bool seen = (word & bit) != 0;
    word |= bit;
    return seen;
}

void Dictionary::learn(Bytes token) {
    if (token.empty() || token.size() > max_token_size || filtered(token) || knows(token)) return;
    const u32 room = static_cast<u32>(tokens_.size()) - given_;
    if (room == 0) return;
    if (learned_ < room) ++learned_;
    Entry &slot = tokens_[given_ + next_learned_];
    next_learned_ = (next_learned_ + 1) % room;
    if (next_learned_ == 0) __builtin_memset(filter_, 0, sizeof filter_);
    slot.size = static_cast<u8>(token.size());
    __builtin_memcpy(slot.bytes, token.data(), token.size());
}

rstate::Result<void> Dictionary::parse_line(Text line, u32 number) {
    line = trimmed(line);
    if (line.empty() || line[0] == '#') return rstate::done();
    // The name before the equals sign has no meaning; the token begins at the first quote.
    const usize quote = line.find('"');
    if (quote == line.size()) return FAIL(bad_dictionary, "a line has no quoted token", number);
    if (quote != 0 && line[quote - 1] != '=')
        return FAIL(bad_dictionary, "a name and its token are joined by an equals sign", number);
    if (line.size() < quote + 2 || line[line.size() - 1] != '"')
        return FAIL(bad_dictionary, "a token has no closing quote", number);
    const Token token =
        TRY(unescape(line.sub(quote + 1, line.size() - quote - 2), number), "reading a quoted token", number);
    if (token.size == 0) return FAIL(bad_dictionary, "a token is empty", number);
    if (!add({token.bytes, token.size}))
        return FAIL(bad_dictionary, "there are more tokens than the fuzzer keeps", number, given_);
    return rstate::done();
}

rstate::Result<u32> Dictionary::parse(Text text) {
    const u32 before = given_;
    for (u32 number = 1; !text.empty(); ++number) {
        const usize end = text.find('\n');
        TRY(parse_line(text.sub(0, end), number), "reading the dictionary", number);
        text = text.from(end + 1);
    }
    return given_ - before;
}

} // namespace fuzz
