// guest/refused_calls.cpp — see refused_calls.h.
#include "guest/refused_calls.h"

#include "base/escape.h"
#include "base/log.h"
#include "guest/stack_walk.h"
#include "guest/syscall_names.h"

namespace guest {

namespace {

constexpr u64 syscall_bytes = 2; // of the SYSCALL instruction
constexpr u64 no_path = 6;

// Which argument of a call that is never answered names a file (Linux, syscall_64.tbl).
u64 path_argument(u64 number) {
    switch (number) {
    case 59:  // execve
    case 133: // mknod
    case 134: // uselib
    case 155: // pivot_root
    case 161: // chroot
    case 163: // acct
    case 166: // umount2
    case 167: // swapon
    case 168: // swapoff
    case 188: // setxattr
    case 189: // lsetxattr
    case 191: // getxattr
    case 192: // lgetxattr
    case 194: // listxattr
    case 195: // llistxattr
    case 197: // removexattr
    case 198: // lremovexattr
    case 240: // mq_open
    case 241: // mq_unlink
        return 0;
    case 165: // mount
    case 179: // quotactl
    case 254: // inotify_add_watch
    case 259: // mknodat
    case 261: // futimesat
    case 303: // name_to_handle_at
    case 322: // execveat
    case 428: // open_tree
    case 433: // fspick
    case 437: // openat2
    case 442: // mount_setattr
        return 1;
    case 301: // fanotify_mark
        return 4;
    default:
        return no_path;
    }
}

void read_path(const Memory &memory, vm::RefusedCall &call) {
    const u64 argument = path_argument(call.number);
    if (argument == no_path) return;
    for (u32 i = 0; i + 1 < call.longest_path; ++i) {
        u8 byte = 0;
        if (!memory.peek(GuestVirt(call.arguments[argument] + i), byte) || byte == 0) return;
        call.path[i] = static_cast<char>(byte);
    }
}

void log_call(const Program &program, const vm::RefusedCall &call) {
    TextBuffer<vm::RefusedCall::longest_path * longest_escape> path;
    print_escaped(path.output(), Text(call.path).bytes());
    TextBuffer<200> who;
    for (const u64 pc : call.frames) {
        const Function *function = pc == 0 ? nullptr : program.symbols().find(pc);
        if (function == nullptr) continue;
        if (who.size() != 0) who.add(" < ");
        print_escaped(who.output(), function->name.bytes());
    }
    LOG(guest,
        "the target's system call {} ({}) has no answer here: it got error {}; arguments {x} {x} {x}, path "
        "\"{}\", at {x} in {}",
        call.name, call.number, call.error, call.arguments[0], call.arguments[1], call.arguments[2],
        path.text(), call.frames[0], who.text());
}

} // namespace

bool RefusedCalls::is_known(u64 number) const {
    for (const vm::RefusedCall &call : list())
        if (call.number == number) return true;
    return false;
}

// The stack pointer stands for the callers: to read them each time would cost more than the call.
vm::RefusedCall *RefusedCalls::place_of(const rl_refused &call) {
    vm::RefusedCall *of_number = nullptr;
    for (u32 i = 0; i < count_; ++i) {
        vm::RefusedCall &known = calls_[i];
        if (known.number != call.number) continue;
        if (known.rip == call.rip && known.sp == call.sp) return &known;
        if (of_number == nullptr) of_number = &known;
    }
    if (count_ == most_places) return of_number;
    vm::RefusedCall &fresh = calls_[count_++];
    fresh = {.number = call.number, .rip = call.rip, .sp = call.sp};
    return &fresh;
}

void RefusedCalls::note(const Memory &memory, const Program &program, u64 address) {
    rl_refused refused = {};
    if (!memory.peek(GuestVirt(address), refused)) return;
    const bool known = is_known(refused.number);
    vm::RefusedCall *call = place_of(refused);
    if (call == nullptr || call->count++ != 0) return;
    call->name = syscall_name(refused.number);
    call->error = static_cast<u64>(refused.error < 0 ? -refused.error : refused.error);
    for (u32 i = 0; i < 6; ++i) call->arguments[i] = refused.arguments[i];
    const Place place = {refused.rip - syscall_bytes, refused.sp, refused.bp, true};
    walk_stack(memory, program, place, {call->frames, vm::RefusedCall::max_frames});
    read_path(memory, *call);
    if (!known && logs_) log_call(program, *call);
}

} // namespace guest
