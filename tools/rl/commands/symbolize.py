"""`build.py symbolize`: text from a screen, a picture or a log, with functions and lines below the addresses in it."""
import re
import sys

from tools.rl.building import target_files
from tools.rl.building.progress import Progress, hold
from tools.rl.common import OK, ROOT, Stop, USAGE, folder_of, kernel_elf
from tools.rl.printable import from_console, printable
from tools.rl.results import build_ids
from tools.rl.results.elf import Elf
from tools.rl.results.symbols import Symbolizer

SLIDE = re.compile(r"\bkernel at (0x[0-9a-f]{1,16})\b", re.I)
PT_LOAD = 1
# In the order of trust: what says itself what it is, then numbers that lie where the kernel does.
OFFSET = re.compile(r"\bkernel\+(0x[0-9a-f]{1,16})\b", re.I)
TARGET = re.compile(r"\btarget (0x[0-9a-f]{1,16})\b", re.I)
NUMBER = re.compile(r"(?<![+\w])(?:0x)?([0-9a-f]{8,16})\b", re.I)
RETURNS_THERE = re.compile(r"\b(from|freed_from|pinned_from) ", re.I)     # an address behind a call


class Program:
    """One ELF file that text may name addresses of."""

    def __init__(self, name, elf):
        self.name = name
        self.symbolizer = Symbolizer(elf)
        loaded = [s for s in Elf(elf.read_bytes()).segments if s.kind == PT_LOAD]
        self.first = min(s.address for s in loaded)
        self.end = max(s.address + s.memory_size for s in loaded)

    def holds(self, address):
        return self.first <= address < self.end

    def lines(self, address, exact):
        for frame in self.symbolizer.frames([address], innermost_exact=exact):
            note = "  [inlined]" if frame.inlined else ""
            place = f"{frame.file}:{frame.line}" if frame.file and frame.line else "?"
            yield f"    {self.name}+{address:#x}  {frame.function}  {place}{note}"


class Annotator:
    """Answers line by line; learns from the kernel's own line where it lies, and of which build it is.

    `of_build`: (build) -> (that kernel, or what is here instead of it, and lines that say so).
    """

    def __init__(self, kernel, target=None, slide=None, of_build=None):
        self.kernel = kernel
        self.target = target
        self.slide = slide
        self.of_build = of_build
        self.found = 0              # places

    def places(self, line):
        """(program, address in its file) of everything this line names, once each, in its order."""
        at_kernel = [int(m, 16) for m in OFFSET.findall(line)]
        found = [(self.kernel, offset) for offset in at_kernel]
        if self.target:
            found += [(self.target, int(m, 16)) for m in TARGET.findall(line)]
        if self.slide is not None and not at_kernel:
            offsets = [int(m, 16) - self.slide for m in NUMBER.findall(line)]
            found += [(self.kernel, offset) for offset in offsets if offset > 0]
        return [(program, address) for program, address in dict.fromkeys(found) if program.holds(address)]

    def annotate(self, line):
        """The line, then a line for each frame, inlined ones too, of each address in it."""
        said = SLIDE.search(line)
        if said:
            self.slide = int(said.group(1), 16)
        yield line
        build = build_ids.named_by(line)
        if build and self.of_build:
            self.kernel, warning = self.of_build(build)
            yield from warning
        for program, address in self.places(line):
            self.found += 1
            yield from program.lines(address, exact=not RETURNS_THERE.search(line))


def kernel_in(folder):
    kernel = kernel_elf(folder)
    if not kernel.exists():
        raise Stop(USAGE, f"there is no {kernel.relative_to(ROOT)}: build what the machine runs first")
    return Program("kernel", kernel)


def names_an_address(line):
    return any(pattern.search(line) for pattern in (OFFSET, TARGET, NUMBER))


def refuse(arguments):
    text = " ".join(arguments.text)
    if arguments.text and not names_an_address(text):
        raise Stop(USAGE, f"no address is in {printable(text)!r}: write kernel+0x3166, target 0x4a2361, or an address "
                          "of the kernel with --slide")


def main(arguments):
    def of_build(said):
        built, folder = build_ids.made(said, folder_of(arguments))
        return kernel_in(folder), build_ids.warning(said, built)

    target = ROOT / target_files.find(arguments.target).elf
    annotator = Annotator(kernel_in(folder_of(arguments)),
                          Program("target", target) if target.exists() else None, arguments.slide, of_build)
    lines = map(printable, arguments.text) if arguments.text else \
        (from_console(line.rstrip(b"\r\n")) for line in sys.stdin.buffer)
    if not arguments.text and sys.stdin.isatty():
        print("paste lines with addresses; Ctrl-D ends", file=sys.stderr)
    with hold() if not arguments.text else Progress("looking addresses up"):
        for line in lines:
            print("\n".join(annotator.annotate(line)), flush=True)
    if arguments.text and not annotator.found:
        raise Stop(USAGE, f"no address there lies in the kernel or in target {arguments.target}"
                   + ("" if annotator.slide is not None else "; where the kernel lies, --slide says"))
    return OK
