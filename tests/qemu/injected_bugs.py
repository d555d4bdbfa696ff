"""The bug table: what is planted in the kernel, what must be said of it, and how others would fare with the same bug.

`python3 -m tests.qemu.injected_bugs` prints the table that docs/bugs.md holds.
"""
import re
from dataclasses import dataclass
from typing import Optional

from tests.runner.scenario import Scenario
from tools.rl.commands.explain import Places
from tools.rl.common import ROOT, SYSTEM_FAILED, TEST, kernel_elf
from tools.rl.machines.qemu import Machine

AT_ONCE = "at the instruction"
AT_FREE = "at the free"
LATER = "when stock is taken"
MISSED = "missed"


@dataclass(frozen=True)
class Made:
    """The victim's site: which core made it, and which one freed it, in which function, when it was freed."""
    by: int = 0
    freed_by: Optional[int] = None
    freed_in: str = ""


@dataclass(frozen=True)
class Bug:
    plant: str                  # NAME or NAME@CORE
    code: str                   # the verdict
    says: tuple = ()            # patterns
    made: Optional[Made] = None
    when: str = AT_ONCE
    core: int = 0               # that it is told of
    cpus: int = 1
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


def past(plant, says=r"text overflow: behind a live range"):
    return Bug(plant, "mm.out_of_bounds", (says, r"behind 0, "), Made())


def slack(plant, says):
    return Bug(plant, "mm.slack_overwritten", (says,), Made(0, 0, "beside"), when=AT_FREE)


def missed(plant):
    return Bug(plant, "kernel.test_failed", (r"an injected bug went unnoticed",), when=MISSED)


def before(plant):
    return Bug(plant, "mm.out_of_bounds", (r"text underflow: before a live range", r"before 1, "), Made())


def gone(plant, function, says=r"text use after free", by=0, freed_by=0, core=0, cpus=1):
    return Bug(plant, "mm.use_after_free", (says,), Made(by, freed_by, function), core=core, cpus=cpus)


def freed(plant, code, says, made=None, cpus=1):
    return Bug(plant, code, (says,), made, when=AT_FREE, cpus=cpus)


def pointer(plant, code, says, core=0, cpus=1, made=None):
    return Bug(plant, code, (says,), made, core=core, cpus=cpus)


def check(plant, says, core=0, cpus=1, when=AT_ONCE):
    return Bug(plant, "kernel.check_failed", (says,), when=when, core=core, cpus=cpus)


def left(plant, *says, **more):
    return Bug(plant, "kernel.not_released", says, when=LATER, **more)


def overflow(plant, stack, core=0, cpus=1):
    says = (r"text underflow: before a live range", f"type {stack}")
    return Bug(plant, "mm.out_of_bounds", says, core=core, cpus=cpus)


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
        slack("write-past-end-odd-size", r"text bytes behind a block were written"),
        slack("write-past-end-page-aligned", r"text bytes behind a block were written"),
        slack("write-past-end-at-start", r"text bytes behind a block were written"),
        slack("write-before-start-at-end", r"text bytes before a block were written"),
        slack("write-far-in-slack", r"before 2000, "), slack("write-far-behind-in-slack", r"behind 2900, ")),
        "at the access", "at the access", "missed", "missed"),
    Kind("read from the slack beside a block", (
        missed("read-past-end-odd-size"), missed("read-past-end-at-start"), missed("read-before-start-at-end")),
        "at the access", "at the access", "missed", "missed"),
    Kind("read or write a page beside a block", (
        pointer("write-a-page-beyond", "mm.wild_access", r"text unmapped, some pages from a range", made=Made()),
        pointer("read-a-page-before", "mm.wild_access", r"text unmapped, some pages from a range", made=Made())),
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
        gone("read-past-end-after-free", "after_free", r"text beside a range that was freed"),
        pointer("read-after-many-frees", "mm.wild_access", r"text nothing is or was near")),
        "until the quarantine gives it out again", "until the quarantine gives it out again", "with EF_PROTECT_FREE",
        "at the access, unexplained"),
    Kind("use after free on another core, in the instruction behind the free", (
        gone("read-after-free-on-another-core", "free_when_warm", core=1, cpus=2),
        gone("read-after-free-by-another-core", "free_when_warm", freed_by=1, cpus=2),
        gone("write-after-free-on-another-core", "free_when_warm", core=1, cpus=2)),
        "at the access", "at the access", "with EF_PROTECT_FREE", "missed: no shoot-down"),
    Kind("double free", (
        freed("double-free", "mm.double_free", r"text freed again", Made(0, 0, "double_free")),
        freed("double-free-by-another-core", "mm.double_free", r"text freed again", Made(0, 1, "free_elsewhere"),
              cpus=2)),
        "at the free", "at the free", "at the free, unexplained", "faults, unexplained"),
    Kind("free of what is no block's start", (
        freed("interior-free", "mm.bad_free", r"not the start of a block", Made()),
        freed("free-before-the-block", "mm.bad_free", r"not the start of a block", Made()),
        freed("free-of-the-stack", "mm.bad_free", r"type core's stack"),
        freed("free-of-the-image", "mm.bad_free", r"type kernel image"),
        freed("free-of-a-pinned-frame", "mm.bad_free", r"freed, but nothing is there"),
        freed("free-of-null", "mm.bad_free", r"address 0x0, "),
        freed("free-of-a-wild-pointer", "mm.bad_free", r"freed, but nothing is there"),
        freed("free-of-a-non-canonical-pointer", "mm.bad_free", r"freed, but nothing is there")),
        "at the free; NULL is allowed", "at the free; NULL is allowed", "at the free, unexplained",
        "faults, or frees another's page"),
    Kind("free with another size", (
        freed("free-with-smaller-size", "mm.wrong_size", r"text freed with another size", Made()),
        freed("free-with-larger-size", "mm.wrong_size", r"text freed with another size", Made())),
        "in C++ with sized delete", "no size is given", "no size is given", "missed: the size is believed"),
    Kind("NULL, with and without an offset", (
        pointer("null-read", "mm.null_access", r"address 0x0, text near the null address"),
        pointer("null-write", "mm.null_access", r"address 0x18, "),
        pointer("null-plus-a-page", "mm.null_access", r"address 0x1001, "),
        pointer("null-plus-a-mebibyte", "mm.null_access", r"address 0x100000, "),
        pointer("null-minus-8", "mm.null_access", r"just before the null address"),
        pointer("null-call", "mm.null_access", r"access executing, address 0x0, "),
        pointer("null-write-under-locks", "mm.null_access", r"address 0x18, "),
        pointer("pager-touches-null", "mm.null_access", r"address 0x18, "),
        pointer("null-write@1", "mm.null_access", r"address 0x18, ", core=1, cpus=2)),
        "at the access", "at the access", NAMED_NOT, NAMED_NOT),
    Kind("wild and non-canonical pointers", (
        pointer("wild-low-half", "mm.wild_access", r"access writing, address 0x123456789abc, "),
        pointer("wild-high-half", "mm.wild_access", r"access reading, address 0xffff923456789abc, "),
        pointer("wild-read-in-a-log-section", "mm.wild_access", r"access reading, address 0xffff923456789abc, "),
        pointer("wild-call", "mm.wild_access", r"access executing, address 0x23456789a000, "),
        pointer("non-canonical-read", "mm.wild_access", r"access reading, address 0x123456789abcdef0, "),
        pointer("non-canonical-write", "mm.wild_access", r"access writing, address 0x8000000000000000, ")),
        "at the access, when nothing is mapped there", "at the access, when nothing is mapped there",
        "faults, when nothing is mapped there", NAMED_NOT),
    Kind("pointers out of memory that nobody initialised", (
        pointer("fresh-memory-read", "mm.uninitialised_pointer", r"access reading, address 0xacdc"),
        pointer("fresh-memory-write-with-offset", "mm.uninitialised_pointer", r"access writing, address 0xacdc"),
        pointer("fresh-memory-call", "mm.uninitialised_pointer", r"access executing, address 0xacdc"),
        pointer("slack-as-a-pointer", "mm.uninitialised_pointer", r"address 0x5c5c")),
        "faults (filled with 0xbe), unexplained", "missed (KMSAN finds it)", "with EF_FILL, unexplained",
        "reads NULL: fresh memory is zero"),
    Kind("a pager that fails", (
        pointer("pager-fails", "kernel.test_failed", r"asking a pager to fill a page[^\n]*\n[^\n]*the injected pager"
                                                     r" has nothing +page 0   <- origin"),),
        "-", "SIGBUS, unexplained", "-", "panics"),
    Kind("write to code and constants, execution of data", (
        pointer("code-write", "mm.forbidden_access", r"write to constant memory"),
        pointer("code-write@1", "mm.forbidden_access", r"write to constant memory", core=1, cpus=2),
        pointer("constant-write", "mm.forbidden_access", r"write to constant memory"),
        pointer("bundle-write", "mm.forbidden_access", r"type bundle"),
        pointer("arguments-write", "mm.forbidden_access", r"type core's arguments"),
        pointer("heap-execution", "mm.forbidden_access", r"text execution of data", made=Made()),
        pointer("stack-execution", "mm.forbidden_access", r"text execution of data"),
        pointer("constant-execution", "mm.forbidden_access", r"text execution of data")),
        "faults", "faults, with strict permissions", "faults", "missed: code is writable, constants run"),
    Kind("stack overflow, of every kind of stack", (
        overflow("stack-overflow", "core's stack"), overflow("stack-overflow@1", "core's stack", core=1, cpus=2),
        overflow("stack-overflow-in-nmi", "interrupt stack"),
        overflow("stack-overflow-in-nmi@1", "interrupt stack", core=1, cpus=2),
        overflow("stack-overflow-in-machine-check", "interrupt stack"),
        overflow("stack-overflow-in-double-fault", "interrupt stack"),
        overflow("stack-overflow-in-double-fault@1", "interrupt stack", core=1, cpus=2),
        overflow("stack-overflow-in-page-fault", "core's stack"),
        overflow("stack-overflow-in-interrupt", "core's stack"),
        pointer("stack-leaps-over-guard", "mm.wild_access", r"type core's stack")),
        "at the access", "with VMAP_STACK", "not its business", "double fault, unexplained"),
    Kind("a stack pointer that is none", (
        pointer("stack-at-null", "mm.null_access", r"the stack cannot take what a fault pushes"),
        pointer("stack-wild", "mm.wild_access", r"the stack cannot take what a fault pushes"),
        pointer("stack-non-canonical", "mm.wild_access", r"the stack cannot take what a fault pushes"),
        pointer("stack-non-canonical@1", "mm.wild_access", r"the stack cannot take", core=1, cpus=2)),
        "dies", "double fault", "dies", "double fault, unexplained"),
    Kind("a pin that has ended, and its frame was freed", (
        pointer("stale-pin", "mm.stale_pin", r"a pin that has ended"),),
        "-", "a linear map: missed", "-", "missed: slots stay mapped"),
    Kind("a pin that has ended, and its frame lives on", (missed("stale-pin-of-a-live-frame"),),
         "-", "a linear map: missed", "-", "missed"),
    Kind("frames freed twice, by a stranger, under a pin, while mapped, or foreign", (
        check("double-freed-frame", r"a frame is freed once, and by its owner", when=AT_FREE),
        check("strangers-frame", r"a frame is freed once, and by its owner", when=AT_FREE),
        check("foreign-frame", r"a freed frame is one that was allocated", when=AT_FREE),
        check("free-under-a-pin", r"a frame is not freed while it is pinned", when=AT_FREE),
        check("free-of-a-mapped-frame", r"a frame is not freed while it is mapped", when=AT_FREE)),
        "-", "page allocator's checks, in part", "-", "missed"),
    Kind("leaked pins, frames, blocks", (
        left("leaked-pin", r"pins are held still", pinned_in="leak_pin"),
        left("leaked-frame", r"frames are still in use +owner device, before \d+, now \d+ "),
        left("leaked-block", r"blocks of the heap live still",
             r"\A(?:(?!heap: )[^\n]*\n)*"    # and no block that was there before
             r"heap: 100 bytes in 1 blocks of victim, kernel/plants_frames\.cpp:\d+\nerror ")),
        "blocks at the end (LeakSanitizer)", "blocks (kmemleak)", "missed", "missed: its statistics stay zero"),
    Kind("locks: twice, by a stranger, out of order, into an interrupt", (
        check("lock-taken-twice", r"a core does not take a lock it holds.* injected outer"),
        check("lock-released-by-a-stranger", r"a lock is released by its holder", core=1, cpus=2),
        check("lock-released-untaken", r"a lock is released by its holder"),
        check("lock-in-wrong-order", r"locks are taken in their order +injected inner, injected outer"),
        check("lock-released-in-wrong-order", r"the lock taken last is released first"),
        check("lock-held-into-an-interrupt", r"a core does not take a lock it holds"),
        check("lock-held-with-interrupts-on", r"a lock that interrupts take is only held with interrupts off"),
        left("lock-never-released", r"a lock is held still +\S+ injected outer")),
        "missed (ThreadSanitizer: order, misuse)", "missed (lockdep finds them)", "missed", "taken twice only"),
    Kind("errors: dropped, overwritten, handled twice, kept", (
        left("error-dropped", r"BUG: an error was dropped"), left("error-overwritten", r"BUG: an error was dropped"),
        check("error-handled-twice", r"an error is printed, handled or ignored once"),
        check("error-reported-twice", r"an error is printed, handled or ignored once"),
        check("error-passed-on-after-it-was-handled", r"an error is passed on once"),
        check("error-asked-for-its-value", r"a value is asked only of a result that has one"),
        left("error-kept-for-good", r"errors are kept still",
             r"in flight on core 0:\n[^\n]*an injected error +<- origin")),
        "missed", "missed", "missed", "missed"),
    Kind("a guest beyond its memory, a VMCB that is broken", (
        pointer("guest-reads-beyond-memory", "vm.outside_memory", r"the guest reached beyond its memory"),
        pointer("guest-writes-beyond-memory", "vm.outside_memory", r"the guest reached beyond its memory"),
        pointer("guest-runs-beyond-memory", "vm.outside_memory", r"the guest reached beyond its memory"),
        pointer("guest-writes-beyond-memory@1", "vm.outside_memory", r"the guest reached beyond its memory", core=1,
                cpus=2),
        pointer("host-reads-beyond-guest", "vm.outside_memory", r"<- origin"),
        pointer("vmrun", "svm.vmrun_refused", r"rule VMRUN is intercepted")),
        "-", "-", "-", "a page of the host's is given"),
)
BUGS = tuple(bug for kind in KINDS for bug in kind.bugs)
# Not a bug of another kind: a whole campaign is run around it, and stock is taken of that.
IN_A_CAMPAIGN = left("leaked-pin-in-a-campaign",
                     r"taking stock of what a campaign borrowed[^\n]*\n[^\n]*pins are held still", pinned_in="leak_pin")

SITE = re.compile(r"made here +file (\S+), line (\d+), type victim, made_by (\d+)")
FREED = re.compile(r"freed here +freed_from 0x[0-9a-f]+, freed_by (\d+)")
PINNED = re.compile(r"1 frames are pinned, first from \S+,")


def sites_complaint(bug, text, slide):
    """Whether the chain names the right allocation and the right free, each with its core."""
    made, freed_at = SITE.search(text), FREED.search(text)
    if bug.made is None:
        return "a victim is named, there is none" if made else ""
    if not made:
        return "the chain does not say where the block was made"
    line = (ROOT / made[1]).read_text().splitlines()[int(made[2]) - 1]
    if "make_block(" not in line or int(made[3]) != bug.made.by:
        return f"made at {made[1]}:{made[2]} ({line.strip()}) by core {made[3]}"
    if bug.made.freed_by is None:
        return "the chain says that the block was freed" if freed_at else ""
    if not freed_at:
        return "the chain does not say where the block was freed"
    # The frees stand in functions of their own, or inlined into others.
    functions = [frame.function for _, frames in Places(kernel_elf(TEST)).of(freed_at[0], slide) for frame in frames]
    if int(freed_at[1]) != bug.made.freed_by or not any(bug.made.freed_in in function for function in functions):
        return f"freed in {functions} by core {freed_at[1]}"
    return ""


def pin_complaint(bug, text, slide):
    """Whether the log names the function that a leaked pin was made in."""
    if not bug.pinned_in:
        return ""
    pinned = PINNED.search(text)
    if not pinned:
        return "the log does not say from where a frame is pinned"
    functions = [frame.function for _, frames in Places(kernel_elf(TEST)).of(pinned[0], slide) for frame in frames]
    return "" if any(bug.pinned_in in function for function in functions) else f"pinned in {functions}"


def judge(bug):
    def judged(outcomes):
        boots = outcomes[0].of_type("boot")
        if not boots:
            return "the kernel did not come up"
        slide = int(boots[0]["slide"], 16)
        return sites_complaint(bug, outcomes[0].text, slide) or pin_complaint(bug, outcomes[0].text, slide)
    return judged


def scenario(bug):
    """One boot: the bug is planted, told with the right code, core and sites, and the machine stops as it should."""
    return Scenario(f"bug {bug.plant}", Machine(cpus=bug.cpus), options={"inject": bug.plant}, status=SYSTEM_FAILED,
                    must=(rf"^error {re.escape(bug.code)} on core {bug.core}\b", r"^panic: stopped$", *bug.says),
                    must_not=(r"another failure while this one",), judge=judge(bug))


def ours(kind):
    """How many of the kind's plants are found when: "12 at the instruction"."""
    counts = {when: sum(bug.when == when for bug in kind.bugs) for when in (AT_ONCE, AT_FREE, LATER, MISSED)}
    return ", ".join(f"{count} {when}" for when, count in counts.items() if count)


def table():
    rows = [("bug", "Raclette: planted and found", "AddressSanitizer", "KASAN (generic)", "Electric Fence",
             "grilled_cheese"), ("---",) * 6]
    rows += [(kind.what, ours(kind), kind.asan, kind.kasan, kind.fence, kind.ancestor) for kind in KINDS]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    print(table())
