"""The bug table: what is injected into the kernel, what it must report, and how others would fare with the same bug.

`python3 -m tests.qemu.injected_bugs` prints the table that docs/bugs.md holds.
"""
import re
from dataclasses import dataclass
from typing import Optional

from tests.qemu import console_lines as lines
from tests.qemu.chains_expected import ANY, Check, Error, Frame, Origin, frame_line
from tests.runner.scenario import Scenario
from tools.rl.commands.explain import Places
from tools.rl.common import ROOT, SYSTEM_FAILED, TEST, kernel_elf
from tools.rl.machines.qemu import Machine
from tools.rl.results import chains

AT_ONCE = "at the instruction"
AT_FREE = "at the free"
LATER = "at the leak check"
MISSED = "missed"

FAULTS = "tests/kernel/faults"
LEAK_CHECK = "kernel/introspect/leak_check.cpp"
LOCK, ERROR, FRAME_POOL = "cpu/lock.cpp", "rstate/error.cpp", "mm/frame_pool.h"


@dataclass(frozen=True)
class Made:
    """The victim's site: which core made it, and which one freed it, in which function, when it was freed."""
    by: int = 0
    freed_by: Optional[int] = None
    freed_in: str = ""


@dataclass(frozen=True)
class Bug:
    name: str                   # NAME or NAME@CORE
    error: Error                # the verdict
    made: Optional[Made] = None
    when: str = AT_ONCE
    cpus: int = 1
    log: tuple = ()             # patterns of other lines
    pinned_in: str = ""         # the function that the log must give for a leaked pin


@dataclass(frozen=True)
class Kind:
    """Bugs of one kind, and what ASan, KASAN, Electric Fence and the ancestor grilled_cheese do about them."""
    what: str
    bugs: tuple
    asan: str
    kasan: str
    fence: str
    ancestor: str


def past(name):
    return Bug(name, Error("mm.out_of_bounds", behind=0), Made())


def before(name):
    return Bug(name, Error("mm.out_of_bounds", before=1), Made())


def slack(name, **distance):
    return Bug(name, Error("mm.slack_overwritten", **distance), Made(0, 0, "beside"), when=AT_FREE)


def unnoticed(name):
    """The bug ran to its end, and left nothing behind."""
    return Error("kernel.test_failed", Origin(f"{FAULTS}/injected_bugs.cpp", fields={"name": name}))


def missed(name):
    return Bug(name, unnoticed(name), when=MISSED)


def gone(name, function, by=0, freed_by=0, core=0, cpus=1, **where):
    """Without `where`, the address lies inside the range that was freed: so many bytes into it."""
    error = Error("mm.use_after_free", core=core, freed_from=ANY, **(where or {"offset": ANY}))
    return Bug(name, error, Made(by, freed_by, function), cpus=cpus)


def freed(name, code, made=None, cpus=1, **fields):
    """Without a victim, and unless `fields` name the type of another range, no range is known there."""
    without = () if made or "type" in fields else ("type",)
    return Bug(name, Error(code, without=without, **fields), made, when=AT_FREE, cpus=cpus)


def pointer(name, code, core=0, cpus=1, made=None, **fields):
    return Bug(name, Error(code, core=core, **fields), made, cpus=cpus)


def touched(name, code, access, address, **more):
    return pointer(name, code, access=access.exactly(), address=address, **more)


def no_stack(name, code, **more):
    """A fault that could not be delivered: the stack pointer is explained."""
    return pointer(name, code, rsp=ANY, **more)


def check(name, file, condition, values="", core=0, cpus=1, when=AT_ONCE, **more):
    return Bug(name, Check(file, condition, values, core, **more), when=when, cpus=cpus)


def left(name, log=(), pinned_in="", values="", **fields):
    error = Error("kernel.not_released", Origin(LEAK_CHECK, values=values, fields=fields))
    return Bug(name, error, when=LATER, log=log, pinned_in=pinned_in)


def overflow(name, stack, core=0, cpus=1):
    return Bug(name, Error("mm.out_of_bounds", core=core, before=ANY, type=stack.exactly()), cpus=cpus)


def outside(name, **more):
    """The guest's exit says so, and the injected bug makes the error."""
    return Bug(name, Error("vm.outside_memory", Origin(f"{FAULTS}/bugs_guests.cpp"), **more),
               cpus=more.get("core", 0) + 1)


NO_RANGE = {"without": ("type",)}
FRESH, SLACK = re.compile("0xacdc"), re.compile("0x5c5c")
NON_CANONICAL, LOW_HALF, HIGH_HALF = 0x1234_5678_9abc_def0, 0x1234_5678_9abc, 0xffff_9234_5678_9abc
INJECTED_ERROR = Error("kernel.test_failed", Origin(f"{FAULTS}/bugs_errors.cpp"))
NAMED_NOT = "faults, unexplained"
KINDS = (
    Kind("read or write past the end, to the byte", (
        past("write-past-end-1-page"), past("read-past-end-1-page"), past("write-past-end-2-pages"),
        past("read-past-end-2-pages"), past("write-past-end-3-pages"), past("read-past-end-3-pages"),
        past("write-past-end-align-1"), past("read-past-end-align-1"), past("write-past-end-align-8"),
        past("read-past-end-align-16"), past("write-past-end-align-64"), past("write-past-end-align-512")),
        "at the access", "at the access", "at the access, beyond the alignment's slack",
        "at the access, beyond 16-byte rounding, when nothing lies behind"),
    Kind("read or write before the start, to the byte", (
        before("write-before-start"), before("read-before-start"), before("write-before-start-1-page"),
        before("read-before-start-3-pages")),
        "at the access", "at the access", "with EF_PROTECT_BELOW, which gives up the end", "missed on the first page"),
    Kind("write into the slack beside a block", (
        slack("write-past-end-odd-size", behind=0),
        slack("write-past-end-page-aligned", behind=0),
        slack("write-past-end-at-start", behind=0),
        slack("write-before-start-at-end", before=1),
        slack("write-far-in-slack", before=2000), slack("write-far-behind-in-slack", behind=2900)),
        "at the access", "at the access", "missed", "missed"),
    Kind("read from the slack beside a block", (
        missed("read-past-end-odd-size"), missed("read-past-end-at-start"), missed("read-before-start-at-end")),
        "at the access", "at the access", "missed", "missed"),
    Kind("read or write a page beside a block", (
        pointer("write-a-page-beyond", "mm.wild_access", made=Made(), behind=4096),
        pointer("read-a-page-before", "mm.wild_access", made=Made(), before=4097)),
        "when it meets a red zone", "when it meets a red zone", "when it meets a dead page",
        "at the access, when nothing lies there"),
    Kind("wrong place inside one block, one stack frame, or the globals", (
        missed("write-past-member"), missed("write-past-local-array"), missed("write-past-global")),
        "locals and globals at the access; members missed", "locals and globals at the access; members missed",
        "missed", "missed"),
    Kind("use after free", (
        gone("read-after-free", "after_free"), gone("write-after-free", "after_free"),
        gone("write-after-free-third-page", "after_free"), gone("read-after-free@1", "after_free", by=1, freed_by=1,
                                                                core=1, cpus=2),
        gone("read-past-end-after-free", "after_free", behind=0),
        pointer("read-after-many-frees", "mm.wild_access", text=lines.NOTHING_NEAR.exactly(), **NO_RANGE)),
        "until the quarantine gives it out again", "until the quarantine gives it out again", "with EF_PROTECT_FREE",
        "at the access, unexplained"),
    Kind("use after free on another core, in the instruction behind the free", (
        gone("read-after-free-on-another-core", "free_when_warm", core=1, cpus=2),
        gone("read-after-free-by-another-core", "free_when_warm", freed_by=1, cpus=2),
        gone("write-after-free-on-another-core", "free_when_warm", core=1, cpus=2)),
        "at the access", "at the access", "with EF_PROTECT_FREE", "missed: no shoot-down"),
    Kind("double free", (
        freed("double-free", "mm.double_free", Made(0, 0, "double_free")),
        freed("double-free-by-another-core", "mm.double_free", Made(0, 1, "free_elsewhere"),
              cpus=2)),
        "at the free", "at the free", "at the free, unexplained", "faults, unexplained"),
    Kind("free of what is no block's start", (
        freed("interior-free", "mm.bad_free", Made(), offset=8),
        freed("free-before-the-block", "mm.bad_free", Made(), before=8),
        freed("free-of-the-stack", "mm.bad_free", type=lines.STACK.exactly()),
        freed("free-of-the-image", "mm.bad_free", type=lines.IMAGE.exactly()),
        freed("free-of-a-pinned-frame", "mm.bad_free"),
        freed("free-of-null", "mm.bad_free", address=0),
        freed("free-of-a-wild-pointer", "mm.bad_free", address=0x1234_5678_9000),
        freed("free-of-a-non-canonical-pointer", "mm.bad_free", address=FRESH)),
        "at the free; NULL is allowed", "at the free; NULL is allowed", "at the free, unexplained",
        "faults, or frees another's page"),
    Kind("free with another size", (
        freed("free-with-smaller-size", "mm.wrong_size", Made()),
        freed("free-with-larger-size", "mm.wrong_size", Made())),
        "in C++ with sized delete", "no size is given", "no size is given", "missed: the size is believed"),
    Kind("NULL, with and without an offset", (
        pointer("null-read", "mm.null_access", address=0),
        pointer("null-write", "mm.null_access", address=0x18),
        pointer("null-plus-a-page", "mm.null_access", address=0x1001),
        pointer("null-plus-a-mebibyte", "mm.null_access", address=0x100000),
        pointer("null-minus-8", "mm.null_access", address=(1 << 64) - 8),
        touched("null-call", "mm.null_access", lines.EXECUTING, 0),
        pointer("null-write-under-locks", "mm.null_access", address=0x18),
        pointer("pager-touches-null", "mm.null_access", address=0x18),
        pointer("null-write@1", "mm.null_access", address=0x18, core=1, cpus=2)),
        "at the access", "at the access", NAMED_NOT, NAMED_NOT),
    Kind("wild and non-canonical pointers", (
        touched("wild-low-half", "mm.wild_access", lines.WRITING, LOW_HALF),
        touched("wild-high-half", "mm.wild_access", lines.READING, HIGH_HALF),
        touched("wild-read-in-a-log-section", "mm.wild_access", lines.READING, HIGH_HALF),
        touched("wild-call", "mm.wild_access", lines.EXECUTING, 0x2345_6789_a000),
        touched("non-canonical-read", "mm.wild_access", lines.READING, NON_CANONICAL),
        touched("non-canonical-write", "mm.wild_access", lines.WRITING, 1 << 63)),
        "at the access, when nothing is mapped there", "at the access, when nothing is mapped there",
        "faults, when nothing is mapped there", NAMED_NOT),
    Kind("pointers read from uninitialized memory", (
        touched("fresh-memory-read", "mm.uninitialised_pointer", lines.READING, FRESH),
        touched("fresh-memory-write-with-offset", "mm.uninitialised_pointer", lines.WRITING, FRESH),
        touched("fresh-memory-call", "mm.uninitialised_pointer", lines.EXECUTING, FRESH),
        pointer("slack-as-a-pointer", "mm.uninitialised_pointer", address=SLACK)),
        "faults (filled with 0xbe), unexplained", "missed (KMSAN finds it)", "with EF_FILL, unexplained",
        "reads NULL: fresh memory is zero"),
    Kind("a pager that fails", (
        Bug("pager-fails", Error("kernel.test_failed", Frame("mm/address_space_fault.h", source="pager->fill("),
                                Origin(f"{FAULTS}/bugs_pointers.cpp", fields={"page": 0}))),),
        "-", "SIGBUS, unexplained", "-", "panics"),
    Kind("write to code and constants, execution of data", (
        pointer("code-write", "mm.forbidden_access", access=lines.WRITING.exactly()),
        pointer("code-write@1", "mm.forbidden_access", access=lines.WRITING.exactly(), core=1, cpus=2),
        pointer("constant-write", "mm.forbidden_access", access=lines.WRITING.exactly()),
        pointer("bundle-write", "mm.forbidden_access", type=lines.BUNDLE.exactly()),
        pointer("arguments-write", "mm.forbidden_access", type=lines.ARGUMENTS.exactly()),
        pointer("heap-execution", "mm.forbidden_access", access=lines.EXECUTING.exactly(), made=Made()),
        pointer("stack-execution", "mm.forbidden_access", access=lines.EXECUTING.exactly()),
        pointer("constant-execution", "mm.forbidden_access", access=lines.EXECUTING.exactly())),
        "faults", "faults, with strict permissions", "faults", "missed: code is writable, constants run"),
    Kind("stack overflow, of every kind of stack", (
        overflow("stack-overflow", lines.STACK), overflow("stack-overflow@1", lines.STACK, core=1, cpus=2),
        overflow("stack-overflow-in-nmi", lines.INTERRUPT_STACK),
        overflow("stack-overflow-in-nmi@1", lines.INTERRUPT_STACK, core=1, cpus=2),
        overflow("stack-overflow-in-machine-check", lines.INTERRUPT_STACK),
        overflow("stack-overflow-in-double-fault", lines.INTERRUPT_STACK),
        overflow("stack-overflow-in-double-fault@1", lines.INTERRUPT_STACK, core=1, cpus=2),
        overflow("stack-overflow-in-page-fault", lines.STACK),
        overflow("stack-overflow-in-interrupt", lines.STACK),
        pointer("stack-leaps-over-guard", "mm.wild_access", type=lines.STACK.exactly())),
        "at the access", "with VMAP_STACK", "not its business", "double fault, unexplained"),
    Kind("a stack pointer that is none", (
        no_stack("stack-at-null", "mm.null_access"),
        no_stack("stack-wild", "mm.wild_access"),
        no_stack("stack-non-canonical", "mm.wild_access"),
        no_stack("stack-non-canonical@1", "mm.wild_access", core=1, cpus=2)),
        "dies", "double fault", "dies", "double fault, unexplained"),
    Kind("a pin that has ended, and its frame was freed", (
        pointer("stale-pin", "mm.stale_pin"),),
        "-", "a linear map: missed", "-", "missed: slots stay mapped"),
    Kind("a pin that has ended, and its frame lives on", (missed("stale-pin-of-a-live-frame"),),
         "-", "a linear map: missed", "-", "missed"),
    Kind("frames freed twice, by a stranger, under a pin, while mapped, or foreign", (
        check("double-freed-frame", FRAME_POOL, "state.owner() == owner", when=AT_FREE),
        check("strangers-frame", FRAME_POOL, "state.owner() == owner", when=AT_FREE),
        check("foreign-frame", "mm/frames.h", "pool != nullptr", when=AT_FREE),
        check("free-under-a-pin", "mm/window.cpp", "(*slot & pins_mask) == 0", when=AT_FREE),
        check("free-of-a-mapped-frame", FRAME_POOL, "state.mappings() == 0", when=AT_FREE)),
        "-", "page allocator's checks, in part", "-", "missed"),
    Kind("leaked pins, frames, blocks", (
        left("leaked-pin", pinned_in="leak_pin", pins=1),
        left("leaked-frame", owner="device", before=ANY, now=ANY),
        left("leaked-block", count=1, log=(
            r"\A(?:(?!heap: )[^\n]*\n)*" +        # and no block that was there before
            lines.BLOCKS_OF.pattern(100, 1, "victim", f"{FAULTS}/bugs_frames.cpp", r"\d+") + r"\nerror ",))),
        "blocks at the end (LeakSanitizer)", "blocks (kmemleak)", "missed", "missed: its statistics stay zero"),
    Kind("locks: twice, by a stranger, out of order, into an interrupt", (
        check("lock-taken-twice", LOCK, "!held_by_me()", "injected outer"),
        check("lock-released-by-a-stranger", LOCK, "held_by_me()", core=1, cpus=2),
        check("lock-released-untaken", LOCK, "held_by_me()"),
        check("lock-in-wrong-order", LOCK, "innermost.rank_ < rank_",
              "injected inner, injected outer"),
        check("lock-released-in-wrong-order", LOCK, "my.held != 0 && my.locks[my.held - 1] == this"),
        check("lock-held-into-an-interrupt", LOCK, "!held_by_me()"),
        check("lock-held-with-interrupts-on", LOCK, "ways_ != (by_interrupts | with_interrupts_on)"),
        left("lock-never-released", values="injected outer")),
        "missed (ThreadSanitizer: order, misuse)", "missed (lockdep finds them)", "missed", "taken twice only"),
    Kind("errors: dropped, overwritten, handled twice, kept", (
        left("error-dropped", dropped_errors=1, log=(INJECTED_ERROR,)),
        left("error-overwritten", dropped_errors=1, log=(INJECTED_ERROR,)),
        check("error-handled-twice", ERROR, "error.present()"),
        check("error-reported-twice", ERROR, "error.present()"),
        check("error-passed-on-after-it-was-handled", ERROR, "word > Error::taken"),
        check("error-asked-for-its-value", ERROR, "false", function="result_without_value"),
        left("error-kept-for-good", kept=ANY,
             log=(lines.IN_FLIGHT.pattern(0) + r"\n" + frame_line(f"{FAULTS}/bugs_errors.cpp"),))),
        "missed", "missed", "missed", "missed"),
    Kind("a guest beyond its memory, a VMCB that is broken", (
        outside("guest-reads-beyond-memory"),
        outside("guest-writes-beyond-memory"),
        outside("guest-runs-beyond-memory"),
        outside("guest-writes-beyond-memory@1", core=1),
        pointer("host-reads-beyond-guest", "vm.outside_memory"),
        pointer("vmrun", "svm.vmrun_refused", rule=lines.VMRUN_INTERCEPTED.exactly())),
        "-", "-", "-", "a page of the host's is given"),
)
BUGS = tuple(bug for kind in KINDS for bug in kind.bugs)
# Not a bug of another kind: a whole campaign runs around it, and the campaign's own leak check reports it.
IN_A_CAMPAIGN = Bug(
    "leaked-pin-in-a-campaign",
    Error("kernel.not_released", Frame("kernel/campaign/campaign.cpp"), Origin(LEAK_CHECK, fields={"pins": 1})),
    when=LATER, pinned_in="leak_pin")


def frames_of(text):
    return [frame for chain in chains.read(text) for frame in chain.frames()]


def functions_at(address, slide):
    """The functions, inlined ones too, that an address in the kernel lies in."""
    return [frame.function for _, frames in Places(kernel_elf(TEST)).of(address, slide) for frame in frames]


def sites_complaint(bug, text, slide):
    """Whether the chain names the right allocation and the right free, each with its core."""
    known = [dict(frame.fields()) for frame in frames_of(text)]
    made = next((fields for fields in known if fields.get("type") == "victim" and "made_by" in fields), None)
    freed_at = next((fields for fields in known if "freed_from" in fields), None)
    if bug.made is None:
        return "a victim is named, there is none" if made else ""
    if not made:
        return "the chain does not say where the block was made"
    line = (ROOT / made["file"]).read_text().splitlines()[int(made["line"]) - 1]
    if "make_block(" not in line or int(made["made_by"]) != bug.made.by:
        return f"made at {made['file']}:{made['line']} ({line.strip()}) by core {made['made_by']}"
    if bug.made.freed_by is None:
        return "the chain says that the block was freed" if freed_at else ""
    if not freed_at:
        return "the chain does not say where the block was freed"
    # The frees stand in functions of their own, or inlined into others.
    functions = functions_at(freed_at["freed_from"], slide)
    if int(freed_at["freed_by"]) != bug.made.freed_by or not any(bug.made.freed_in in name for name in functions):
        return f"freed in {functions} by core {freed_at['freed_by']}"
    return ""


def pin_complaint(bug, text, slide):
    """Whether the log names the function that a leaked pin was made in."""
    if not bug.pinned_in:
        return ""
    pinned = re.search(lines.PINNED.pattern(1, r"(0x\w+)"), text, re.M)
    if not pinned:
        return "the log does not say from where a frame is pinned"
    functions = functions_at(pinned[1], slide)
    return "" if any(bug.pinned_in in function for function in functions) else f"pinned in {functions}"


def verdict_on(bug):
    def verdict(outcomes):
        boots = outcomes[0].of_type("boot")
        if not boots:
            return "the kernel did not come up"
        slide = int(boots[0]["slide"], 16)
        return sites_complaint(bug, outcomes[0].text, slide) or pin_complaint(bug, outcomes[0].text, slide)
    return verdict


def scenario(bug):
    """One boot: the injected bug is reported with the right code, core and sites, and the machine stops as it must."""
    return Scenario(f"bug {bug.name}", Machine(cpus=bug.cpus), options={"inject": bug.name}, status=SYSTEM_FAILED,
                    must=(bug.error, lines.STOPPED.pattern(), *bug.log), must_not=(lines.ANOTHER_FAILURE.pattern(),),
                    verdict=verdict_on(bug))


def ours(kind):
    """How many of the kind's bugs are found when: "12 at the instruction"."""
    counts = {when: sum(bug.when == when for bug in kind.bugs) for when in (AT_ONCE, AT_FREE, LATER, MISSED)}
    return ", ".join(f"{count} {when}" for when, count in counts.items() if count)


def table():
    rows = [("bug", "Raclette: injected and found", "AddressSanitizer", "KASAN (generic)", "Electric Fence",
             "grilled_cheese"), ("---",) * 6]
    rows += [(kind.what, ours(kind), kind.asan, kind.kasan, kind.fence, kind.ancestor) for kind in KINDS]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    print(table())
