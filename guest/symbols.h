// guest/symbols.h — finds the target's function that holds an address, by binary search in its symbol table.
//
// Built once, in memory that the caller provides, and then shared by all cores: it never changes.
#pragma once

#include "boot/formats/elf.h"
#include "rstate/error.h"

namespace guest {

// One function. The name lies in the ELF file, which must outlive the table.
struct Function {
    u64 address = 0;
    u64 size = 0;
    Text name;
};

class Symbols final {
  public:
    Symbols() = default;
    // How many slots make() needs at most.
    static u64 slots_needed(const boot::SymbolTable &table) { return table.count(); }
    // Takes the functions that lie in executable segments; `slots` outlives the Symbols.
    static rstate::Result<Symbols> make(const boot::Elf &elf, Span<Function> slots);

    // The function that holds `pc`, or nullptr. A function without a size extends to the next one.
    const Function *find(u64 pc) const;
    const Function *named(Text name) const;
    usize count() const { return functions_.size(); }

    // For error chains: prints "name+0x12" with the name escaped, or returns false.
    rstate::Resolver resolver() const;

  private:
    explicit Symbols(Span<Function> functions) : functions_(functions) {}
    Span<Function> functions_; // ascending addresses, one for each
};

// Whether this function belongs to the target's runtime, whose frames no trace shows.
bool is_runtime(Text function);

} // namespace guest
