// guest/start.cpp — see start.h. The first stack: System V ABI, AMD64 supplement §3.4.1 "Initial Stack and
// Register State".
#include "guest/start.h"

#include "guest/codes.h"
#include "guest/cpuid.h"
#include "guest/tables.h"

namespace guest {

namespace {

// The pointers of the first stack point here; this is the top of the stack.
struct Strings {
    u8 random[16] = {0x52, 0x61, 0x63, 0x6c, 0x65, 0x74, 0x74, 0x65,
                     0x0b, 0xad, 0xc0, 0xde, 0xca, 0xfe, 0xf0, 0x0d};
    char platform[16] = "x86_64";
    char path[RL_PATH_SIZE] = {};
};

constexpr u64 strings_at = RL_STACK_TOP - sizeof(Strings);
static_assert(strings_at + offsetof(Strings, path) == RL_PATH);

// Names of the auxiliary vector's entries (Linux, include/uapi/linux/auxvec.h).
enum class Auxiliary : u64 {
    end = 0,
    program_headers = 3,
    program_header_size = 4,
    program_header_count = 5,
    page_size = 6,
    interpreter_base = 7,
    flags = 8,
    entry = 9,
    user = 11,
    effective_user = 12,
    group = 13,
    effective_group = 14,
    platform = 15,
    processor_features = 16,
    clock_ticks = 17,
    secure = 23,
    random = 25,
    path = 31,
};

class FirstStack final {
  public:
    void push(u64 word) { words_[count_++] = word; }
    void push(Auxiliary name, u64 word) {
        push(static_cast<u64>(name));
        push(word);
    }
    // RSP at the entry point is a multiple of 16.
    u64 place() const { return align_down(strings_at - count_ * sizeof(u64), 16); }
    Bytes bytes() const { return {reinterpret_cast<const u8 *>(words_.elements), count_ * sizeof(u64)}; }

  private:
    Array<u64, 48> words_ = {};
    usize count_ = 0;
};

FirstStack make_stack(const boot::Elf &elf) {
    constexpr u64 header_size = 56; // of an ELF program header
    constexpr u64 unprivileged_id = 65534, ticks_per_second = 100;
    FirstStack stack;
    stack.push(1); // argc
    stack.push(strings_at + offsetof(Strings, path));
    stack.push(0); // end of argv
    stack.push(0); // end of an empty environment
    stack.push(Auxiliary::program_headers, elf.program_headers());
    stack.push(Auxiliary::program_header_size, header_size);
    stack.push(Auxiliary::program_header_count, elf.segment_count());
    stack.push(Auxiliary::page_size, page_size);
    stack.push(Auxiliary::interpreter_base, 0);
    stack.push(Auxiliary::flags, 0);
    stack.push(Auxiliary::entry, elf.entry());
    for (const Auxiliary id :
         {Auxiliary::user, Auxiliary::effective_user, Auxiliary::group, Auxiliary::effective_group})
        stack.push(id, unprivileged_id);
    stack.push(Auxiliary::platform, strings_at + offsetof(Strings, platform));
    stack.push(Auxiliary::processor_features, cpuid_answer(1, 0).edx);
    stack.push(Auxiliary::clock_ticks, ticks_per_second);
    stack.push(Auxiliary::secure, 0);
    stack.push(Auxiliary::random, strings_at + offsetof(Strings, random));
    stack.push(Auxiliary::path, strings_at + offsetof(Strings, path));
    stack.push(Auxiliary::end, 0);
    return stack;
}

// Where OSS-Fuzz has its fuzzers, with their files beside them.
constexpr Text program_folder = "/out/";

Strings make_strings(Text name) {
    Strings strings;
    const TextBuffer<sizeof(Strings::path) - 1> path =
        TextBuffer<sizeof(Strings::path) - 1>().add("{}{}", program_folder, name);
    __builtin_memcpy(strings.path, path.text().data(), path.text().size());
    return strings;
}

rstate::Result<void> write_image(Memory memory, const Program &program) {
    for (u32 i = 0; i < program.elf().segment_count(); ++i) {
        const boot::Segment s = program.elf().segment(i);
        if (s.kind != boot::SegmentKind::load || s.memory_size == 0) continue;
        const Region *region = program.layout().find(s.first_page(), page_size);
        CHECK(region != nullptr, "the layout has a region for every segment", s.address);
        TRY(memory.write(region->physical + (s.address - region->address), s.bytes), "writing a segment",
            s.address);
    }
    return rstate::done();
}

// The end of the list is there already: untouched memory is zero.
rstate::Result<void> write_files(Memory memory, const Program &program) {
    const Region *region = program.layout().find(RL_FILES_BASE, RL_FILES_SIZE);
    CHECK(region != nullptr, "every layout has room for files");
    const Bytes records = program.files().records();
    if (records.empty()) return rstate::done();
    TRY(memory.write(region->physical, records), "writing the files that the target brings", records.size());
    return rstate::done();
}

} // namespace

rstate::Result<Start> load_program(Memory memory, const Program &program) {
    Tables tables(memory, program.layout());
    TRY(tables.build(), "building the target's page tables");
    TRY(write_image(memory, program), "loading the target's segments");
    TRY(memory.write(program.layout().stub_page(), SyscallStub(program.linux_library()).bytes()),
        "writing the system call stub");
    TRY(write_files(memory, program), "giving the target its files");
    const FirstStack stack = make_stack(program.elf());
    const Region *region = program.layout().find(stack_bottom, RL_STACK_SIZE);
    CHECK(region != nullptr, "every layout has a stack");
    const GuestPhys bottom = region->physical;
    TRY(memory.store(bottom + (strings_at - stack_bottom), make_strings(program.name())),
        "writing the first stack's strings");
    TRY(memory.write(bottom + (stack.place() - stack_bottom), stack.bytes()), "writing the first stack");
    Start start;
    start.registers.rip = program.elf().entry();
    start.registers.rsp = stack.place();
    start.registers.privilege = vm::Privilege::user;
    start.system.cr3 = tables.root();
    start.system.system_call_target = stub_address;
    return start;
}

} // namespace guest
