"""A core file of a target that a replay holds at the end of its case: what gdb reads instead of a live process.

The machine's memory lies in a file of the host, so the target's pages are found there by a walk of both page tables,
as the processor does it (APM vol 2 section 15.25 "Nested Paging"). gdb finds what no page holds in the target's ELF.
"""
import struct

PAGE = 4096
PRESENT, WRITABLE, USER, LARGE = 1, 2, 4, 1 << 7
FRAME = ((1 << 52) - 1) & ~(PAGE - 1)
LEVELS = (39, 30, 21, 12)       # the lowest address bit that a level's entry decides
LARGEST_GAP = 0xE0000000        # QEMU's pc: memory of less lies in one piece
SPLIT = 0xC0000000              # else so much of it below 4 GiB
SIGNAL = 6                      # SIGABRT: gdb says why the program ended
REGISTERS = ("r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx", "rsi", "rdi",
             None, "rip", None, "rflags", "rsp", None, "fs_base", "gs_base", None, None, None, None)
SELECTORS = {17: 0x33, 20: 0x2B}    # of Linux's user code and stack, by place in REGISTERS
NT_PRSTATUS, ET_CORE, MACHINE_X86_64, PT_LOAD, PT_NOTE = 1, 4, 62, 1, 4


class BadTables(ValueError):
    """A page table leads out of the machine's memory."""


class PhysicalMemory:
    """The bytes of a machine's memory (anything that can be sliced), by physical address."""

    def __init__(self, data):
        self.data = data
        self.low = len(data) if len(data) <= LARGEST_GAP else SPLIT

    def read(self, address, size):
        at = address if address < self.low else address - (1 << 32) + self.low
        if at < 0 or (address >= self.low and address < 1 << 32) or at + size > len(self.data):
            raise BadTables(f"{address:#x} is not in the machine's memory")
        return self.data[at:at + size]

    def words(self, address):
        return struct.unpack("<512Q", self.read(address, PAGE))


def leaves(words_at, root, seen, level=0, base=0):
    """(address, physical address, size, entry) of each page that a table maps, by address.

    A table that stands in several places, as one that maps the shadow of unused memory, counts in the first.
    """
    shift = LEVELS[level]
    if root in seen:
        return
    seen.add(root)
    for number, entry in enumerate(words_at(root)):
        if not entry & PRESENT:
            continue
        address = base | number << shift
        if level == 0 and number >= 256:
            continue                        # the upper half is no user's
        if level == len(LEVELS) - 1 or (level and entry & LARGE):
            yield address, entry & FRAME & -(1 << shift), 1 << shift, entry
        else:
            yield from leaves(words_at, entry & FRAME, seen, level + 1, address)


class GuestMemory:
    """The target's virtual memory: `pages` yields what is mapped, in runs."""

    def __init__(self, physical, root, nested_root):
        self.physical = physical
        self.root = root
        self.nested = {}
        for address, frame, size, _ in leaves(physical.words, nested_root, set()):
            for offset in range(0, size, PAGE):
                self.nested[address + offset] = frame + offset

    def _words(self, guest_physical):
        if guest_physical not in self.nested:
            raise BadTables(f"the target's page table at {guest_physical:#x} has no frame")
        return self.physical.words(self.nested[guest_physical])

    def pages(self):
        """(virtual address, bytes, writable) of each page that user code may read and that has a frame."""
        for address, guest_physical, size, entry in leaves(self._words, self.root, set()):
            if not entry & USER:
                continue
            for offset in range(0, size, PAGE):
                frame = self.nested.get(guest_physical + offset)
                if frame is not None:
                    yield address + offset, self.physical.read(frame, PAGE), bool(entry & WRITABLE)


def runs(pages):
    """(virtual address, [page, ...], writable): neighbouring pages of one kind."""
    start, kept, kind = 0, [], False
    for address, page, writable in pages:
        if kept and (address != start + len(kept) * PAGE or writable != kind):
            yield start, kept, kind
            kept = []
        if not kept:
            start, kind = address, writable
        kept.append(page)
    if kept:
        yield start, kept, kind


def note(registers):
    """NT_PRSTATUS: struct elf_prstatus of Linux, with one thread's registers."""
    values = [registers[name] if name else SELECTORS.get(place, 0) for place, name in enumerate(REGISTERS)]
    status = struct.pack("<iiih2xQQiiii64x", SIGNAL, 0, 0, SIGNAL, 0, 0, 1, 0, 1, 1)
    status += struct.pack("<27Q", *values) + struct.pack("<i4x", 0)
    return struct.pack("<III8s", 5, len(status), NT_PRSTATUS, b"CORE") + status


def write(path, held, memory):
    """`held`: the record; `memory`: the bytes of the machine's memory. Returns how many pages it wrote."""
    numbers = {name: int(value, 16) for name, value in held.items() if isinstance(value, str) and value[:2] == "0x"}
    guest = GuestMemory(PhysicalMemory(memory), numbers["root"], numbers["nested_root"])
    parts = list(runs(guest.pages()))
    about = note(numbers)
    headers = 64 + 56 * (len(parts) + 1)
    first = -(-(headers + len(about)) // PAGE) * PAGE
    with open(path, "wb") as core:
        core.write(b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", ET_CORE, MACHINE_X86_64, 1, 0, 64, 0, 0,
                                                           64, 56, len(parts) + 1, 0, 0, 0))
        core.write(struct.pack("<IIQQQQQQ", PT_NOTE, 4, headers, 0, 0, len(about), 0, 4))
        at = first
        for address, pages, writable in parts:
            size = len(pages) * PAGE
            core.write(struct.pack("<IIQQQQQQ", PT_LOAD, 4 | 1 | 2 * writable, at, address, 0, size, size, PAGE))
            at += size
        core.write(about)
        core.write(bytes(first - core.tell()))
        for _, pages, _ in parts:
            core.writelines(pages)
    return sum(len(pages) for _, pages, _ in parts)
