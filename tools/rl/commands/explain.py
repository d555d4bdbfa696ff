"""`build.py explain`: the chains of a serial log, grouped by hash, with source lines and resolved addresses."""
import functools
import re
import sys
from pathlib import Path

from tools.rl.building import target_files
from tools.rl.common import MISSING, OK, ROOT, Stop, USAGE, kernel_elf, refuse_unreadable, saved
from tools.rl.machines.record_types import Bad
from tools.rl.machines.records import parse_record
from tools.rl.printable import console_lines, printable
from tools.rl.results import build_ids, chains, origin
from tools.rl.results.refused import Refused
from tools.rl.results.symbols import Symbolizer

ADDRESS = re.compile(r"\b(?P<offset>kernel\+)?0x(?P<digits>[0-9a-f]{1,16})\b")
# What stands before an address that is an instruction's own; every other one is where a call returns to.
EXACT = re.compile(r"(?:\bat|\brip) $")
SITE = re.compile(r"\bfile (?P<file>\S+), line (?P<line>[0-9]{1,6})\b")
FAULT = re.compile(r"^  at 0x[0-9a-f]+  (kernel\+0x[0-9a-f]+)$")
SOURCES = (".h", ".cpp", ".c", ".asm", ".inc")
REFUSED = '{"type":"refused",'
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


@functools.lru_cache(maxsize=64)
def source_lines(file):
    """The lines of one of our sources; none of what is no source here: the log chooses the name."""
    try:
        path = (ROOT / file).resolve()
        if ROOT in path.parents and path.suffix in SOURCES and path.is_file():
            return path.read_text(errors="replace").splitlines()
    except (OSError, RuntimeError, ValueError):     # too long, links in a circle, a zero byte
        pass
    return []


def quoted(file, number):
    """A line of our sources; nothing when there is no such line any more."""
    lines = source_lines(file)
    if 0 < number <= len(lines):
        yield f"      | {printable(lines[number - 1].strip())}"


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


def refused_calls(lines, symbolizer):
    """What the target asked for and was refused, of the records in the log."""
    refused = Refused()
    for line in lines:
        if line.startswith(REFUSED):
            try:
                refused.add(parse_record(line.encode()), symbolizer)
            except Bad:
                continue
    return refused.lines()


def target_symbols(log):
    """Of the target that the log's folder belongs to; None where nothing says which, or it is not built."""
    word = None if log == "-" else origin.target_of_folder(Path(log).parent)
    try:
        elf = ROOT / target_files.find(word).elf if word else None
    except Stop:
        return None
    return Symbolizer(elf) if elf and elf.is_file() else None


def report(text, places, built):
    found = chains.read(text)
    grouped = groups(found)
    for (key, *_), same in grouped.items():
        first = same[0]
        about = f", {first.about}" if first.about else ""
        count = "once" if len(same) == 1 else f"{len(same)} times"
        yield f"{key}  {count}, first in line {first.at}: error {first.code} on core {first.core}{about}"
        yield from build_ids.warning(first.build, built)
        if first.slide is None:
            yield "  (the log does not say where the kernel lay: only offsets are resolved)"
        yield from explained(first, places)
        yield ""
    yield f"{len(found)} errors, {len(grouped)} different" if found else "no error is in this log"


def refuse(arguments):
    if arguments.log == "-" and sys.stdin.isatty():
        raise Stop(USAGE, "explain reads a serial log: name a file, or pipe one in")
    if arguments.log != "-":
        refuse_unreadable(arguments.log)


def main(arguments):
    lines = console_lines(sys.stdin.buffer.read() if arguments.log == "-" else saved(arguments.log))
    built, folder = build_ids.made(next(filter(None, map(build_ids.named_by, lines)), ""))
    if not kernel_elf(folder).exists():
        raise Stop(MISSING, "build/kernel.elf is not there: build.py build makes it")
    refused = refused_calls(lines, target_symbols(arguments.log))
    for line in [*report("\n".join(lines), Places(kernel_elf(folder)), built), *refused]:
        print(line)
    return OK
