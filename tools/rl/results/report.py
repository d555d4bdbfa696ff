"""out/NAME/report.html: one page, complete in itself: what was found, the coverage, and the run over time."""
from pathlib import Path

from tools.rl.common import VERSION, write_atomically
from tools.rl.printable import printable
from tools.rl.results import crash_counts, line_coverage, refused, run_facts, saved_results
from tools.rl.results.outdir import FINDINGS
from tools.rl.results.page import coverage as coverage_part
from tools.rl.results.page import curves, facts, findings
from tools.rl.results.page.markup import text
from tools.rl.results.page.style import STYLE

WINDOW = '<meta name="viewport" content="width=device-width, initial-scale=1">'


def refused_section(calls):
    if not calls:
        return ""
    rows = "\n".join(f"<li>{text(call.text())}</li>" for call in calls)
    return (f"<h2>Asked for and refused</h2><p>System calls that nothing answers; the target got an error.</p>"
            f'<ul class="mono">{rows}</ul>')


def _figures(stats, files, found):
    functions = [one for file in files for one in file.functions]
    edges = (sum(one.reached for one in functions), sum(one.edges for one in functions)) if functions else None
    seconds = curves.times(stats)[-1] if stats else 0
    return facts.figures(stats, edges, *map(len, found), seconds)


def page(name, stats, crashes, files, timeouts=(), starved=(), refused_calls=(), counts=None, runs=()):
    """What was found comes first; then what was reached, and how the run went."""
    name, counts = text(printable(name)), counts or {}
    boxes = _figures(stats, files, (crashes, timeouts, starved))
    parts = [facts.section(name, facts.of_runs(list(runs), stats), boxes),
             findings.section("Bugs", crashes, counts, is_first=True),
             findings.section("Timeouts", timeouts, counts, is_first=not crashes)]
    if starved:
        parts.append(findings.section("Out of memory", starved, counts, is_first=not crashes and not timeouts))
    parts += [refused_section(refused_calls), coverage_part.section(files), curves.section(stats),
              f'<p class="soft">raclette {VERSION}</p>']
    return "\n".join((
        "<!DOCTYPE html>", f'<html lang="en"><head><meta charset="utf-8">{WINDOW}<title>Raclette: {name}</title>',
        f"<style>{STYLE}</style></head><body>", *parts, "</body></html>", ""))


def crashed_lines(crashes, counts):
    """(file, line, how often) of each frame in a crash's stack: its case ends before its edges are counted."""
    for crash in crashes:
        for frame in crash.about.get("frames", []):
            yield frame["file"], frame["line"], max(1, counts.get(crash.folder.name, 1))


def coverage(folder, elf, symbolizer, crashes=(), counts=None):
    """Coverage by file; nothing when the run left no edges, or the target is not here."""
    edges = saved_results.edges(folder)
    if edges is None or not symbolizer or not elf.exists():
        return []
    try:
        found = line_coverage.edges(line_coverage.edge_addresses(elf), *edges, symbolizer)
        return line_coverage.by_file(found, crashed_lines(crashes, counts or {}))
    except (OSError, ValueError) as error:
        raise saved_results.Damaged(f"{elf}: {error}")


def _unless_damaged(damaged, otherwise, load, *arguments):
    """What `load` returns; what is damaged is named in the list."""
    try:
        return load(*arguments)
    except saved_results.Damaged as problem:
        damaged.append(str(problem))
        return otherwise


def write(folder, name, elf, symbolizer, complain=print):
    """The report over everything in the folder; returns its path. What is damaged is left out, and told in one line."""
    folder, damaged = Path(folder), []
    stats = saved_results.stats(folder, damaged)
    crashes, timeouts, starved = (saved_results.findings(folder, part, damaged) for part in FINDINGS.values())
    counts = _unless_damaged(damaged, {}, crash_counts.load, folder)
    files = _unless_damaged(damaged, [], coverage, folder, elf, symbolizer, crashes, counts)
    calls = _unless_damaged(damaged, [], refused.load, folder)
    runs = run_facts.load(folder, damaged)
    write_atomically(folder / "report.html",
                     page(name, stats, crashes, files, timeouts, starved, calls, counts, runs))
    if damaged:
        complain(printable(f"the report leaves out {len(damaged)} damaged results, the first is {damaged[0]}"))
    return folder / "report.html"
