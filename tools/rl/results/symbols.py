"""From addresses in a target to functions, files, lines and columns, inlined frames too."""
import contextlib
import json
import os
import re
import subprocess
import threading
import weakref
from typing import NamedTuple

from tools.rl.common import MISSING, ROOT, Stop
from tools.rl.printable import printable

# Frames of the target runtime stand between the fault and the target's own code.
RUNTIME_FUNCTION = re.compile(r"^(__asan_|__rl_|rl_|__ubsan_|__sanitizer_|__interceptor_)")
RUNTIME_FILE = "targets/runtime/"
MOST_AT_ONCE = 256              # addresses in one question: fewer than a pipe holds, so that it can be written at once
LONGEST_NAME = 1000             # of a function; names of C++ templates are long
PATIENCE = 300                  # seconds for one question: the first one reads the whole file


def in_tree(file):
    """A source's name from the root. nasm puts the source's folder before the name, which begins with it already."""
    name = os.path.normpath(file)
    if name.startswith(f"{ROOT}/"):
        name = re.sub(r"^(.+)/\1/", r"\1/", name[len(f"{ROOT}/"):])
    return name


def place(file, line, column=0):
    """file:line:column, as far as it is known; nothing without a file."""
    return ":".join([file, *(str(number) for number in (line, line and column) if number)]) if file else ""


class Frame(NamedTuple):
    address: int
    function: str
    file: str
    line: int
    inlined: bool
    column: int = 0

    def place(self):
        """file:line:column, as far as it is known."""
        return place(self.file, self.line, self.column)

    def is_runtime(self):
        return bool(RUNTIME_FUNCTION.match(self.function)) or RUNTIME_FILE in self.file


def _end(process):
    for stream in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):
            stream.close()
    process.kill()
    process.wait()


class Symbolizer:
    """Answers from a cache: the same few addresses come back with every crash of a kind.

    One llvm-symbolizer serves all questions: it reads the file once, and any number of addresses costs no process.
    """

    def __init__(self, elf):
        self.elf = elf
        self.cache = {}
        self.process = None
        self.is_stuck = False           # the file keeps it from answering

    def frames(self, addresses, innermost_exact=True):
        """All frames of a stack, inlined ones included. A return address is looked up one byte earlier, in its call."""
        wanted = [(address, address if i == 0 and innermost_exact else max(address - 1, 0))
                  for i, address in enumerate(addresses)]
        self._look_up([lookup for lookup in dict.fromkeys(lookup for _, lookup in wanted) if lookup not in self.cache])
        return [frame._replace(address=address) for address, lookup in wanted for frame in self.cache[lookup]]

    def places(self, addresses):
        """The innermost frame at each address itself."""
        self._look_up([address for address in dict.fromkeys(addresses) if address not in self.cache])
        return [self.cache[address][0] for address in addresses]

    def _look_up(self, addresses):
        for start in range(0, len(addresses), MOST_AT_ONCE):
            asked = addresses[start:start + MOST_AT_ONCE]
            for address, answer in zip(asked, self._answers(asked)):
                symbols = answer.get("Symbol") or [{}]
                self.cache[address] = [self._frame(address, symbol, i + 1 < len(symbols))
                                       for i, symbol in enumerate(symbols)]

    def _answers(self, addresses):
        """A JSON object for each address: an empty one where the symbolizer gives none."""
        if self.is_stuck:
            return [{}] * len(addresses)
        process = self.process = self.process or self._started()
        answers = []
        alarm = threading.Timer(PATIENCE, process.kill)
        alarm.daemon = True
        alarm.start()
        try:
            process.stdin.write("".join(f"{address:#x}\n" for address in addresses).encode())
            process.stdin.flush()
            for _ in addresses:
                answers.append(json.loads(process.stdout.readline()))
        except (OSError, ValueError):           # it has ended, for example because of a broken file
            self.is_stuck = alarm.finished.is_set()
            self._end()
        finally:
            alarm.cancel()
        return answers + [{}] * (len(addresses) - len(answers))

    def _started(self):
        argv = ["llvm-symbolizer", f"--obj={self.elf}", "--output-style=JSON", "--inlines", "--demangle"]
        try:
            process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                       start_new_session=True)      # Ctrl-C is ours to handle
        except FileNotFoundError:
            raise Stop(MISSING, "llvm-symbolizer is not on PATH (Debian: llvm)")
        weakref.finalize(self, _end, process)
        return process

    def _end(self):
        _end(self.process)
        self.process = None

    @staticmethod
    def _frame(address, symbol, inlined):
        file = printable(symbol.get("FileName") or "")
        return Frame(address, printable(symbol.get("FunctionName") or "?", LONGEST_NAME), in_tree(file) if file else "",
                     symbol.get("Line") or 0, inlined, symbol.get("Column") or 0)


def kernel_places(text, elf):
    """For each "kernel+0x..." of a backtrace its function and line, as lines to print below the machine's own."""
    offsets = [int(offset, 16) for offset in re.findall(r"\bkernel\+0x([0-9a-f]{1,16})\b", text)]
    frames = Symbolizer(elf).frames(offsets, innermost_exact=False)
    return [f"  kernel+{frame.address:#x}  {frame.function}  {frame.file}:{frame.line}" for frame in frames]


def numbers(addresses):
    return [int(address, 16) for address in addresses or []]


def origin(frames):
    """The innermost frame of the target itself."""
    own = [frame for frame in frames if not frame.is_runtime()]
    named = [frame for frame in own if frame.function != "?"]
    return (named or own or frames or [Frame(0, "?", "", 0, False)])[0]
