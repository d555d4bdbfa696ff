"""Failures at the worst moments: chain, registers, what each other core was doing, a stop with the fixed status."""
import re

from tests.qemu import corrupt_images
from tests.runner.scenario import Scenario
from tools.rl.common import SYSTEM_FAILED
from tools.rl.machines.qemu import Machine

PLANTED = r"this failure is injected"
RETFQ = b"\x48\xcb"
REGISTERS = (r"^  rax [0-9a-f]{16} rbx ", r"^  cr2 [0-9a-f]{16} cr3 ")
CHECK = "kernel.check_failed"


def told(name, plant, cpus, code=CHECK, core=0, says=(PLANTED,), deaf=(), failing=(),
         must_not=(r"another failure while this one",)):
    """Every other core tells where it was, or its own failure, or is said not to answer."""
    asked = [n for n in range(cpus) if n != core and n not in (*deaf, *failing)]
    others = [rf"^core {n} was at 0x[0-9a-f]+  kernel\+0x" for n in asked]
    others += [rf"^core {n} does not answer$" for n in deaf]
    others += [rf"^panic: core {n} failed too\nerror {CHECK} on core {n}\n.*{PLANTED}" for n in failing]
    return Scenario(f"panic {name}", Machine(cpus=cpus), options={"inject": plant}, status=SYSTEM_FAILED,
                    must=(rf"^error {re.escape(code)} on core {core}\b", r"<- origin$", r"backtrace, innermost first",
                          r"^panic: stopped$", *REGISTERS, *others, *says), must_not=must_not)


# The first instruction behind the processor's new tables: no console, no memory, no other core.
BEFORE_THE_CONSOLE = Scenario(
    "panic before the console is set up", Machine(cpus=2), status=SYSTEM_FAILED,
    damage=corrupt_images.undefined_instruction("load_tables", RETFQ),
    must=(r"^error kernel.unexpected_exception on core 0, exception in the kernel\n.*an instruction this processor does"
          r" not have.*<- origin$", r"^  at 0x[0-9a-f]+  kernel\+0x", *REGISTERS, r"^panic: stopped$"),
    must_not=(r"^6 kernel at", r"another failure while this one"))



def stuck(name, plant, *says):
    """Core 1 works and gets nowhere: core 0's watchdog tells of it, and the machine goes on to the plant's end."""
    return Scenario(f"a core {name} is told of by another", Machine(cpus=2), options={"inject": plant},
                    status=SYSTEM_FAILED, must_not=(r"^core 1 does not answer",),
                    must=(r"^watchdog: core 1 works and has made no progress for \d+ ticks of core 0$",
                          r"^error kernel\.(test_failed|not_released) on core 0", *says))


STUCK = [
    stuck("that stands still with a lock and an error", "stuck-core", r"^  core 1 is at 0x[0-9a-f]+  kernel\+0x",
          r"^  rax [0-9a-f]{16} rbx ", r"^    from 0x[0-9a-f]+  kernel\+0x", r"^  core 1 holds injected$",
          r"a core stopped in the middle of this"),
    stuck("that stands still with the console", "stuck-core-with-the-console",
          r"^  core 1 is at 0x[0-9a-f]+  kernel\+0x", r"^  core 1 holds console$"),
    stuck("that takes no NMI", "stuck-core-without-nmi", r"^  core 1 takes no NMI: its global interrupt flag is clear"),
]

TOLD_TWICE = (r"^panic: another failure while this one was being reported$", r"^error kernel.test_failed on core ",
              r" an error that can be told$")
PANICS = [
    *(told(f"on core {core} of four", f"check@{core}", 4, core=core) for core in range(4)),
    *(told(f"without an interrupt table on core {core}", f"panic-without-interrupt-table@{core}", 2, core=core)
      for core in range(2)),
    told("with one core", "check", 1),
    told("in an interrupt", "panic-in-interrupt", 2),
    told("in an interrupt on core 1", "panic-in-interrupt@1", 2, core=1),
    told("in an NMI", "panic-in-nmi", 2),
    told("in an NMI on core 1", "panic-in-nmi@1", 2, core=1),
    told("with an empty pool of errors", "panic-with-empty-pool", 2, code="mm.null_access", says=(r"address 0x18, ",)),
    told("with an empty pool of errors, on core 1", "panic-with-empty-pool@1", 2, code="mm.null_access", core=1,
         says=(r"address 0x18, ",)),
    told("with a wild frame pointer", "panic-with-wild-frame-pointer", 2),
    told("with a wild stack pointer", "stack-wild", 2, code="mm.wild_access", says=(r"the stack cannot take",)),
    told("in a panic", "panic-in-panic", 2, code="mm.wild_access", says=TOLD_TWICE, must_not=()),
    told("in a panic, on core 1", "panic-in-panic@1", 2, code="mm.wild_access", core=1, says=TOLD_TWICE, must_not=()),
    told("beside a core with a lock", "panic-beside-a-lock", 2, says=(PLANTED, r"^  core 1 holds injected$")),
    told("beside a core in a guest", "panic-beside-a-guest", 2),
    told("beside a core that is deaf", "panic-beside-a-deaf-core", 2, deaf=(1,)),
    told("with the console in a dead core's hands", "panic-with-dead-console", 2, deaf=(1,),
         says=(PLANTED, r"^  core 1 holds console$")),
    told("in a panic, with the address space in a dead core's hands", "panic-with-dead-address-space", 2,
         code="mm.wild_access", deaf=(1,), says=(*TOLD_TWICE, r"another core holds the address space's lock",
                                                   r"^  core 1 holds mm.address_space$"), must_not=()),
    BEFORE_THE_CONSOLE,
    told("on four cores at once", "panic-on-all-cores", 4, failing=(1, 2, 3)),
]
