"""Inputs from anywhere: AFL++'s and libFuzzer's folders, our own output folders, zip archives, single files.

Their maker is not trusted: links, pipes and devices are none, a file is read no further than the longest input,
and the name of an archive's member is only shown, never opened.
"""
import functools
import lzma
import os
import stat
import struct
import zipfile
import zlib
from collections import Counter
from pathlib import Path
from typing import NamedTuple, Optional

from tools.rl.common import Stop, USAGE
from tools.rl.printable import printable

MOST_INPUTS = 1 << 20           # of all places: more is a mistake
DEEPEST = 16                    # folders below the one that is named
LONGEST_SHOWN = 200             # characters of a name
# What the folder of a fuzzer's run holds, by what is asked for. AFL++ has one such folder for each of its instances.
CORPORA, FINDINGS = ("queue", "corpus"), ("crashes", "hangs", "timeouts", "oom")
ABOUT_A_FINDING = ("crash.json", "trace.txt")                           # beside its `input`, in our folders
OURS, AFLS_NOTE = "triage.json", "README.txt"       # in a folder of inputs: of `triage`, and in AFL++'s crashes/
# What the fuzzer that saved a file says of it, by the beginning of its name or its folder.
BY_NAME = {"crash-": "crash", "timeout-": "timeout", "oom-": "out_of_memory", "leak-": "leak", "slow-unit-": "slow"}
# What zipfile raises for archives that are damaged, encrypted or made by what it does not know.
BROKEN = (RuntimeError, NotImplementedError, EOFError, ValueError, IndexError, OverflowError, struct.error,
          zipfile.BadZipFile, zlib.error, lzma.LZMAError)
BY_FOLDER = {"crashes": "crash", "hangs": "timeout", "timeouts": "timeout", "oom": "out_of_memory"}


class Input(NamedTuple):
    """Where one input is. `claimed`: how it ended for the fuzzer that saved it, or "" when nothing says so."""
    name: str
    path: Path
    member: Optional[zipfile.ZipInfo] = None
    claimed: str = ""

    def read(self, most):
        """At most so many bytes and one more, by which the caller sees that it is longer; OSError says what is wrong.
        """
        if self.member is None:
            return read_regular(self.path, most + 1)
        try:
            with _opened(self.path).open(self.member) as file:
                return file.read(most + 1)
        except BROKEN as error:
            raise OSError(0, str(error) or type(error).__name__)


@functools.lru_cache(maxsize=8)
def _opened(path):
    """An archive stays open: its directory may have as many entries as are read from it."""
    return zipfile.ZipFile(path)


def read_regular(path, most):
    """What stands at the path now: it may have become a link or a pipe since the folder was listed."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "no regular file")
        return file.read(most)


def claim(path):
    """How an input ended for the fuzzer that saved it, as its place says."""
    for beginning, ending in BY_NAME.items():
        if path.name.startswith(beginning):
            return ending
    return next((BY_FOLDER[folder.name] for folder in list(path.parents)[:2] if folder.name in BY_FOLDER), "")


class Found:
    """The inputs of all places that were named, and what was left out, by reason."""

    def __init__(self):
        self.inputs = []
        self.left_out = Counter()
        self.first = {}                 # of each reason

    def leave_out(self, name, reason):
        self.left_out[reason] += 1
        self.first.setdefault(reason, name)

    def add(self, one):
        if len(self.inputs) >= MOST_INPUTS:
            raise Stop(USAGE, f"there are more than {MOST_INPUTS:,} inputs")
        self.inputs.append(one)

    def notes(self):
        """One line for each reason why something was left out."""
        return [printable(f"left out {count}: {reason}, the first is {self.first[reason][:LONGEST_SHOWN]}")
                for reason, count in self.left_out.most_common()]


def is_folder(place):
    """Whether what the user names is a folder, and else a file; a Stop when it is neither. It may be a link."""
    try:
        kind = os.stat(place).st_mode
    except (OSError, ValueError) as error:      # ValueError: a zero byte in the name
        raise Stop(USAGE, f"{place} cannot be read: {getattr(error, 'strerror', None) or error}")
    if not stat.S_ISDIR(kind) and not stat.S_ISREG(kind):
        raise Stop(USAGE, f"{place} is neither a folder nor a file")
    return stat.S_ISDIR(kind)


def find(places, wanted):
    """All inputs in these folders, archives and files. `wanted`: CORPORA or FINDINGS, of the folder of a whole run."""
    found = Found()
    for place in places:
        path = Path(place)
        if is_folder(path):
            _walk(found, path, path, wanted, DEEPEST)
        else:
            _file(found, path.resolve())
    if not found.inputs:
        raise Stop(USAGE, "\n".join([f"there is no input in {', '.join(map(str, places))}", *found.notes()]))
    return found


def _file(found, path):
    """An archive is one only where the user names it: in a corpus a .zip is an input like others."""
    if path.suffix == ".zip":
        _archive(found, path)
    else:
        found.add(Input(path.name, path, claimed=claim(path)))


def _walk(found, folder, top, wanted, depth):
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        if folder == top:
            raise Stop(USAGE, f"{folder} cannot be read: {error.strerror or error}")
        return found.leave_out(_name(folder, top), f"cannot be read ({error.strerror or error})")
    no_inputs = {OURS} | ({AFLS_NOTE} if folder.name == "crashes" else set())
    entries = [entry for entry in entries if not entry.name.startswith(".") and entry.name not in no_inputs]
    names = {entry.name for entry in entries}
    folders = {entry.name for entry in entries if entry.is_dir(follow_symlinks=False)}
    parts = folders & {*CORPORA, *FINDINGS}
    for entry in entries:
        if parts and entry.name not in wanted or "crash.json" in names and entry.name in ABOUT_A_FINDING:
            continue                # beside a run's folders of inputs nothing is one
        _entry(found, entry, folder / entry.name, top, wanted, depth)


def _entry(found, entry, path, top, wanted, depth):
    name = _name(path, top)
    if entry.is_symlink():
        found.leave_out(name, "a link")
    elif entry.is_dir():
        if depth:
            _walk(found, path, top, wanted, depth - 1)
        else:
            found.leave_out(name, f"more than {DEEPEST} folders deep")
    elif not entry.is_file():
        found.leave_out(name, "neither a file nor a folder")
    else:
        found.add(Input(name, path, claimed=claim(path)))


def _name(path, top):
    return str(path.relative_to(top.parent if path == top else top))


def _archive(found, path):
    try:
        for member in _opened(path).infolist():
            if not member.is_dir():
                found.add(Input(f"{path.name}: {member.filename}", path, member, claim(Path(member.filename))))
    except (OSError, *BROKEN) as error:
        found.leave_out(path.name, f"an archive that cannot be read ({error})")
