"""What a row expects of an error chain: its code, its core, and frames by file, function and values; no English.

    Error("mm.out_of_bounds", behind=0, type="victim", core=1)
    Check("cpu/lock.h", "!held_by_me()", "injected outer")              # a CHECK that failed
    Error("boot.damaged", Frame("stage2/main.cpp", source="handoff.kernel"))
"""
import re
from dataclasses import dataclass, field

from tools.rl.common import ROOT
from tools.rl.results import chains

ANY = object()                  # a field that is there, with any value; any core
CHECK_FAILED = "kernel.check_failed"


def equal(expected, shown):
    """Whether a printed value is the expected one: a number in any notation, a pattern, or a text."""
    if expected is ANY:
        return True
    if isinstance(expected, int):
        return bool(re.fullmatch(r"0x[0-9a-f]+|\d+", shown)) and int(shown, 0) == expected
    if isinstance(expected, re.Pattern):
        return bool(expected.match(shown))
    return shown == str(expected)


def statement_at(file, line):
    """The statement of a source of ours that has this line."""
    path = ROOT / file
    lines = path.read_text().splitlines() if path.is_file() else []
    if not 0 < line <= len(lines):
        return ""
    first = last = line - 1
    while first > 0 and not lines[first - 1].rstrip().endswith((";", "{", "}", ":")):
        first -= 1
    while last + 1 < len(lines) and not lines[last].rstrip().endswith((";", "{", "}")):
        last += 1
    return "\n".join(lines[first:last + 1])


@dataclass(frozen=True)
class Frame:
    """One frame of a chain. What is left out may be anything."""
    file: str = ""
    function: str = ""          # Class::member
    origin: bool = False        # the frame that made the error
    condition: str = ""         # of a CHECK
    values: str = ""            # a part of the printed values, where they have no names
    source: str = ""            # a part of the statement at the frame's line
    fields: dict = field(default_factory=dict)

    def is_shown_by(self, frame):
        """Whether a frame of the console (chains.Frame) is this one."""
        return (self.file in ("", frame.file) and self.function in ("", frame.function) and
                (frame.origin or not self.origin) and self.values in frame.values and
                (not self.source or self.source in statement_at(frame.file, frame.line)) and
                (not self.condition or frame.text.startswith(self.condition + " ")) and
                all(has_field([frame], name, value) for name, value in self.fields.items()))


def has_field(frames, name, value):
    return any(name == known and equal(value, shown) for frame in frames for known, shown in frame.fields())


class Error:
    """One chain on the console: these frames in this order, and each of these fields in any of its frames."""

    def __init__(self, code, *frames, core=0, about="", without=(), cut=False, **fields):
        """`core`: ANY where any may report it. `without`: fields that no frame has. `cut`: it has no origin."""
        self.code, self.frames, self.core, self.about = code, frames, core, about
        self.without, self.cut, self.fields = without, cut, fields

    def __str__(self):
        parts = [f"{self.code} on {'any core' if self.core is ANY else f'core {self.core}'}", *map(str, self.frames)]
        parts += [f"{name} {'(any)' if value is ANY else value}" for name, value in self.fields.items()]
        parts += [f"without {name}" for name in self.without]
        return ", ".join(parts + (["cut"] if self.cut else []))

    def is_shown_by(self, chain):
        frames = chain.frames()
        rest = iter(frames)
        return (chain.code == self.code and self.core in (ANY, chain.core) and chain.about.startswith(self.about) and
                all(any(wanted.is_shown_by(frame) for frame in rest) for wanted in self.frames) and
                all(has_field(frames, name, value) for name, value in self.fields.items()) and
                not any(has_field(frames, name, ANY) for name in self.without) and
                self.cut != any(frame.origin for frame in frames))

    def chain_in(self, text):
        """The chain of the console that is this one, or None."""
        return next((chain for chain in chains.read(text) if self.is_shown_by(chain)), None)

    def found_in(self, text):
        return self.chain_in(text) is not None


def Origin(file, **more):
    """The frame that made the error, in this file."""
    return Frame(file, origin=True, **more)


def Check(file, condition, values="", core=0, **more):
    """A CHECK that failed."""
    return Error(CHECK_FAILED, Origin(file, condition=condition, values=values, **more), core=core)


def frame_line(file, indent=" +"):
    """The pattern of a frame alone, the origin, as it is printed of an error that is still in flight."""
    return rf"^{indent}{re.escape(file)}:\d+ .*<- origin$"
