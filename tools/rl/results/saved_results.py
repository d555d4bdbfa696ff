"""Reads an output folder back. It may be damaged, or of somebody else: what is not as a run writes it is left out."""
import json
from pathlib import Path
from typing import NamedTuple

from tools.rl.machines.line_reader import LONGEST_LINE
from tools.rl.machines.record_types import (Bad, COUNT, CRASH, Fields, HASH, TYPES, address, checked, decoded, figure,
                                            list_of, number, text, truth)
from tools.rl.machines.records import parse_json
from tools.rl.printable import console_lines, printable, printable_lines
from tools.rl.results.symbols import LONGEST_NAME

LARGEST_FILE = 1 << 24          # bytes of crash.json, trace.txt and edges.json
MOST_LINES = 20000              # of a trace
MOST_FRAMES = 1000
LONGEST_OUTPUT = 1 << 17        # characters of what a target printed, escaped
LINE = number(0, 1 << 31)
DESCRIBED = Fields({"function": text}, {"kind": text, "file": text, "line": LINE})
FRAME = Fields({"address": address, "function": text, "file": text, "line": LINE, "inlined": truth}, {"column": LINE})


class Damaged(Exception):
    """A result that is not as a run writes it; the text names the file."""


def _frames(value):
    if type(value) is not list or len(value) > MOST_FRAMES:
        raise Bad("is no stack")
    return [{"column": 0, **checked(one, FRAME)} for one in value]


def _output(value):
    if type(value) is not str or len(value) > LONGEST_OUTPUT:
        raise Bad("is no text of its length")
    return printable_lines(value)


# What the report shows besides, where it is as a run writes it.
SHOWN = {**{key: CRASH[key] for key in ("access", "access_size", "address", "region", "region_base", "region_size",
                                        "offset", "text", "uninitialised", "printed", "frames_cut", "core", "case",
                                        "edges")},
         "column": LINE, "frames": _frames, "alloc": _frames, "free": _frames, "output": _output,
         "threads": list_of(Fields({"id": COUNT, "frames": _frames})),
         "recursion": list_of(Fields(dict.fromkeys(("first", "last", "repeats"), COUNT)), MOST_FRAMES),
         "seen_at": figure, "seen_after": figure}


def _shown(value):
    found = {}
    for key, check in SHOWN.items():
        try:
            found.update({key: check(value[key])} if key in value else {})
        except Bad:
            continue
    return found


class Crash(NamedTuple):
    """What the report shows of one folder in crashes/."""
    folder: Path
    kind: str
    function: str
    file: str
    line: int
    trace: str
    about: dict = {}            # what else crash.json says, checked
    input: bytes = b""
    whole: bytes = b""          # the input that was shrunk to this one, where the run has kept it


def _read(path):
    try:
        if path.is_symlink() or not path.is_file():         # a link could lead anywhere
            raise Damaged(f"{path}: no such file")
        if path.stat().st_size > LARGEST_FILE:
            raise Damaged(f"{path}: too large")
        return path.read_bytes()
    except OSError as error:
        raise Damaged(f"{path}: {error.strerror or error}")


def json_in(path):
    """What a file of JSON holds."""
    try:
        return json.loads(_read(path))
    except (ValueError, RecursionError):
        raise Damaged(f"{path}: not JSON")


def crash(folder):
    """The crash in a folder; Damaged when it is none."""
    if not HASH.fullmatch(folder.name) or folder.is_symlink() or not folder.is_dir():
        raise Damaged(f"{folder}: no folder of a crash")
    value = json_in(folder / "crash.json")
    shown = {key: value[key] for key in (*DESCRIBED.must, *DESCRIBED.may) if key in value} \
        if type(value) is dict else value
    try:
        fields = checked(shown, DESCRIBED)
    except Bad as bad:
        raise Damaged(f"{folder / 'crash.json'}: {bad}")
    trace = "\n".join(console_lines(_read(folder / "trace.txt"))[:MOST_LINES])
    return Crash(folder, fields.get("kind", "crash"), printable(fields["function"], LONGEST_NAME),
                 fields.get("file", ""), fields.get("line", 0), trace, _shown(value), _bytes_of(folder / "input"),
                 _bytes_of(folder / "original"))


def _bytes_of(path):
    """An input that the report shows; nothing of what is missing."""
    try:
        return _read(path)
    except Damaged:
        return b""


def findings(folder, part, damaged):
    """All findings of a run in one of its folders (crashes/, timeouts/, oom/); what is damaged is named in the list.
    """
    found = []
    try:
        folders = sorted((folder / part).glob("[!.]*"))
    except OSError:
        folders = []
    for one in folders:
        try:
            found.append(crash(one))
        except Damaged as problem:
            damaged.append(str(problem))
    return found


def parsed(line):
    """The value of a line of JSON; Bad when it is none."""
    return parse_json(line.decode("ascii", "backslashreplace"))


def lines(path):
    """Of a log, with their ends; a longer one than any comes in pieces."""
    if path.is_symlink() or not path.is_file():
        raise Damaged(f"{path}: no such file")
    with open(path, "rb") as file:
        yield from iter(lambda: file.readline(LONGEST_LINE), b"")


def record(line):
    """The statistics in a line; None when it holds none."""
    try:
        return checked(parsed(line), TYPES["stats"])
    except Bad:
        return None


def stats(folder, damaged):
    """The statistics of a run, in their order; lines that are none are left out and counted."""
    path, found, bad = folder / "stats.jsonl", [], 0
    try:
        for one in map(record, lines(path)):
            if one is None:
                bad += 1
            else:
                found.append(one)
    except (Damaged, OSError) as problem:
        damaged.append(str(problem))
    if bad:
        damaged.append(f"{path}: {bad} lines are no statistics")
    return found


def edges(folder):
    """(the bits of the edges that a run reached, a byte of each one's hits or nothing); None when it left none."""
    path = folder / "edges.json"
    if not path.exists():
        return None
    try:
        record = checked(json_in(path), TYPES["edges"])
        return decoded(record["reached"]), decoded(record.get("hits", ""))
    except Bad as bad:
        raise Damaged(f"{path}: {bad}")
