"""`build.py triage`: every file of a folder run once, grouped by crash; and why the others may not crash here."""
import json
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from tools.rl.building import target_files
from tools.rl.common import OK, Stop, USAGE, refuse_unwritable, write_atomically
from tools.rl.corpus import inputs, reasons
from tools.rl.corpus.examiner import Examiner, elf_of, which_target
from tools.rl.printable import printable
from tools.rl.results import origin
from tools.rl.results.crash_text import describe
from tools.rl.results.symbols import Symbolizer

ORDER = ("crash", "timeout", "out_of_memory")
MEANING = {"ok": "no crash", "crash": "crash", "timeout": "timeout", "out_of_memory": "out of memory"}
SHOWN_INPUTS = 3                # of a group
MOST_SHOWN = 100                # inputs without a crash


class Group(NamedTuple):
    """All inputs with one crash hash."""
    hash: str
    ending: str
    described: dict             # its first crash with functions and lines; empty when its record did not come
    results: list

    def where(self):
        place = f" at {self.described['file']}:{self.described['line']}" if self.described.get("file") else ""
        return f"{self.described.get('function', '?')}{place}"

    def kind(self):
        return self.described.get("kind") or self.ending


def groups(results, findings, symbolizer):
    """Crashes first, then the group with most inputs."""
    by_hash = defaultdict(list)
    for result in results:
        if result.ending != "ok":
            by_hash[(result.ending, result.hash)].append(result)
    found = [Group(key, ending, describe(findings[key][0], symbolizer) if key in findings else {}, of_it)
             for (ending, key), of_it in by_hash.items()]
    return sorted(found, key=lambda g: (ORDER.index(g.ending), -len(g.results), g.hash))


def table(found):
    """What a person reads of the groups."""
    rows = [("inputs", "hash", "kind", "in")]
    rows += [(f"{len(group.results):,}", group.hash, group.kind(), group.where()) for group in found]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = []
    for row, group in zip(rows, [None, *found]):
        lines.append(f"{row[0]:>{widths[0]}}  {row[1]:{widths[1]}}  {row[2]:{widths[2]}}  {row[3]}")
        for result in group.results[:SHOWN_INPUTS] if group else ():
            lines.append(f"{'':{widths[0]}}    {result.input.name}")
        if group and len(group.results) > SHOWN_INPUTS:
            lines.append(f"{'':{widths[0]}}    and {len(group.results) - SHOWN_INPUTS:,} more")
    return lines


class Triage:
    """What came of it: groups, and the inputs that do not crash with the reasons why that may be."""

    def __init__(self, results, examiner, target):
        self.groups = groups(results, examiner.findings, examiner.symbolizer)
        usual, limit = target_files.max_len(target), _limit(examiner)
        self.quiet = [(result, reasons.why(result, limit, usual)) for result in results if result.ending != "crash"]

    def lines(self):
        """The table, then each input that does not crash though somebody said so, and what else is to be said."""
        lines = table(self.groups) if self.groups else ["no input crashes"]
        told = [(result, why) for result, why in self.quiet if why]
        silent = sum(result.ending == "ok" for result, why in self.quiet if not why)
        if told:
            lines.append("do not crash here as they are:" if self.groups else "why that may be:")
        for result, why in told[:MOST_SHOWN]:
            said = f", {result.input.claimed} there" if result.input.claimed else ""
            lines.append(f"  {result.input.name}: {MEANING[result.ending]}, {result.edges:,} edges{said}")
            lines += [f"      {line}" for line in why]
        if len(told) > MOST_SHOWN:
            lines.append(f"  and {len(told) - MOST_SHOWN:,} more, in the JSON file")
        return lines + ([f"{silent:,} inputs without a crash, and nothing says that they had one"] if silent else [])

    def as_json(self, target, left_out):
        """What triage.json holds."""
        return {"target": target_files.spelled(target), "groups": [
            {"hash": g.hash, "ending": g.ending, **g.described, "inputs": [_about(r) for r in g.results]}
            for g in self.groups],
            "no_crash": [{**_about(result), "ending": result.ending, "why": why} for result, why in self.quiet
                         if result.ending == "ok"],
            "left_out": dict(left_out)}


def _about(result):
    return {"input": result.input.name, "path": str(result.input.path), "size": result.size, "edges": result.edges,
            "claimed": result.input.claimed}


def _limit(examiner):
    options = examiner.options()
    if options.get("timeout_s"):
        return f"the limit is {options['timeout_s']} s"
    return f"the limit is {options['edge_budget']:,} edges" if options.get("edge_budget") else \
        "the limit is 1,000 times the edges of the longest seed"


def destination(arguments):
    """Where the JSON goes: by default into the first folder."""
    first = Path(arguments.places[0])
    beside = (first if first.is_dir() else first.resolve().parent) / "triage.json"
    return Path(arguments.out) if arguments.out else beside


def write(path, content):
    try:
        write_atomically(path, json.dumps(content, indent=1) + "\n")
    except OSError as error:
        raise Stop(USAGE, f"{path} cannot be written: {error.strerror or error}; --out FILE names another place")


def refuse(arguments):
    for place in arguments.places:
        inputs.is_folder(place)
    refuse_unwritable(destination(arguments), "--out" if arguments.out else "")
    if not arguments.target:
        which_word(arguments)


def which_word(arguments):
    return arguments.target or origin.target_of(Path(arguments.places[0]) / "input")[0]


def main(arguments):
    path = destination(arguments)
    target = which_target(which_word(arguments))
    found = inputs.find(arguments.places, inputs.FINDINGS)
    print(f"{len(found.inputs):,} inputs", flush=True)
    examiner = Examiner(arguments, target, Symbolizer(elf_of(target)), variants=True)
    triage = Triage(examiner.run(found), examiner, target)
    write(path, triage.as_json(target, found.left_out))
    for line in [*triage.lines(), *found.notes(), *examiner.refused.lines(), *examiner.dropped, f"triage: {path}"]:
        print(printable(line))
    return OK
