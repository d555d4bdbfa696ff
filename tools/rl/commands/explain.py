"""`build.py explain`: the chains of a serial log, grouped by hash, with source lines and resolved addresses."""
import re
import sys
from pathlib import Path

from tools.rl.building import target_files
from tools.rl.common import MISSING, OK, ROOT, Stop, USAGE, kernel_elf, refuse_unreadable, saved
from tools.rl.machines.record_types import Bad
from tools.rl.machines.records import parse_record
from tools.rl.printable import console_lines
from tools.rl.results import build_ids, chains, origin
from tools.rl.results.refused import Refused
from tools.rl.results.source import quoted
from tools.rl.results.symbols import Symbolizer

ADDRESS = re.compile(r"\b(?P<offset>kernel\+)?0x(?P<digits>[0-9a-f]{1,16})\b")
# What stands before an address that is an instruction's own; every other one is where a call returns to.
EXACT = re.compile(r"(?:\bat|\brip) $")
SITE = re.compile(r"\bfile (?P<file>\S+), line (?P<line>[0-9]{1,6})\b")
FAULT = re.compile(r"^  at 0x[0-9a-f]+  (kernel\+0x[0-9a-f]+)$")
REFUSED = '{"type":"refused",'
TARGET_FRAME = re.compile(r"^    #[0-9]{1,5} (0x[0-9a-f]{1,16})\b")
AROUND = 2                      # source lines shown before and behind a frame's
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


def resolved(name, frame, in_tree):
    """A frame's function and line, and its source."""
    yield f"      {name}  {frame.function.replace(NAMELESS, '')}  {frame.place()}"
    yield from quoted(frame.file, frame.line, AROUND, in_tree)


def of_target(line, title, target):
    """Functions, lines and sources of a frame of the target's stacks. All but a crash's own first one are calls."""
    match = TARGET_FRAME.match(line)
    if match and target:
        is_call = not line.startswith("    #0 ") or title
        for frame in target.frames([int(match[1], 16)], innermost_exact=not is_call):
            if frame.function != "?":
                yield from resolved(match[1], frame, False)


def explained(chain, places, target=None):
    """The chain's lines, each with what it refers to below it."""
    title = ""                  # over a stack other than the crash's own
    for line in chain.lines + chain.panic:
        yield line
        frame, site = chains.frame_of(line), SITE.search(line)
        title = line if line.startswith("  ") and line.endswith(":") else title
        yield from of_target(line, title, target)
        yield from quoted(frame.file, frame.line, AROUND, True) if frame else ()
        if site:
            yield f"      {site['file']}:{site['line']}"
            yield from quoted(site["file"], int(site["line"]), AROUND, True)
        for address, frames in places.of(line, chain.slide):
            for found in frames:
                yield from resolved(address, found, True)


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


def report(text, places, built, target=None):
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
        yield from explained(first, places, target)
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
    target = target_symbols(arguments.log)
    refused = refused_calls(lines, target)
    for line in [*report("\n".join(lines), Places(kernel_elf(folder)), built, target), *refused]:
        print(line)
    return OK
