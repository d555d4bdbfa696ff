"""`build.py explain`: the chains of a serial log, grouped by hash, with source lines and resolved addresses."""
import re
import sys
from pathlib import Path

from tools.rl.common import MISSING, OK, ROOT, Stop, USAGE, kernel_elf
from tools.rl.results import build_ids, chains
from tools.rl.results.symbols import Symbolizer

ADDRESS = re.compile(r"\b(?P<offset>kernel\+)?0x(?P<digits>[0-9a-f]+)\b")
# What stands before an address that is an instruction's own; every other one is where a call returns to.
EXACT = re.compile(r"(?:\bat|\brip) $")
SITE = re.compile(r"\bfile (?P<file>\S+), line (?P<line>\d+)")
FAULT = re.compile(r"^  at 0x[0-9a-f]+  (kernel\+0x[0-9a-f]+)$")
NAMELESS = "(anonymous namespace)::"
MOST_KERNEL_BYTES = 1 << 26


class Places:
    """From addresses in the kernel to functions and lines."""

    def __init__(self, elf):
        self.symbolizer = Symbolizer(elf) if elf.exists() else None

    def of(self, line, slide):
        """(address as written, frames) of each address in the line that is a place in the kernel's code."""
        if self.symbolizer is None:
            return
        seen = set()
        for match in ADDRESS.finditer(line):
            value = int(match["digits"], 16)
            if not match["offset"]:
                if slide is None or not 0 <= value - slide < MOST_KERNEL_BYTES:
                    continue
                value -= slide
            written = line.find("0x") if match["offset"] else match.start()     # an offset stands behind its address
            exact = bool(EXACT.search(line[:written]))
            if value in seen:
                continue
            seen.add(value)
            frames = [f for f in self.symbolizer.frames([value], innermost_exact=exact) if f.function != "?"]
            if frames:
                yield f"kernel+{value:#x}", frames


def quoted(file, number):
    """A line of our sources; nothing when there is no such line any more."""
    path = (ROOT / file).resolve()
    if ROOT not in path.parents or not path.is_file():
        return
    lines = path.read_text(errors="replace").splitlines()
    if 0 < number <= len(lines):
        yield f"      | {lines[number - 1].strip()}"


def explained(chain, places):
    """The chain's lines, each with what it refers to below it."""
    for line in chain.lines + chain.panic:
        yield line
        frame, site = chains.frame_of(line), SITE.search(line)
        yield from quoted(frame.file, frame.line) if frame else ()
        if site:
            yield f"      {site['file']}:{site['line']}"
            yield from quoted(site["file"], int(site["line"]))
        for address, frames in places.of(line, chain.slide):
            for found in frames:
                yield f"      {address}  {found.function.replace(NAMELESS, '')}  {found.file}:{found.line}"
                yield from quoted(found.file, found.line)


def groups(found):
    """(hash, place) -> its chains, in the order in which the first of each came.

    Every exception comes through the same handler, so they are distinguished by where the kernel was.
    """
    grouped = {}
    for chain in found:
        faults = [match[1] for match in map(FAULT.match, chain.panic[:1]) if match]
        grouped.setdefault((chain.hash(), *faults), []).append(chain)
    return grouped


def report(text, places, built):
    found = chains.read(text)
    for (key, *_), same in groups(found).items():
        first = same[0]
        about = f", {first.about}" if first.about else ""
        count = "once" if len(same) == 1 else f"{len(same)} times"
        yield f"{key}  {count}, first in line {first.at}: error {first.code} on core {first.core}{about}"
        yield from build_ids.warning(first.build, built)
        if first.slide is None:
            yield "  (the log does not say where the kernel lay: only offsets are resolved)"
        yield from explained(first, places)
        yield ""
    number = len(groups(found))
    yield f"{len(found)} errors, {number} different" if found else "no error is in this log"


def main(arguments):
    if arguments.log == "-" and sys.stdin.isatty():
        raise Stop(USAGE, "explain reads a serial log: name a file, or pipe one in")
    if arguments.log != "-" and not Path(arguments.log).is_file():
        raise Stop(USAGE, f"{arguments.log} is no file")
    data = sys.stdin.buffer.read() if arguments.log == "-" else Path(arguments.log).read_bytes()
    text = data.decode(errors="replace")
    built, folder = build_ids.made(next(filter(None, map(build_ids.named_by, text.splitlines())), ""))
    if not kernel_elf(folder).exists():
        raise Stop(MISSING, "build/kernel.elf is not there: build.py build makes it")
    for line in report(text, Places(kernel_elf(folder)), built):
        print(line)
    return OK
