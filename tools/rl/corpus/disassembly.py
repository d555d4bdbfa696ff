"""What a target's machine code says of its edges: the code that runs when an edge's block begins, and its lines.

Each block of the program that the compiler saw has a counter, and clang's table holds where it begins. Behind it lies
code that the compiler added (AddressSanitizer's slow paths, the edge budget). So the code of a block is all that can be
reached from its beginning without passing the beginning of another one.
"""
import bisect
import re
from typing import NamedTuple

from tools.rl.common import MISSING, Stop, run_tool
from tools.rl.results.symbols import in_tree

FUNCTION = re.compile(r"^([0-9a-f]{1,16}) <(.*)>:$")
INSTRUCTION = re.compile(r"^ *([0-9a-f]{1,16}):\s+(\w+)\s*(?:0x([0-9a-f]{1,16})\b)?")
DIRECTORY = re.compile(r'^include_directories\[ *(\d+)\] = "(.*)"$')
FILE = re.compile(r"^file_names\[ *(\d+)\]:$")
NAME = re.compile(r'^ +name: "(.*)"$')
FOLDER = re.compile(r"^ +dir_index: (\d+)$")
ROW = re.compile(r"^0x([0-9a-f]{16}) +(\d+) +\d+ +(\d+) ")
VERSION = re.compile(r"^ +version: (\d+)$")
STOPS = ("ret", "retq", "ud2", "hlt", "int3", "iretq")


class Instruction(NamedTuple):
    address: int
    flow: str                   # "next", "stop", "jump", "branch" or "call"
    target: int                 # of a direct jump or call; 0: none, or one that the code computes


class Code:
    """The instructions of a program. `functions`: (begin, end) of each that holds a block, ascending."""

    def __init__(self, text, blocks):
        self.instructions, self.next = {}, {}
        self.ends = set()           # beginnings of functions that never return
        blocks, function, body = sorted(blocks), 0, []
        for line in text:
            found = INSTRUCTION.match(line)
            if found:
                body.append(_instruction(found))
            elif FUNCTION.match(line):
                self._add(function, body, blocks)
                function, body = int(FUNCTION.match(line)[1], 16), []
        self._add(function, body, blocks)

    def _add(self, function, body, blocks):
        if not body:
            return
        first, last = body[0].address, body[-1].address
        own = range(first, last + 1)
        if not any(_leaves(one, own) for one in body):
            self.ends.add(function)
        if bisect.bisect_left(blocks, first) < bisect.bisect_right(blocks, last):
            for one, following in zip(body, [*body[1:], None]):
                self.instructions[one.address] = one
                self.next[one.address] = following.address if following else 0

    def _following(self, one):
        """Addresses of what may run behind an instruction, calls left out."""
        if one.flow == "stop" or one.flow == "call" and one.target in self.ends:
            return ()
        ahead = self.next[one.address]
        if one.flow == "jump":
            return (one.target,)
        return (ahead, one.target) if one.flow == "branch" else (ahead,)

    def of_block(self, begin, begins):
        """Addresses of the instructions of the block that begins there, ascending. `begins`: of all blocks."""
        seen, waiting = set(), [begin]
        while waiting:
            at = waiting.pop()
            if at in seen or at not in self.instructions or at in begins and at != begin:
                continue
            seen.add(at)
            waiting += self._following(self.instructions[at])
        return sorted(seen)

    def runs(self, addresses):
        """(begin, size) of each stretch of instructions that follow each other."""
        found = []
        for at in addresses:
            end = self.next[at] or at + 1
            if found and found[-1][1] == at:
                found[-1][1] = end
            else:
                found.append([at, end])
        return [(begin, end - begin) for begin, end in found]


def _leaves(one, own):
    """Whether an instruction returns, or jumps to another function, or to where the code computes."""
    return one.flow == "stop" and one.target == 1 or one.flow == "jump" and one.target not in own


def _instruction(found):
    address, name, target = int(found[1], 16), found[2], int(found[3] or "0", 16)
    if name in STOPS:
        return Instruction(address, "stop", int(name.startswith("ret")))
    if name.startswith("jmp"):
        return Instruction(address, "jump", target)
    if name.startswith(("j", "loop")):
        return Instruction(address, "branch", target)
    return Instruction(address, "call", target) if name.startswith("call") else Instruction(address, "next", 0)


class Lines:
    """The line table of a program: the file and line of an address."""

    def __init__(self, text):
        self.rows = []              # (address, file or "", line)
        self.folders, self.names, self.version = {}, {}, 5
        number = 0
        for line in text:
            row = ROW.match(line)
            if row:
                ends = line.endswith("end_sequence")
                self.rows.append((int(row[1], 16), "" if ends else self._file(int(row[3])), int(row[2])))
                continue
            if line.startswith("debug_line["):
                self.folders, self.names = {}, {}
            elif found := VERSION.match(line):
                self.version = int(found[1])
            elif found := DIRECTORY.match(line):
                self.folders[int(found[1])] = found[2]
            elif found := FILE.match(line):
                number = int(found[1])
            elif found := NAME.match(line):
                self.names[number] = [found[1], 0]
            elif (found := FOLDER.match(line)) and number in self.names:
                self.names[number][1] = int(found[1])
        self.rows.sort(key=lambda row: (row[0], bool(row[1])))      # an end, then what begins there
        self.addresses = [row[0] for row in self.rows]

    def _file(self, number):
        """The whole name, put together once for each file of a table."""
        entry = self.names.get(number)
        if not isinstance(entry, list):
            return entry or ""
        name, folder = entry
        parts = [self.folders.get(0, "")] if self.version >= 5 else []
        parts += [self.folders.get(folder, ""), name]
        whole = ""
        for part in parts:
            whole = part if part.startswith("/") or not whole else f"{whole}/{part}" if part else whole
        self.names[number] = in_tree(whole) if whole else ""
        return self.names[number]

    def of(self, address):
        """(file, line), or None where the table has none."""
        at = bisect.bisect_right(self.addresses, address) - 1
        _, file, line = self.rows[at] if at >= 0 else (0, "", 0)
        return (file, line) if file and line else None


def _lines_of(*argv):
    try:
        return run_tool(argv, errors="backslashreplace").split("\n")
    except FileNotFoundError:
        raise Stop(MISSING, f"{argv[0]} is not on PATH (Debian: llvm)")


def read(elf, blocks):
    """(Code, Lines) of a program whose blocks begin at these addresses."""
    code = _lines_of("llvm-objdump", "-d", "--no-show-raw-insn", "--no-leading-headers", elf)
    return Code(code, blocks), Lines(_lines_of("llvm-dwarfdump", "--debug-line", elf))
