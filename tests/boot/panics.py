"""Failures at the worst moments: the chain, the registers, what each other core was doing, a stop with the fixed status."""
import re

from tools.rl.common import SYSTEM_FAILED
from tools.rl.qemu import Machine
from tools.rl.scenario import Scenario

PLANTED = r"this is planted"
REGISTERS = (r"^  rax [0-9a-f]{16} rbx ", r"^  cr2 [0-9a-f]{16} cr3 ")
CHECK = "kernel.check_failed"


def told(name, plant, cpus, code=CHECK, core=0, says=(PLANTED,), silent=(), must_not=(r"another failure while this one",)):
    """Every core but the first and the silent ones is asked where it was, in order."""
    others = [rf"^core {n} was at 0x[0-9a-f]+  kernel\+0x" for n in range(cpus) if n != core and n not in silent]
    silence = [rf"^core {n} does not answer$" for n in silent]
    return Scenario(f"panic {name}", Machine(cpus=cpus), options={"plant": plant}, status=SYSTEM_FAILED,
                    must=(rf"^error {re.escape(code)} on core {core}\b", r"<- origin$", r"backtrace, innermost first",
                          r"^panic: stopped$", *REGISTERS, *others, *silence, *says), must_not=must_not)


def all_cores_tell(outcomes):
    """Whichever was first: each of four cores tells its own failure once."""
    cores = sorted(int(n) for n in re.findall(rf"^error {CHECK} on core (\d+)$", outcomes[0].text, re.M))
    return "" if cores == [0, 1, 2, 3] else f"failures were told of cores {cores}"


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
    told("with a wild frame pointer", "panic-with-wild-frame-pointer", 2),
    told("with a wild stack pointer", "stack-wild", 2, code="mm.wild_access", says=(r"the stack cannot take",)),
    told("in a panic", "panic-in-panic", 2, code="mm.wild_access", says=TOLD_TWICE, must_not=()),
    told("in a panic, on core 1", "panic-in-panic@1", 2, code="mm.wild_access", core=1, says=TOLD_TWICE, must_not=()),
    told("beside a core with a lock", "panic-beside-a-lock", 2, says=(PLANTED, r"^  core 1 holds planted$")),
    told("beside a core in a guest", "panic-beside-a-guest", 2),
    told("beside a core that is deaf", "panic-beside-a-deaf-core", 2, silent=(1,)),
    told("with the console in a dead core's hands", "panic-with-dead-console", 2, silent=(1,),
         says=(PLANTED, r"^  core 1 holds console$")),
    told("in a panic, with the address space in a dead core's hands", "panic-with-dead-address-space", 2,
         code="mm.wild_access", silent=(1,), says=(*TOLD_TWICE, r"another core holds the address space's lock",
                                                   r"^  core 1 holds mm.address_space$"), must_not=()),
    Scenario("panic on four cores at once", Machine(cpus=4), options={"plant": "panic-on-all-cores"},
             status=SYSTEM_FAILED, must=(r"^panic: stopped$",), must_not=(r"another failure while this one",),
             judge=all_cores_tell),
]
