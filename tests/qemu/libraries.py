"""Libraries of Debian, built by their own build systems, each in a campaign; the table in docs/targets.md.

    python3 -m tests.qemu.libraries [--seconds S] [--out DIR] [--write] [NAME...]       some; --write: their rows
"""
import argparse
import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.qemu.expectations import Failed, expect, finish, start
from tools.rl.building import description
from tools.rl.common import OK, ROOT, Stop, write_atomically

FOLDERS = ("targets", "tests/libraries")
DOCUMENT = ROOT / "docs/targets.md"
BEGIN, END = "<!-- libraries: begin -->", "<!-- libraries: end -->"
SECONDS = 60
PATIENCE = 1800                     # fetching and building take their time on a busy machine
CORES = min(2, os.cpu_count() or 1)
IN_CXX = ("pugixml", "re2", "snappy", "tinyxml2")       # the others are libraries in C
SYSTEMS = (("cmake", "cmake"), ("./configure", "configure"), ("make", "make"))       # how a line of build.sh begins
STEADY = 1.005                      # exits per case that print as 1.00
LEAST_STEADY = 16                   # libraries
HEADS = ("library", "language", "harness", "built by", "cases/s", "exits per case", "dirty pages per case", "edges",
         "corpus", "crashes")


class Campaign(NamedTuple):
    """What one library's run came to; rates are of its second half."""
    name: str
    language: str
    harness: str
    system: str
    per_second: float
    exits: float
    reasons: dict                   # exits per case by reason, of those beyond the one that ends a case
    dirty: float
    edges: int
    corpus: int
    crashes: int


def names():
    """{name: folder} of the targets that are built from a source package."""
    found = {}
    for path in sorted(path for folder in FOLDERS for path in (ROOT / folder).glob("*/target.json")):
        try:
            target = description.read(path.parent)
        except Stop as stop:
            raise Failed(str(stop))
        if target.source:
            found[path.parent.name] = path.parent
    return found


def system_of(folder):
    script = (folder / "build.sh").read_text()
    return next((name for word, name in SYSTEMS if re.search(rf"^{re.escape(word)}\b", script, re.M)), "compiler")


def change(first, last, key):
    """What one count of all cores grew by."""
    return sum(core[key] for core in last["cores"]) - sum(core[key] for core in first["cores"])


def measured(folder, stats, crashes):
    """The campaign, of its statistics: from the record nearest to its middle to the last one."""
    expect(len(stats) > 1, f"{folder.name}: too few statistics")
    last = stats[-1]
    middle = min(stats[:-1], key=lambda record: abs(record["time_us"] - last["time_us"] / 2))
    cases = change(middle, last, "case")
    expect(cases > 0, f"{folder.name}: no cases in the second half")
    reasons = {reason: (count - middle["exits_by_reason"].get(reason, 0)) / cases
               for reason, count in last["exits_by_reason"].items() if reason != "done"}
    harness = "C++" if next(folder.glob("harness.c*")).suffix != ".c" else "C"
    return Campaign(
        folder.name, "C++" if folder.name in IN_CXX else "C", harness, system_of(folder),
        cases / ((last["time_us"] - middle["time_us"]) / 1e6), change(middle, last, "exits") / cases,
        {reason: share for reason, share in reasons.items() if share >= STEADY - 1},
        change(middle, last, "dirty_pages") / cases, last["edges"], last["corpus"], crashes)


def run(folder, seconds, out):
    """Builds one library and fuzzes it; it must end by its time."""
    said = finish(start("run", "--plain", "--yes", "--target", folder, "--cpus", CORES, "--seed", 1, "--seconds",
                        seconds, "--exit-zero", "--out", out), OK, PATIENCE + seconds)
    expect("stopped: time is up" in said, f"{folder.name} ended before its time: {said[-1000:]}")
    stats = [json.loads(line) for line in (out / "stats.jsonl").read_text().splitlines()]
    crashes = len(list((out / "crashes").glob("[!.]*")))
    return measured(folder, [record for record in stats if record["type"] == "stats"], crashes)


def cells(one):
    reasons = ", ".join(f"{reason} {share:.2f}" for reason, share in one.reasons.items())
    return (one.name, one.language, one.harness, one.system, f"{one.per_second:,.0f}",
            f"{one.exits:.2f}" + (f" ({reasons})" if one.exits >= STEADY and reasons else ""), f"{one.dirty:.1f}",
            f"{one.edges:,}", f"{one.corpus:,}", str(one.crashes))


def line(row):
    return "| " + " | ".join(row) + " |"


def table(rows):
    return "\n".join(map(line, [HEADS, ["---"] * 4 + ["---:"] * (len(HEADS) - 4), *rows]))


def rows_of(text, known):
    """{name: cells} of the document's table, of the libraries that there still are."""
    inside = text[text.index(BEGIN):text.index(END)]
    lines = [row for row in inside.splitlines() if row.startswith("|")]
    rows = [[cell.strip() for cell in row.strip("| ").split(" | ")] for row in lines]
    return {row[0]: row for row in rows if row[0] in known}


def with_table(text, made):
    """The document with this table between its marks."""
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    return f"{text[:begin]}\n{made}\n{text[end:]}"


def campaigns(folders, seconds, out):
    """(those that ran, complaints), one after the other; each is named as it ends."""
    done, complaints = [], []
    for folder in folders:
        try:
            done.append(run(folder, seconds, out / folder.name))
            print("     " + "  ".join(cells(done[-1])), flush=True)
        except Failed as failed:
            complaints.append(str(failed))
            print(f"     {failed}", flush=True)
    return done, complaints


def twenty_libraries_run_a_campaign_each_and_make_the_table(out):
    folders = list(names().values())
    expect(len(folders) >= 20, f"there are {len(folders)} libraries")
    done, complaints = campaigns(folders, SECONDS, out)
    expect(not complaints, "\n".join(complaints))
    write_atomically(DOCUMENT, with_table(DOCUMENT.read_text(), table(map(cells, done))))
    unsteady = [one.name for one in done if one.exits >= STEADY]
    expect(len(done) - len(unsteady) >= LEAST_STEADY, f"more than one exit per case: {', '.join(unsteady)}")


twenty_libraries_run_a_campaign_each_and_make_the_table.cores = CORES


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=SECONDS)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="raclette-out-") as scratch:
        chosen = [folder for name, folder in names().items() if name in arguments.names or not arguments.names]
        done, complaints = campaigns(chosen, arguments.seconds, arguments.out or Path(scratch))
    print(table(map(cells, done)))
    if arguments.write:
        text = DOCUMENT.read_text()
        found = {**rows_of(text, names()), **{one.name: cells(one) for one in done}}
        write_atomically(DOCUMENT, with_table(text, table(found[name] for name in names() if name in found)))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
