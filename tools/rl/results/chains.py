"""Chains as the machine prints them, read back: their frames, what is behind them, and the hash that groups them."""
import re
from dataclasses import dataclass, field
from typing import NamedTuple, Optional

from tools.rl.images.xxhash import xxh64
from tools.rl.results import build_ids

HEAD = re.compile(r"^error (?P<code>[a-z]+\.[\w-]+) on core (?P<core>[0-9]{1,4})(?:, (?P<about>.*))?$")
GIVEN_HASH = re.compile(r"\bhash ([0-9a-f]{16})\b")
COLUMNS = re.compile(r" {2,}")
PLACE = re.compile(r"^(?P<file>[\w./+-]+\.(?:h|cpp|c|asm)):(?P<line>[0-9]{1,6})$")
LATER = "  and after it "
ORIGIN = "<- origin"
# What follows a chain in a panic, up to and with this line.
PANIC_END = "panic: stopped"
PANIC = re.compile(r"^(?:  |core \d+ |panic: )")


class Frame(NamedTuple):
    file: str
    line: int
    function: str
    text: str
    values: str = ""            # "name value, name value"
    origin: bool = False        # the innermost frame, where the error was made

    def fields(self):
        """(name, value) of each value that has a name."""
        return [tuple(part.split(" ", 1)) for part in self.values.split(", ") if " " in part]


def frame_of(line):
    """The frame that a line of a chain shows; None for a target's frames and for notes about missing ones."""
    columns = COLUMNS.split(line.strip())
    place = PLACE.match(columns[0])
    origin = columns[-1] == ORIGIN
    columns = columns[:-1] if origin else columns
    if not place or len(columns) < 3:
        return None
    file = place["file"].removeprefix("./")     # a CHECK in a header has it as the compiler found the header
    return Frame(file, int(place["line"]), columns[1], columns[2], "".join(columns[3:4]), origin)


@dataclass
class Chain:
    code: str
    core: int
    about: str
    at: int                             # the log's line
    slide: Optional[int]                # where the kernel lay
    build: str
    lines: list = field(default_factory=list)
    panic: list = field(default_factory=list)       # registers, callers, other cores

    def frames(self):
        """Outermost first; those of errors that came after the first one are behind it."""
        return [frame for frame in map(frame_of, self.lines) if frame]

    def hash(self):
        """As rstate's Error::hash: of code, functions and texts. A target's crash brings its own."""
        given = GIVEN_HASH.search(self.about)
        if given:
            return given[1]
        data = self.code
        for line in self.lines:
            if line.startswith(LATER):
                break
            frame = frame_of(line)
            data += frame.function + frame.text if frame else ""
        return f"{xxh64(data.encode()):016x}"


def read(text):
    """All chains of a serial log, which may hold several boots. Other cores' records may stand inside a chain."""
    found, slide, build, chain, complete = [], None, "", None, False
    for number, line in enumerate(text.split("\n"), 1):
        line = line.rstrip()
        if line.startswith("{"):
            continue
        kernel, head = build_ids.KERNEL.match(line), HEAD.match(line)
        if kernel:
            slide, build = int(kernel[1], 16), kernel[2]
        if head:
            chain, complete = Chain(head["code"], int(head["core"]), head["about"] or "", number, slide, build), False
            found.append(chain)
        elif chain and not complete and (line.startswith("  ") or line.startswith(LATER)):
            later = line.startswith(LATER) or line.startswith("    ")
            if chain.lines and chain.lines[-1].endswith(ORIGIN) and not later:
                complete = True
                chain.panic.append(line)
            else:
                chain.lines.append(line)
        elif chain and PANIC.match(line) and not line.startswith("panic: another"):
            complete = True
            chain.panic.append(line)
            chain = None if line == PANIC_END else chain
        else:
            chain = None
    return found
