"""Reads an output folder back. It may be damaged, or of somebody else: what is not as a run writes it is left out."""
import json
from pathlib import Path
from typing import NamedTuple

from tools.rl.machines.line_reader import LONGEST_LINE
from tools.rl.machines.record_types import Bad, Fields, HASH, TYPES, checked, decoded, number, text
from tools.rl.machines.records import parse_json
from tools.rl.printable import console_lines, printable
from tools.rl.results.symbols import LONGEST_NAME

LARGEST_FILE = 1 << 24          # bytes of crash.json, trace.txt and edges.json
MOST_LINES = 20000              # of a trace
DESCRIBED = Fields({"function": text}, {"kind": text, "file": text, "line": number(0, 1 << 31)})


class Damaged(Exception):
    """A result that is not as a run writes it; the text names the file."""


class Crash(NamedTuple):
    """What the report shows of one folder in crashes/."""
    folder: Path
    kind: str
    function: str
    file: str
    line: int
    trace: str


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
                 fields.get("file", ""), fields.get("line", 0), trace)


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


def lines(path):
    """Of a log, with their ends; a longer one than any comes in pieces."""
    if path.is_symlink() or not path.is_file():
        raise Damaged(f"{path}: no such file")
    with open(path, "rb") as file:
        yield from iter(lambda: file.readline(LONGEST_LINE), b"")


def record(line):
    """The statistics in a line; None when it holds none."""
    try:
        return checked(parse_json(line.decode("ascii", "backslashreplace")), TYPES["stats"])
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
    """The bits of the edges that a run reached; None when it left none."""
    path = folder / "edges.json"
    if not path.exists():
        return None
    try:
        return decoded(checked(json_in(path), TYPES["edges"])["reached"])
    except Bad as bad:
        raise Damaged(f"{path}: {bad}")
