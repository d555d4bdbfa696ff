"""gdb commands for a Raclette in QEMU (loaded by build.py debug): symbols at the random base, page tables, VMCBs.

Physical memory is read through QEMU's monitor, since no address space of ours maps it.
"""
import re
import socket
import subprocess
import threading
import time

import __main__
import gdb
from gdb.disassembler import Disassembler, DisassemblerResult, register_disassembler

BUILD = globals().get("RACLETTE_BUILD", "build")
KERNEL = globals().get("RACLETTE_KERNEL", "build/kernel.elf")
# What runs before the kernel: (ELF file, where its address 0 lies, its first instruction), in their order.
STAGES = globals().get("RACLETTE_STAGES", {})
LOG = globals().get("RACLETTE_LOG", "")
CONSOLE = globals().get("RACLETTE_CONSOLE", "")
KERNEL_BASE = re.compile(r"^6 kernel at (0x[0-9a-f]+), build ", re.M)     # whole: the log may end inside the number
RESET_VECTOR = 0xFFFF0          # where the processor begins, in the real mode's way of counting
loaded = {}                     # program -> (its file, where its address 0 lies)


def console():
    with open(LOG, errors="replace") as log:
        return log.read()


def kernel_base():
    """Where the kernel lies that was started last, or None: each start has a base of its own."""
    printed = KERNEL_BASE.findall(console())
    return int(printed[-1], 16) if printed else None


def load(name, file, offset):
    gdb.execute(f"add-symbol-file {file} -o {offset:#x}", to_string=True)
    loaded[name] = file, offset


def drop(name):
    gdb.execute(f"remove-symbol-file {loaded.pop(name)[0]}", to_string=True)


def load_stage(name):
    file, offset, _ = STAGES[name]
    load(name, f"{BUILD}/{file}", offset)


def kernel_is_news():
    """A base has been printed that the loaded symbols, if any, are not at."""
    base = kernel_base()
    return base is not None and loaded.get("kernel") != (KERNEL, base)


def load_symbols():
    """Whatever is known by now; True when the kernel's are in."""
    base = kernel_base()
    if base is None and "stage2" in console() and "stage2" not in loaded:
        load_stage("stage2")
    if kernel_is_news():
        for name in list(loaded):       # what has ended has many of the same names, or is the kernel before a reboot
            drop(name)
        load("kernel", KERNEL, base)
        print(f"kernel symbols at {base:#x}")
    return "kernel" in loaded


def physical_words(address, count=1):
    """`count` 64-bit words of physical memory."""
    text = gdb.execute(f"monitor xp /{count}gx {address:#x}", to_string=True)
    values = (line.split(":", 1)[1] for line in text.splitlines())
    return [int(word, 16) for line in values for word in re.findall(r"0x([0-9a-f]{16})", line)]


def walk(root, address):
    """(level, index, entry) of each step from the top table down, as far as it goes."""
    table = root & 0x000FFFFFFFFFF000
    for level in (4, 3, 2, 1):
        index = address >> (12 + 9 * (level - 1)) & 511
        entry = physical_words(table + 8 * index)[0]
        yield level, index, entry
        if not entry & 1 or (level in (2, 3) and entry & 0x80):
            return
        table = entry & 0x000FFFFFFFFFF000


def selected_vmcb():
    return __main__.last_vmcb(gdb.selected_thread().num - 1)    # of look.py: gdb runs both files in this module


def mode():
    """16, 32 or 64: what the selected core's processor takes instructions to be."""
    if int(gdb.parse_and_eval("$efer")) >> 10 & 1:
        return 64
    return 32 if int(gdb.parse_and_eval("$cr0")) & 1 else 16


def linear_pc():
    real = mode() == 16 and not int(gdb.parse_and_eval("$cr0")) & 1
    return int(gdb.parse_and_eval("$rip")) + (int(gdb.parse_and_eval("$cs")) * 16 if real else 0)


def ndisasm(bits, at, code):
    done = subprocess.run(["ndisasm", f"-b{bits}", f"-o{at:#x}", "-"], input=code, capture_output=True, check=True)
    return done.stdout.decode().splitlines()


def flags(entry):
    names = ((1, "W"), (2, "U"), (5, "A"), (6, "D"), (7, "L"), (63, "NX"))
    return " ".join(name for bit, name in names if entry >> bit & 1)


def print_walk(root, address):
    for level, index, entry in walk(root, address):
        state = flags(entry) if entry & 1 else "absent"
        print(f"  level {level}  entry {index:3}  {entry:#018x}  {state}")


class Rl(gdb.Command):
    """Raclette: rl wait, stage, type, symbols, pt, npt, vmcb, dis, maps, heap, window, errors, core (help rl
    COMMAND)."""

    def __init__(self):
        super().__init__("rl", gdb.COMMAND_USER, prefix=True)


class Symbols(gdb.Command):
    """rl symbols: load the symbols of every stage that has started, by the serial log."""

    def __init__(self):
        super().__init__("rl symbols", gdb.COMMAND_FILES)

    def invoke(self, _argument, _tty):
        print("loaded" if load_symbols() else "the kernel has not printed its base yet")


class Wait(gdb.Command):
    """rl wait: run until the kernel has printed its base, stop, load its symbols; again, it runs to the base that
    the kernel has after a reboot."""

    def __init__(self):
        super().__init__("rl wait", gdb.COMMAND_RUNNING)

    def invoke(self, _argument, _tty):
        def interrupt_when_printed():
            while not kernel_is_news():
                time.sleep(0.005)
            gdb.post_event(lambda: gdb.execute("interrupt"))
        if not kernel_is_news():
            threading.Thread(target=interrupt_when_printed, daemon=True).start()
            gdb.execute("continue")
        load_symbols()


class Type(gdb.Command):
    """rl type COMMAND: a serial command, which the kernel reads when the machine goes on (docs/inside.md)."""

    def __init__(self):
        super().__init__("rl type", gdb.COMMAND_RUNNING)
        self.console = None

    def invoke(self, argument, _tty):
        if self.console is None:
            self.console = socket.socket(socket.AF_UNIX)
            self.console.connect(CONSOLE)
            # The log has all output already; it is read here so that the socket does not fill up.
            threading.Thread(target=lambda: all(iter(lambda: self.console.recv(1 << 16), b"")), daemon=True).start()
        self.console.sendall(argument.encode() + b"\n")


class Stage(gdb.Command):
    """rl stage N: run to the first instruction of stage N (3: the kernel, once it has printed its base), or of
    the `loader`."""

    def __init__(self):
        super().__init__("rl stage", gdb.COMMAND_RUNNING)

    def invoke(self, argument, _tty):
        if argument == "3":
            gdb.execute("rl wait")
            return
        name = argument if argument == "loader" else f"stage{argument}"
        if name not in STAGES:
            raise gdb.GdbError(f"this machine starts by {', '.join(STAGES)} and the kernel")
        if name not in loaded:
            load_stage(name)
        if linear_pc() == RESET_VECTOR:
            # By way of the first: SeaBIOS starts the other cores with a few bytes at 0x10000, where stage2 will lie.
            self.run_to(next(iter(STAGES)))
        if linear_pc() != STAGES[name][2]:
            self.run_to(name)
        print(f"at the first instruction of {name}")

    @staticmethod
    def run_to(name):
        gdb.execute(f"thbreak *{STAGES[name][2]:#x}", to_string=True)
        gdb.execute("continue")


class PageTable(gdb.Command):
    """rl pt VA [ROOT]: how the processor translates VA, step by step, from CR3 or from a given root."""

    def __init__(self):
        super().__init__("rl pt", gdb.COMMAND_DATA)

    def invoke(self, argument, _tty):
        words = [int(gdb.parse_and_eval(word)) & (1 << 64) - 1 for word in gdb.string_to_argv(argument)]
        print_walk(words[1] if len(words) > 1 else int(gdb.parse_and_eval("$cr3")), words[0])


class NestedTable(gdb.Command):
    """rl npt GPA [ROOT]: the same through the nested table at ROOT (default: that of `rl vmcb`)."""

    def __init__(self):
        super().__init__("rl npt", gdb.COMMAND_DATA)

    def invoke(self, argument, _tty):
        words = [int(gdb.parse_and_eval(word)) for word in gdb.string_to_argv(argument)]
        print_walk(words[1] if len(words) > 1 else physical_words(selected_vmcb() + Vmcb.NESTED_CR3)[0], words[0])


class Vmcb(gdb.Command):
    """rl vmcb [PHYSICAL]: the fields of a VMCB, by default of the one that the core entered last
    (APM vol 2, appendix B "VMCB Layout")."""

    NESTED_CR3 = 0x0B0
    FIELDS = (("intercepts", 0x00C), ("asid", 0x058), ("exit code", 0x070), ("exit info 1", 0x078),
              ("exit info 2", 0x080), ("exit int info", 0x088), ("nested control", 0x090),
              ("event injection", 0x0A8), ("nested cr3", NESTED_CR3),
              ("clean bits", 0x0C0), ("efer", 0x4D0), ("cr4", 0x548), ("cr3", 0x550), ("cr0", 0x558), ("rflags", 0x570),
              ("rip", 0x578), ("rsp", 0x5D8), ("rax", 0x5F8), ("cr2", 0x640))

    def __init__(self):
        super().__init__("rl vmcb", gdb.COMMAND_DATA)

    def invoke(self, argument, _tty):
        base = int(gdb.parse_and_eval(argument)) if argument else selected_vmcb()
        print(f"VMCB at {base:#x}")
        for name, offset in self.FIELDS:
            print(f"  {name:16} {physical_words(base + offset)[0]:#018x}")


class Disassemble(gdb.Command):
    """rl dis [BITS]: the next instructions in 16, 32 or 64 bit mode (default: what the processor is in)."""

    def __init__(self):
        super().__init__("rl dis", gdb.COMMAND_DATA)

    def invoke(self, argument, _tty):
        at = linear_pc()
        memory = bytes(gdb.selected_inferior().read_memory(at, 48))
        print("\n".join(ndisasm(int(argument or mode()), at, memory)[:10]))


class FollowModes(Disassembler):
    """gdb's own commands (x/i, disassemble) take the processor to be in 64-bit mode; the first stages are not."""

    def __init__(self):
        super().__init__("raclette")

    def __call__(self, info):
        bits = mode()
        if bits == 64:
            return None                 # gdb knows it
        lines = ndisasm(bits, info.address, bytes(info.read_memory(15)))
        _, code, text = lines[0].split(None, 2)
        for more in lines[1:]:          # a long instruction goes on behind a dash
            if not more.lstrip().startswith("-"):
                break
            code += more.strip(" -")
        return DisassemblerResult(len(code) // 2, text)


for command in (Rl, Symbols, Wait, Stage, Type, PageTable, NestedTable, Vmcb, Disassemble):
    command()
register_disassembler(FollowModes())
for stage in STAGES:
    if stage != "stage2":               # which has many of the kernel's names: only while it runs
        load_stage(stage)
gdb.events.stop.connect(lambda _event: load_symbols())
