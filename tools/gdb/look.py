"""gdb commands that read kernel structures: rl maps, heap, window, errors, core (sourced after raclette.py).

Core N is QEMU's processor N, gdb's thread N + 1. A processor may be inside its guest when the machine stops, where no
kernel address means anything: these commands read memory through a processor that is in the kernel.
"""
import contextlib

import gdb
from __main__ import physical_words     # of raclette.py: gdb runs both files in this module

PAGE = 4096
RECORD_HEADER = 16              # of a leaf of mm::Records: a bit for each slot, and the list of leaves with room


def threads():
    return sorted(gdb.selected_inferior().threads(), key=lambda thread: thread.num)


def is_in_kernel():
    """The guest's programs run in ring 3 and its ring 0 is never entered."""
    return int(gdb.parse_and_eval("$cs")) & 3 == 0 and int(gdb.parse_and_eval("$cr0")) >> 31 & 1 == 1


@contextlib.contextmanager
def processor_in_kernel():
    """Selects a processor that is in the kernel; afterwards the one that was selected before."""
    before = gdb.selected_thread()
    try:
        for thread in [before, *threads()]:
            thread.switch()
            if is_in_kernel():
                break
        else:
            raise gdb.GdbError("every core is inside its guest: continue, stop, and try again")
        yield
    finally:
        before.switch()


def physical_page(address):
    return b"".join(word.to_bytes(8, "little") for word in physical_words(address, PAGE // 8))


def world():
    made = gdb.parse_and_eval("kernel::world")["object_"]
    if int(made) == 0:
        raise gdb.GdbError("memory management has not been started yet")
    return made.dereference()


def plain(value):
    """An address's number, or an enumerator's last name."""
    if value.type.strip_typedefs().code == gdb.TYPE_CODE_ENUM:
        return str(value).rsplit("::", 1)[-1]
    return int(value["value_"])


def records():
    """Every mm::Record in use, live and freed, by address."""
    kind = gdb.lookup_type("mm::Record")
    found = []
    roots = world()["space"]["records_"]["roots_"]
    for index in range(roots.type.range()[1] + 1):
        root = plain(roots[index])
        for leaf in (word for word in physical_words(root, PAGE // 8) if word) if root else ():
            page = physical_page(leaf)
            used = int.from_bytes(page[:8], "little")
            for slot in range(1, PAGE // kind.sizeof):
                if used >> slot & 1:
                    at = RECORD_HEADER + (slot - 1) * kind.sizeof
                    found.append(gdb.Value(page[at:at + kind.sizeof], kind))
    return sorted(found, key=lambda record: plain(record["first"]))


def made_at(record):
    site = record["site"]
    line = int(site["line"])
    return site["type"].string() + (f"  {site['file'].string()}:{line}" if line else "")


def symbol(address):
    return gdb.execute(f"info symbol {address:#x}", to_string=True).strip().split(" in section")[0]


def record_line(record):
    allowed = record["allowed"]
    permissions = f"r{'w' if allowed['write'] else '-'}{'x' if allowed['execute'] else '-'}"
    return (f"{plain(record['first']):#018x} {int(record['pages']):6} pages {permissions} {plain(record['state']):6} "
            f"{plain(record['kind']):10} {plain(record['owner']):12} {made_at(record)}")


class Maps(gdb.Command):
    """rl maps: the live ranges of the kernel's addresses: pages, permissions, kind, owner of the frames, maker."""

    def __init__(self):
        super().__init__("rl maps", gdb.COMMAND_DATA)

    def invoke(self, _argument, _tty):
        with processor_in_kernel():
            for record in records():
                if plain(record["state"]) == "live":
                    print(record_line(record))


class Heap(gdb.Command):
    """rl heap ADDRESS: which live or freed range an address belongs to, and how far into or beside it."""

    def __init__(self):
        super().__init__("rl heap", gdb.COMMAND_DATA)

    def invoke(self, argument, _tty):
        with processor_in_kernel():
            address = int(gdb.parse_and_eval(argument)) & (1 << 64) - 1
            for record in records():
                first, end = plain(record["first"]), plain(record["first"]) + int(record["pages"]) * PAGE
                if first - PAGE <= address < end + PAGE:
                    return self.print_place(record, address, first, end)
        print(f"{address:#x} lies in no range that is remembered")

    @staticmethod
    def print_place(record, address, first, end):
        block, size = plain(record["block"]), int(record["size"])
        if block <= address < block + size:
            where = f"{address - block} bytes into a block of {size}"
        elif address < first or address >= end:
            where = f"in the guard page {'before' if address < first else 'behind'} it"
        else:
            beside = f"{block - address} bytes before" if address < block else f"{address - block - size} bytes behind"
            where = f"in the slack, {beside} a block of {size}"
        print(f"{address:#x}: {where}\n{record_line(record)}\n  made by core {int(record['made_by'])}")
        if plain(record["state"]) == "freed":
            freed_from = int(record["freed_from"])
            print(f"  freed by core {int(record['freed_by'])} from {symbol(freed_from)}")


class Window(gdb.Command):
    """rl window [N]: core N's window (default: the selected core's): slots in use, and who has pages pinned."""

    def __init__(self):
        super().__init__("rl window", gdb.COMMAND_DATA)

    def invoke(self, argument, _tty):
        core = int(argument or gdb.selected_thread().num - 1)
        with processor_in_kernel():
            window = world()["windows"]["windows_"][core].dereference()
            slots = [int(window["slots_"][i]) for i in range(window["slots_"].type.range()[1] + 1)]
            pinned = [(i, word) for i, word in enumerate(slots) if word & 0x7FF]
            print(f"core {core}: {sum(word & 0x800 != 0 for word in slots)} of {len(slots)} slots map a frame, "
                  f"{len(pinned)} are pinned; {int(window['misses_'])} misses, base {plain(window['base_']):#x}")
            for index, word in pinned:
                holder = int(window["pinned_from_"][index])
                print(f"  slot {index:3}  frame {word & ~0xFFF:#x}  {word & 0x7FF} pins  {symbol(holder)}")


class Errors(gdb.Command):
    """rl errors: the error chains that each core has in flight, outermost frame first."""

    def __init__(self):
        super().__init__("rl errors", gdb.COMMAND_DATA)

    def invoke(self, _argument, _tty):
        with processor_in_kernel():
            pools = gdb.parse_and_eval("'rstate::(anonymous namespace)::pools'")
            first = gdb.parse_and_eval("&'rstate::(anonymous namespace)::first_pool'")
            for core in range(len(threads())):
                pool = pools[core]
                if core == 0 and int(pool) == 0:
                    pool = first
                if int(pool) != 0:
                    self.print_pool(core, pool.dereference())

    @staticmethod
    def print_pool(core, pool):
        words = pool["used"]
        used = [i for i in range(64 * (words.type.range()[1] + 1)) if int(words[i // 64]["value_"]) >> (i % 64) & 1]
        frames = [pool["frames"][i] for i in used]
        print(f"core {core}: {len(used)} frames in use")
        inner = {int(frame["inner"]) for frame in frames}
        for frame in frames:
            if int(frame.address) in inner:
                continue
            print(f"  {frame['code'].dereference()['name'].string()}")
            at = frame.address
            while int(at):
                site = at["site"].dereference()
                values = " ".join(hex(int(at["words"][i])) for i in range(int(site["value_count"])))
                print(f"    {site['file'].string()}:{int(site['line'])}  {site['function'].string()}  "
                      f"{site['text'].string()}  {values}")
                at = at["inner"]


def trace_of(core):
    """(site name, phase, first, second) of a core's records, oldest first."""
    ring = gdb.parse_and_eval("'cpu::(anonymous namespace)::rings'")[core]
    if int(ring) == 0:
        return []
    ring = ring.dereference()
    written, kept = int(ring["written"]["value_"]), ring["records"].type.range()[1] + 1
    found = []
    for number in range(max(0, written - kept), written):
        record = ring["records"][number % kept]
        if int(record["site"]):
            site = record["site"].dereference()
            found.append((site["name"].string(), chr(int(site["phase"])), int(record["first"]), int(record["second"])))
    return found


def last_vmcb(core):
    """The physical address of the VMCB that this core entered last."""
    with processor_in_kernel():
        entered = [first for name, phase, first, _ in trace_of(core) if (name, phase) == ("guest", "B")]
    if not entered:
        raise gdb.GdbError(f"core {core} has not entered a guest lately: name a VMCB")
    return entered[-1]


class Core(gdb.Command):
    """rl core N: selects core N and prints where it is, where its last tick came, and its last trace records."""

    def __init__(self):
        super().__init__("rl core", gdb.COMMAND_STATUS)

    def invoke(self, argument, _tty):
        number = int(argument)
        thread = next((t for t in threads() if t.num == number + 1), None)
        if thread is None:
            raise gdb.GdbError(f"there are {len(threads())} cores")
        with processor_in_kernel():
            core = gdb.parse_and_eval("core_table")[number]
            ticked_at = int(core["last_tick_rip"]) if int(core) else 0
            tick = symbol(ticked_at) if ticked_at else ""
            did = trace_of(number)[-4:]
        thread.switch()
        rip = int(gdb.parse_and_eval("$rip")) & (1 << 64) - 1
        where = f"in the kernel, {symbol(rip)}" if is_in_kernel() else "inside its guest"
        print(f"core {number}: at {rip:#x}, {where}")
        if tick:
            print(f"  its last tick came at {tick}")
        for name, phase, first, second in did:
            print(f"  {phase} {name} {first:#x} {second:#x}")


for command in (Maps, Heap, Window, Errors, Core):
    command()
