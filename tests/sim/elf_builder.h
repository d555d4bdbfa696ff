// tests/sim/elf_builder.h — makes small ELF files, whole and broken, for tests of the parsers.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "base/span.h"

namespace sim {

// Segments are placed in the file in the order they were added, each at an offset congruent to its address.
class ElfBuilder {
  public:
    static constexpr u32 read = 4, write = 2, execute = 1;
    static constexpr u16 program = 2, position_independent = 3;

    struct Header { // of a segment, as in the file
        u32 type, flags;
        u64 offset, address, physical, file_size, memory_size, alignment;
    };

    explicit ElfBuilder(u16 type = program) : type_(type) {}

    // A loadable segment; `memory_size` 0 means just its bytes.
    ElfBuilder &load(u64 address, u32 flags, std::vector<u8> bytes, u64 memory_size = 0) {
        const u64 size = memory_size == 0 ? bytes.size() : memory_size;
        segments_.push_back({{1, flags, 0, address, address, bytes.size(), size, 4096}, std::move(bytes)});
        return *this;
    }
    // A segment that lies inside one that is loaded.
    ElfBuilder &inside(u32 type, u64 address, u64 size) {
        segments_.push_back({{type, read, 0, address, address, size, size, 8}, {}});
        return *this;
    }
    ElfBuilder &entry(u64 address) {
        entry_ = address;
        return *this;
    }
    ElfBuilder &symbol(const std::string &name, u64 address, u64 size, u8 kind = 2, u16 section = 1) {
        symbols_.push_back({name, address, size, kind, section});
        return *this;
    }
    ElfBuilder &stripped() {
        stripped_ = true;
        return *this;
    }

    std::vector<u8> build() {
        std::vector<u8> file(64 + 56 * segments_.size());
        for (Part &part : segments_) place(file, part);
        for (Part &part : segments_)
            if (part.header.type != 1) locate(part.header);
        u64 sections_at = 0;
        if (!stripped_) sections_at = add_symbols(file);
        write_header(file, sections_at);
        for (usize i = 0; i < segments_.size(); ++i)
            std::memcpy(file.data() + 64 + 56 * i, &segments_[i].header, 56);
        return file;
    }

  private:
    struct Part {
        Header header;
        std::vector<u8> bytes;
    };
    struct Symbol {
        std::string name;
        u64 address, size;
        u8 kind;
        u16 section;
    };
    template <class T> static void put(std::vector<u8> &file, u64 at, T value) {
        std::memcpy(file.data() + at, &value, sizeof(value));
    }
    template <class T> static void append(std::vector<u8> &file, T value) {
        file.resize(file.size() + sizeof(value));
        put(file, file.size() - sizeof(value), value);
    }

    static void place(std::vector<u8> &file, Part &part) {
        if (part.header.type != 1) return;
        while (file.size() % 4096 != part.header.address % 4096) file.push_back(0);
        part.header.offset = file.size();
        file.insert(file.end(), part.bytes.begin(), part.bytes.end());
    }
    void locate(Header &header) const {
        for (const Part &part : segments_)
            if (part.header.type == 1 && header.address >= part.header.address &&
                header.address < part.header.address + part.header.file_size)
                header.offset = part.header.offset + (header.address - part.header.address);
    }

    // A null section, the symbols, their names.
    u64 add_symbols(std::vector<u8> &file) {
        std::vector<u8> names(1), entries(24);
        for (const Symbol &symbol : symbols_) {
            append(entries, static_cast<u32>(names.size()));
            append(entries, symbol.kind);
            append(entries, u8{0});
            append(entries, symbol.section);
            append(entries, symbol.address);
            append(entries, symbol.size);
            names.insert(names.end(), symbol.name.begin(), symbol.name.end());
            names.push_back(0);
        }
        const u64 entries_at = file.size();
        file.insert(file.end(), entries.begin(), entries.end());
        const u64 names_at = file.size();
        file.insert(file.end(), names.begin(), names.end());
        const u64 sections_at = file.size();
        file.resize(file.size() + 64);
        add_section(file, 2, entries_at, entries.size(), 2, 24);
        add_section(file, 3, names_at, names.size(), 0, 0);
        return sections_at;
    }
    static void add_section(std::vector<u8> &file, u32 type, u64 offset, u64 size, u32 link, u64 entry_size) {
        append(file, u32{0});
        append(file, type);
        append(file, u64{0});
        append(file, u64{0});
        append(file, offset);
        append(file, size);
        append(file, link);
        append(file, u32{0});
        append(file, u64{1});
        append(file, entry_size);
    }
    void write_header(std::vector<u8> &file, u64 sections_at) const {
        const u8 identity[16] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
        std::memcpy(file.data(), identity, sizeof(identity));
        put(file, 16, type_);
        put(file, 18, u16{62});
        put(file, 20, u32{1});
        put(file, 24, entry_);
        put(file, 32, u64{64});
        put(file, 40, sections_at);
        put(file, 52, u16{64});
        put(file, 54, u16{56});
        put(file, 56, static_cast<u16>(segments_.size()));
        put(file, 58, u16{64});
        put(file, 60, static_cast<u16>(sections_at == 0 ? 0 : 3));
    }

    u16 type_;
    u64 entry_ = 0;
    bool stripped_ = false;
    std::vector<Part> segments_;
    std::vector<Symbol> symbols_;
};

inline Bytes bytes_of(const std::vector<u8> &data) { return {data.data(), data.size()}; }

} // namespace sim
