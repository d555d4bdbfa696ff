// guest/symbols.cpp — see symbols.h.
#include "guest/symbols.h"

#include "guest/codes.h"

namespace guest {

namespace {

// Whether `a` is the better of two names for one address: one with a size, then one without a leading
// underscore
// ("memcpy" rather than "__asan_memcpy"), then the shorter one. The comparison by characters only makes the
// choice unique.
bool plainer(const Function &a, const Function &b) {
    if ((a.size != 0) != (b.size != 0)) return a.size != 0;
    const bool a_reserved = a.name.starts_with("_"), b_reserved = b.name.starts_with("_");
    if (a_reserved != b_reserved) return b_reserved;
    if (a.name.size() != b.name.size()) return a.name.size() < b.name.size();
    return __builtin_memcmp(a.name.data(), b.name.data(), a.name.size()) < 0;
}

bool before(const Function &a, const Function &b) {
    return a.address != b.address ? a.address < b.address : plainer(a, b);
}

void swap(Function &a, Function &b) {
    const Function old = a;
    a = b;
    b = old;
}

// Heap sort: it needs no memory beyond the slots, and no file can make it slow.
void sink(Span<Function> heap, usize root, usize size) {
    for (usize child = 2 * root + 1; child < size; root = child, child = 2 * root + 1) {
        if (child + 1 < size && before(heap[child], heap[child + 1])) ++child;
        if (!before(heap[root], heap[child])) return;
        swap(heap[root], heap[child]);
    }
}

void sort(Span<Function> functions) {
    for (usize i = functions.size() / 2; i-- > 0;) sink(functions, i, functions.size());
    for (usize end = functions.size(); end > 1; --end) {
        swap(functions[0], functions[end - 1]);
        sink(functions, 0, end - 1);
    }
}

bool is_function(const boot::Elf &elf, const boot::Symbol &symbol) {
    if (!symbol.defined || symbol.name.empty()) return false;
    if (symbol.kind != boot::Symbol::Kind::function && symbol.kind != boot::Symbol::Kind::none) return false;
    return elf.is_code(symbol.address);
}

} // namespace

rstate::Result<Symbols> Symbols::make(const boot::Elf &elf, Span<Function> slots) {
    const boot::SymbolTable table = TRY(elf.symbols(), "finding the target's symbols");
    usize count = 0;
    for (u64 i = 0; i < table.count(); ++i) {
        const boot::Symbol symbol = table.at(i);
        if (!is_function(elf, symbol)) continue;
        if (count == slots.size())
            return FAIL(storage_too_small, "there are more functions than slots for them", slots.size(),
                        table.count());
        slots[count++] = {symbol.address, symbol.size, symbol.name};
    }
    sort(slots.first(count));
    usize kept = 0;
    for (usize i = 0; i < count; ++i)
        if (kept == 0 || slots[kept - 1].address != slots[i].address) slots[kept++] = slots[i];
    return Symbols(slots.first(kept));
}

const Function *Symbols::find(u64 pc) const {
    usize low = 0, high = functions_.size(); // the first function behind pc lies in [low, high]
    while (low < high) {
        const usize middle = low + (high - low) / 2;
        if (functions_[middle].address <= pc)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0) return nullptr;
    const Function &found = functions_[low - 1];
    return found.size != 0 && pc - found.address >= found.size ? nullptr : &found;
}

const Function *Symbols::named(Text name) const {
    for (const Function &function : functions_)
        if (function.name == name) return &function;
    return nullptr;
}

rstate::Resolver Symbols::resolver() const {
    const auto resolve = [](void *context, u64 pc, const Output &out) {
        const Function *function = static_cast<const Symbols *>(context)->find(pc);
        if (function == nullptr) return false;
        print(out, "{}+{x}", escaped(function->name), pc - function->address);
        return true;
    };
    return {resolve, const_cast<Symbols *>(this)};
}

bool is_runtime(Text function) {
    for (const char *prefix : {"__asan_", "__sanitizer_", "__ubsan_", "__rl_", "rl_", "__wrap_"})
        if (function.starts_with(prefix)) return true;
    return false;
}

} // namespace guest
