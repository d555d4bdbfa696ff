"""Failures at the worst moments: chain, registers, what each other core was doing, a stop with the fixed status."""
from tests.qemu import console_lines as lines, corrupt_images
from tests.qemu.chains_expected import CHECK_FAILED, Check, Error, Frame, Origin, frame_line
from tests.runner.scenario import Scenario
from tools.rl.common import SYSTEM_FAILED
from tools.rl.machines.qemu import Machine

FAULTS = "tests/kernel/faults"
INJECTOR = f"{FAULTS}/bugs_panic.cpp"
INJECTED = "current_core() >= max_cores"            # the condition of the CHECK that the injected failures break
RETFQ = b"\x48\xcb"
REGISTERS = (r"^  rax [0-9a-f]{16} rbx ", r"^  cr2 [0-9a-f]{16} cr3 ")


def injected(core=0):
    return Check(INJECTOR, INJECTED, core=core)


def panics(name, bug, cpus, error=None, core=0, also=(), silent=(), failing=(),
           must_not=(lines.ANOTHER_FAILURE.pattern(),)):
    """Every other core reports where it was, or its own failure, or is reported as silent."""
    asked = [n for n in range(cpus) if n != core and n not in (*silent, *failing)]
    others = [lines.WAS_AT.pattern(n, end=lines.IN_THE_KERNEL) for n in asked]
    others += [lines.NO_ANSWER.pattern(n) for n in silent]
    others += [lines.FAILED_TOO.pattern(n, end=rf"\nerror {CHECK_FAILED} on core {n}\n") +
               frame_line(INJECTOR).removeprefix("^") for n in failing]
    others += [injected(n) for n in failing]
    return Scenario(f"panic {name}", Machine(cpus=cpus), options={"inject": bug}, status=SYSTEM_FAILED,
                    must=(error or injected(core), lines.BACKTRACE.pattern(), lines.STOPPED.pattern(), *REGISTERS,
                          *others, *also), must_not=must_not)


# The first instruction behind the processor's new tables: no console, no memory, no other core.
BEFORE_THE_CONSOLE = Scenario(
    "panic before the console is set up", Machine(cpus=2), status=SYSTEM_FAILED,
    corrupt=corrupt_images.undefined_instruction("load_tables", RETFQ),
    must=(Error("kernel.unexpected_exception", Origin(lines.TRAPS, fields={"vector": corrupt_images.INVALID_OPCODE})),
          r"^  at" + lines.IN_THE_KERNEL, *REGISTERS, lines.STOPPED.pattern()),
    must_not=(lines.KERNEL_AT.pattern(), lines.ANOTHER_FAILURE.pattern()))


def stuck(name, bug, *also, machine=Machine(cpus=2)):
    """Core 1 works and makes no progress: core 0's watchdog reports it, and the injected bug goes on to its end."""
    return Scenario(f"a core {name} is reported by another", machine, options={"inject": bug},
                    status=SYSTEM_FAILED, must_not=(lines.NO_ANSWER.pattern(1),),
                    must=(lines.NO_PROGRESS.pattern(1, r"\d+", 0),
                          r"^error kernel\.(test_failed|not_released) on core 0", *also))


WHERE_CORE_1_IS = lines.IS_AT.pattern(1, end=lines.IN_THE_KERNEL)
STUCK = [
    stuck("that hangs with a lock and an error", "stuck-core", WHERE_CORE_1_IS, REGISTERS[0],
          lines.CALLED_FROM.pattern(end=lines.IN_THE_KERNEL), lines.HOLDS.pattern(1, end=" injected$"),
          frame_line(f"{FAULTS}/bugs_stuck.cpp")),
    stuck("that hangs with the console", "stuck-core-with-the-console", WHERE_CORE_1_IS,
          lines.HOLDS.pattern(1, end=" console$")),
    stuck("that hangs with the console, where no clock measures the time stamp,", "stuck-core-with-the-console",
          WHERE_CORE_1_IS, lines.HOLDS.pattern(1, end=" console$"), machine=Machine(cpus=2, machine="pc,pit=off")),
    stuck("that takes no NMI", "stuck-core-without-nmi", lines.TAKES_NO_NMI.pattern(1)),
]


def null_write(core=0):
    return Error("mm.null_access", core=core, address=0x18)


def wild_access(core=0, **fields):
    return Error("mm.wild_access", core=core, **fields)


def twice(core=0):
    """The second failure comes while the first one's chain is printed, which then has its outermost frame alone."""
    first = Error("kernel.test_failed", Frame(INJECTOR), core=core, cut=True)
    return {"error": wild_access(core), "core": core, "also": (lines.ANOTHER_FAILURE.pattern(), first), "must_not": ()}


PANICS = [
    *(panics(f"on core {core} of four", f"check@{core}", 4, core=core) for core in range(4)),
    *(panics(f"without an interrupt table on core {core}", f"panic-without-interrupt-table@{core}", 2, core=core)
      for core in range(2)),
    panics("with one core", "check", 1),
    panics("in an interrupt", "panic-in-interrupt", 2),
    panics("in an interrupt on core 1", "panic-in-interrupt@1", 2, core=1),
    panics("in an NMI", "panic-in-nmi", 2),
    panics("in an NMI on core 1", "panic-in-nmi@1", 2, core=1),
    panics("with an empty pool of errors", "panic-with-empty-pool", 2, null_write()),
    panics("with an empty pool of errors, on core 1", "panic-with-empty-pool@1", 2, null_write(1), core=1),
    panics("with a wild frame pointer", "panic-with-wild-frame-pointer", 2),
    panics("with a wild stack pointer", "stack-wild", 2, wild_access(rsp=0x1234_5678_9000)),
    panics("in a panic", "panic-in-panic", 2, **twice()),
    panics("in a panic, on core 1", "panic-in-panic@1", 2, **twice(1)),
    panics("beside a core with a lock", "panic-beside-a-lock", 2, also=(lines.HOLDS.pattern(1, end=" injected$"),)),
    panics("beside a core in a guest", "panic-beside-a-guest", 2),
    panics("beside a core that takes no NMI", "panic-beside-a-deaf-core", 2, silent=(1,)),
    panics("with the console's lock held by a core that hangs", "panic-with-dead-console", 2, silent=(1,),
           also=(lines.HOLDS.pattern(1, end=" console$"),)),
    panics("in a panic, with the address space's lock held by a core that hangs", "panic-with-dead-address-space", 2,
           **{**twice(), "error": wild_access(text=lines.ADDRESS_SPACE_LOCKED.exactly()), "silent": (1,),
              "also": (*twice()["also"], lines.HOLDS.pattern(1, end=r" mm\.address_space$"))}),
    BEFORE_THE_CONSOLE,
    panics("on four cores at once", "panic-on-all-cores", 4, failing=(1, 2, 3)),
    panics("in a job within a job", "job-within-a-job", 2, Check("kernel/smp/jobs.cpp", "!running_job")),
]
