// guest/syscalls.cpp — see syscalls.h. Numbers and structures are those of Linux's x86-64 interface
// (arch/x86/entry/syscalls and include/uapi), which never change.
#include "guest/syscalls.h"

#include "base/log.h"
#include "base/random.h"
#include "guest/codes.h"

namespace guest {

namespace {

// Errors are returned to the target as small negative numbers.
constexpr i64 no_entry = -2, bad_descriptor = -9, again = -11, no_memory = -12, bad_address = -14,
              invalid = -22, not_a_tty = -25, not_implemented = -38;

constexpr u64 page_mask = page_size - 1;
constexpr u64 thread = 2;                   // this process and its only thread
constexpr u64 first_second = 1'700'000'000; // what the clock shows at start
constexpr u64 clock_step_ns = 1'000;        // each clock_gettime advances it by this

constexpr u64 protection_read = 1, protection_write = 2, protection_execute = 4;
constexpr u64 map_shared = 1, map_fixed = 0x10, map_anonymous = 0x20, map_fixed_noreplace = 0x100000;

constexpr char program_path[] = "/target";

Answer value(i64 result) { return {Answer::Action::resume, result}; }

struct Stat { // struct stat of x86-64
    u64 device = 0, inode = 0, links = 1;
    u32 mode = 0, user = 0, group = 0, padding = 0;
    u64 special_device = 0;
    i64 size = 0, block_size = 1024, blocks = 0;
    u64 times[6] = {};
    i64 reserved[3] = {};
};
static_assert(sizeof(Stat) == 144);

struct Names { // struct utsname
    char system[65] = "Linux", node[65] = "raclette", release[65] = "6.1.0", version[65] = "#1",
         machine[65] = "x86_64", domain[65] = "(none)";
};
static_assert(sizeof(Names) == 390);

struct Vector {
    u64 base, length;
};

} // namespace

struct Syscalls::Handler {
    u16 number;
    rstate::Result<Answer> (Syscalls::*answer)(const Syscall &);
};

const Syscalls::Handler Syscalls::handlers[] = {
    {0, &Syscalls::read},
    {1, &Syscalls::write},
    {5, &Syscalls::stat_descriptor},
    {9, &Syscalls::map},
    {10, &Syscalls::protect},
    {11, &Syscalls::unmap},
    {12, &Syscalls::set_break},
    {13, &Syscalls::signal_action},
    {14, &Syscalls::signal_mask},
    {16, &Syscalls::not_a_terminal},
    {20, &Syscalls::writev},
    {24, &Syscalls::nothing}, // sched_yield
    {28, &Syscalls::nothing}, // madvise
    {39, &Syscalls::thread_number},
    {60, &Syscalls::exit},
    {62, &Syscalls::send_signal},
    {63, &Syscalls::names},
    {89, &Syscalls::read_link},
    {131, &Syscalls::signal_stack},
    {158, &Syscalls::architecture},
    {186, &Syscalls::thread_number},
    {200, &Syscalls::send_signal},
    {202, &Syscalls::futex},
    {204, &Syscalls::affinity},
    {218, &Syscalls::thread_number}, // set_tid_address
    {228, &Syscalls::clock},
    {231, &Syscalls::exit},
    {234, &Syscalls::send_signal},
    {262, &Syscalls::stat_at},
    {267, &Syscalls::read_link},
    {273, &Syscalls::nothing}, // set_robust_list
    {302, &Syscalls::limit},
    {318, &Syscalls::random},
    {334, &Syscalls::not_known}, // rseq: the C library continues without it
};

rstate::Result<Answer> Syscalls::answer(const Syscall &call, Phase phase) {
    phase_ = phase;
    const u64 *a = call.arguments;
    return TRY(dispatch(call), "emulating a system call", a[0], a[1], a[2], a[3]);
}

rstate::Result<Answer> Syscalls::dispatch(const Syscall &call) {
    const char *name = syscall_name(call.number);
    for (const Handler &handler : handlers)
        if (handler.number == call.number)
            return TRY((this->*handler.answer)(call), "emulating a Linux system call", name, call.number);
    return FAIL(system_call, "the target made a system call that has no answer here", name, call.number);
}

template <class T> rstate::Result<Answer> Syscalls::give(u64 address, const T &object) {
    if (!layout_->writable(address, sizeof(T))) return value(bad_address);
    TRY(memory_.store(GuestVirt(address), object), "giving the target its answer", address);
    return value(0);
}

rstate::Result<Answer> Syscalls::nothing(const Syscall &) { return value(0); }
rstate::Result<Answer> Syscalls::not_known(const Syscall &) { return value(not_implemented); }
rstate::Result<Answer> Syscalls::thread_number(const Syscall &) { return value(thread); }

rstate::Result<Answer> Syscalls::read(const Syscall &call) {
    return value(call.arguments[0] == 0 ? 0 : bad_descriptor); // end of file on standard input
}

rstate::Result<Answer> Syscalls::write(const Syscall &call) {
    const u64 descriptor = call.arguments[0], address = call.arguments[1], length = call.arguments[2];
    if (descriptor != 1 && descriptor != 2) return value(bad_descriptor);
    if (!layout_->readable(address, length)) return value(bad_address);
    printer_.print(memory_, address, length);
    return value(static_cast<i64>(length));
}

rstate::Result<Answer> Syscalls::writev(const Syscall &call) {
    constexpr u64 most_vectors = 1024;
    const u64 *a = call.arguments;
    if (a[2] > most_vectors) return value(invalid);
    i64 total = 0;
    for (u64 i = 0; i < a[2]; ++i) {
        const u64 place = a[1] + i * sizeof(Vector);
        Vector vector{};
        if (!layout_->readable(place, sizeof(vector))) return value(bad_address);
        TRY(memory_.load(GuestVirt(place), vector), "reading one of the pieces to write", i);
        if (vector.length == 0) continue;
        const Answer one =
            TRY(write({call.number, {a[0], vector.base, vector.length}}), "writing one piece", i);
        if (one.value < 0) return one;
        total += one.value;
    }
    return value(total);
}

// Descriptors 0 to 2 are shown as a character device that is not a terminal.
rstate::Result<Answer> Syscalls::give_stat(u64 descriptor, u64 address) {
    if (descriptor > 2) return value(bad_descriptor);
    constexpr u32 character_device = 0020000 | 0620;
    Stat stat;
    stat.inode = 3 + descriptor;
    stat.mode = character_device;
    stat.special_device = 0x103; // /dev/null
    return give(address, stat);
}

rstate::Result<Answer> Syscalls::stat_descriptor(const Syscall &call) {
    return give_stat(call.arguments[0], call.arguments[1]);
}

rstate::Result<Answer> Syscalls::stat_at(const Syscall &call) {
    const u64 *a = call.arguments;
    u8 first = 0;
    if (!layout_->readable(a[1], 1)) return value(bad_address);
    TRY(memory_.load(GuestVirt(a[1]), first), "reading the path");
    constexpr u64 empty_path = 0x1000; // AT_EMPTY_PATH
    return first == 0 && (a[3] & empty_path) != 0 ? give_stat(a[0], a[2]) : value(no_entry);
}

rstate::Result<Answer> Syscalls::not_a_terminal(const Syscall &call) {
    constexpr u64 get_attributes = 0x5401, get_window_size = 0x5413; // TCGETS, TIOCGWINSZ
    if (call.arguments[0] > 2) return value(bad_descriptor);
    if (call.arguments[1] != get_attributes && call.arguments[1] != get_window_size)
        return FAIL(system_call, "no answer to this ioctl", call.arguments[1]);
    return value(not_a_tty);
}

rstate::Result<Answer> Syscalls::map(const Syscall &call) {
    const u64 length = call.arguments[1], protection = call.arguments[2], flags = call.arguments[3];
    if ((flags & map_anonymous) == 0 || (flags & (map_fixed | map_fixed_noreplace | map_shared)) != 0 ||
        (protection & protection_execute) != 0)
        return FAIL(system_call, "only private anonymous memory can be mapped, anywhere, not executable",
                    protection, flags);
    if (length == 0) return value(invalid);
    const u64 left = mapping_base + mapping_size - state_.next_mapping;
    if (length > left) return value(no_memory);
    // No address is mapped twice, so the memory is still zero.
    const u64 address = state_.next_mapping;
    state_.next_mapping += align_up(length, page_size);
    return value(static_cast<i64>(address));
}

rstate::Result<Answer> Syscalls::unmap(const Syscall &call) {
    const u64 address = call.arguments[0], length = call.arguments[1];
    const bool ours = address >= mapping_base && address <= state_.next_mapping &&
                      length <= state_.next_mapping - address && (address & page_mask) == 0;
    if (!ours) return FAIL(system_call, "only memory that was mapped can be unmapped");
    return value(0);
}

// The C library makes its relocated data read-only at start-up. Elsewhere only calls that change nothing
// succeed.
rstate::Result<Answer> Syscalls::protect(const Syscall &call) {
    const u64 address = call.arguments[0], protection = call.arguments[2];
    u64 length = 0;
    if ((address & page_mask) != 0 || !add_checked(call.arguments[1], page_mask, length))
        return value(invalid);
    length &= ~page_mask;
    if (length == 0) return value(0);
    const Region *region = layout_->find(address, length);
    if (region == nullptr) return value(no_memory);
    using Rights = Tables::Rights;
    const bool write = (protection & protection_write) != 0, execute = (protection & protection_execute) != 0;
    if (write && execute) return FAIL(system_call, "no memory can be both writable and executable");
    const bool same = write == region->writable && execute == region->executable;
    if (region->large && same && protection != 0) return value(0);
    if (phase_ != Phase::starting)
        return FAIL(system_call, "access rights can change only before the snapshot point");
    const Rights rights = write                                 ? Rights::read_write
                          : execute                             ? Rights::read_execute
                          : (protection & protection_read) != 0 ? Rights::read
                                                                : Rights::none;
    TRY(Tables(memory_, *layout_).protect(address, length, rights),
        "changing the rights of the program's pages");
    return value(0);
}

rstate::Result<Answer> Syscalls::set_break(const Syscall &call) {
    const u64 wanted = call.arguments[0];
    // Shrinking is refused, as Linux may refuse it: the released memory would have to be cleared.
    if (wanted >= state_.break_end && wanted <= break_base + break_size) state_.break_end = wanted;
    return value(static_cast<i64>(state_.break_end));
}

rstate::Result<Answer> Syscalls::architecture(const Syscall &call) {
    constexpr u64 set_fs = 0x1002;
    constexpr u64 shadow_stack_status = 0x3001; // ARCH_CET_STATUS: glibc asks whether it is on
    if (call.arguments[0] == shadow_stack_status) return value(invalid);
    if (call.arguments[0] != set_fs) return FAIL(system_call, "arch_prctl can only set the base of FS");
    if (!layout_->readable(call.arguments[1], 1)) return value(-1); // EPERM, as for an address of the kernel
    return Answer{Answer::Action::set_fs_base, static_cast<i64>(call.arguments[1])};
}

// Handlers are never called, because what would be a signal is a finding; so the old handler is always none.
rstate::Result<Answer> Syscalls::signal_action(const Syscall &call) {
    struct Handling {
        u64 handler = 0, flags = 0, restorer = 0, mask = 0;
    };
    return call.arguments[2] == 0 ? value(0) : give(call.arguments[2], Handling{});
}

rstate::Result<Answer> Syscalls::signal_mask(const Syscall &call) {
    return call.arguments[2] == 0 ? value(0) : give(call.arguments[2], u64{0});
}

rstate::Result<Answer> Syscalls::signal_stack(const Syscall &call) {
    struct Stack {
        u64 address = 0;
        u32 flags = 2, padding = 0; // SS_DISABLE
        u64 size = 0;
    };
    return call.arguments[1] == 0 ? value(0) : give(call.arguments[1], Stack{});
}

rstate::Result<Answer> Syscalls::send_signal(const Syscall &call) {
    constexpr u64 tgkill = 234;
    const u64 signal = call.number == tgkill ? call.arguments[2] : call.arguments[1];
    if (signal == 0) return value(0); // only checks that the process exists
    if (signal > 64) return value(invalid);
    return Answer{Answer::Action::signal, static_cast<i64>(signal)};
}

rstate::Result<Answer> Syscalls::names(const Syscall &call) { return give(call.arguments[0], Names{}); }

rstate::Result<Answer> Syscalls::read_link(const Syscall &call) {
    constexpr u64 readlinkat = 267;
    const u64 *a = call.number == readlinkat ? call.arguments + 1 : call.arguments;
    constexpr char self[] = "/proc/self/exe";
    char path[sizeof(self)] = {};
    if (!layout_->readable(a[0], sizeof(path))) return value(bad_address);
    TRY(memory_.load(GuestVirt(a[0]), path), "reading the path");
    if (__builtin_memcmp(path, self, sizeof(self)) != 0) return value(no_entry);
    const u64 length = min(a[2], sizeof(program_path) - 1);
    if (!layout_->writable(a[1], length)) return value(bad_address);
    TRY(memory_.write(GuestVirt(a[1]), Text(program_path, length).bytes()), "giving the target its own path");
    return value(static_cast<i64>(length));
}

rstate::Result<Answer> Syscalls::limit(const Syscall &call) {
    constexpr u64 stack = 3; // RLIMIT_STACK
    struct Limit {
        u64 current = ~0ul, most = ~0ul;
    };
    const u64 *a = call.arguments;
    if (a[2] != 0) return value(-1); // EPERM: limits cannot change
    if (a[3] == 0) return value(0);
    return give(a[3], a[1] == stack ? Limit{RL_STACK_SIZE, RL_STACK_SIZE} : Limit{});
}

rstate::Result<Answer> Syscalls::clock(const Syscall &call) {
    constexpr u64 second = 1'000'000'000;
    struct Time {
        u64 seconds, nanoseconds;
    };
    state_.clock_ns += clock_step_ns;
    return give(call.arguments[1], Time{first_second + state_.clock_ns / second, state_.clock_ns % second});
}

rstate::Result<Answer> Syscalls::affinity(const Syscall &call) {
    constexpr u64 only_core = 1;
    if (call.arguments[1] < sizeof(u64)) return value(invalid);
    const Answer given = TRY(give(call.arguments[2], only_core), "giving the target its cores");
    return given.value < 0 ? given : value(sizeof(u64));
}

rstate::Result<Answer> Syscalls::futex(const Syscall &call) {
    constexpr u64 operation_mask = 0x7f, wait = 0, wake = 1, wait_bitset = 9, wake_bitset = 10;
    const u64 *a = call.arguments;
    const u64 operation = a[1] & operation_mask;
    if (operation == wake || operation == wake_bitset)
        return value(0); // there is no other thread that could wait
    if (operation != wait && operation != wait_bitset)
        return FAIL(system_call, "no answer to this futex operation");
    u32 word = 0;
    if (!layout_->readable(a[0], sizeof(word))) return value(bad_address);
    TRY(memory_.load(GuestVirt(a[0]), word), "reading the futex");
    if (word == static_cast<u32>(a[2]))
        return FAIL(system_call, "the only thread would wait without end", a[0]);
    return value(again);
}

rstate::Result<Answer> Syscalls::random(const Syscall &call) {
    constexpr u64 most = 256; // Linux returns at most this in one call
    const u64 address = call.arguments[0], length = min(call.arguments[1], most);
    if (!layout_->writable(address, length)) return value(bad_address);
    Random generator(0x5261'636c'6574'7465 + state_.random_draws++);
    for (u64 given = 0; given < length; given += sizeof(u64)) {
        const u64 word = generator.next();
        const Bytes bytes(reinterpret_cast<const u8 *>(&word), min(sizeof(word), length - given));
        TRY(memory_.write(GuestVirt(address + given), bytes), "giving the target random bytes", address,
            length);
    }
    return value(static_cast<i64>(length));
}

rstate::Result<Answer> Syscalls::exit(const Syscall &call) {
    return Answer{Answer::Action::exit, static_cast<i32>(call.arguments[0])};
}

} // namespace guest
