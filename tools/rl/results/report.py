"""out/NAME/report.html: one page, complete in itself: coverage over time, crashes with their traces and source lines,
coverage by function and line."""
import html
import struct
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from tools.rl.building.description import KINDS, OBJECT
from tools.rl.common import ROOT, VERSION, write_atomically
from tools.rl.printable import printable
from tools.rl.results import refused, saved_results
from tools.rl.results.earlier import Earlier, starts
from tools.rl.results.elf import Elf
from tools.rl.results.origin import again
from tools.rl.results.outdir import FINDINGS

WIDTH, HEIGHT, MARGIN = 900, 240, 40
MOST_POINTS = 1000              # of a curve: more would be finer than the screen
CURVES = (("edges", "edges", "#484"), ("corpus", "inputs in the corpus", "#844"),
          ("cases_per_s", "cases a second", "#448"))         # a figure of the statistics, how it is called, its colour
FIGURES = (("case", "cases"), ("edges", "edges"), ("corpus", "inputs held in memory"),
           ("files", "files in corpus/"), ("crashes", "kinds of crash"),
           ("timeouts", "timeouts"), ("out_of_memory", "out of memory"))
AROUND = 4                      # source lines shown before and behind a crash's
LARGEST_SOURCE = 1 << 24        # bytes of a file that source lines are shown of
NO_SOURCES = ("proc", "sys", "dev")     # reading there may wait without end
# The target's symbols choose the file, and a report is shown to others: of a key or a password file it shows nothing.
SOURCES = tuple(ending for ending, kind in KINDS.items() if kind != OBJECT) + (
    ".h", ".hh", ".hpp", ".hxx", ".h++", ".inc", ".inl", ".ipp", ".tcc", ".def", ".y", ".l", ".re", ".rl", ".asm")
STYLE = """
body { font: 15px/1.5 sans-serif; max-width: 960px; margin: 2em auto; padding: 0 1em; color: #222; }
h1, h2 { font-weight: 600; } pre { background: #f6f6f6; padding: .8em; overflow-x: auto; font-size: 13px; }
table { border-collapse: collapse; width: 100%; } td, th { padding: .2em .6em; text-align: left; }
td.number, th.number { text-align: right; white-space: nowrap; } tr:nth-child(even) { background: #f6f6f6; }
mark { background: #fd8; } svg { width: 100%; } .bar { background: #ddd; height: .7em; width: 8em; }
.bar div { background: #484; height: 100%; } summary { cursor: pointer; } .missed { color: #a22; }
"""


class Function(NamedTuple):
    """What is known of one function: edges reached and there, lines reached and missed."""
    name: str
    file: str
    reached: int
    edges: int
    lines: tuple
    missed: tuple


def points(stats):
    """(seconds, the figures of CURVES) of every record; each start of a machine goes on where the one before ended."""
    return [(start.seconds_before + record["time_us"] / 1e6, *(record.get(key, 0) for key, _, _ in CURVES))
            for start in starts(stats) for record in start.records]


def curve(values, label, colour, resumed=()):
    """(x, y) pairs as an SVG with its two scales; `resumed`: the x at which a run went on."""
    step = -(-len(values) // MOST_POINTS)
    picked = values[::step] + ([values[-1]] if (len(values) - 1) % step else [])
    right, top = max(x for x, _ in picked) or 1, max(y for _, y in picked) or 1
    across, up = (WIDTH - 2 * MARGIN) / right, (HEIGHT - 2 * MARGIN) / top
    places = " ".join(f"{MARGIN + x * across:.1f},{HEIGHT - MARGIN - y * up:.1f}" for x, y in picked)
    marks = "".join(f'<path d="M{MARGIN + x * across:.1f},{MARGIN} V{HEIGHT - MARGIN}" stroke="#999" '
                    f'stroke-dasharray="2 4"/>' for x in resumed)
    return (f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{html.escape(label)}">'
            f'<path d="M{MARGIN},{MARGIN} V{HEIGHT - MARGIN} H{WIDTH - MARGIN}" fill="none" stroke="#999"/>'
            f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="2"/>{marks}'
            f'<text x="{MARGIN}" y="{MARGIN - 10}">{html.escape(label)}: up to {top:.0f}</text>'
            f'<text x="{WIDTH - MARGIN}" y="{HEIGHT - 10}" text-anchor="end">{right:.0f} s</text></svg>')


def edge_addresses(elf):
    """Where each edge's block begins: clang's table, in the counters' order."""
    file = Elf(elf.read_bytes())
    table = file.section("__sancov_pcs")
    if table is None:
        return []
    data = file.content(table)
    return [address for address, _ in struct.iter_unpack("<QQ", data[:len(data) & ~15])]


def functions(addresses, reached, symbolizer):
    """Coverage by function, the least covered of the large ones first. `reached`: bytes of bits, lowest edge first."""
    by_name = defaultdict(list)
    for edge, frame in enumerate(symbolizer.places(addresses)):
        hit = edge // 8 < len(reached) and reached[edge // 8] >> edge % 8 & 1
        by_name[(frame.function, frame.file)].append((frame.line, bool(hit)))
    found = []
    for (name, file), edges in by_name.items():
        lines = {line for line, hit in edges if hit and line}
        missed = {line for line, hit in edges if line} - lines
        found.append(Function(name, file, sum(hit for _, hit in edges), len(edges), tuple(sorted(lines)),
                              tuple(sorted(missed))))
    return sorted(found, key=lambda f: (f.reached - f.edges, f.name))


def ranges(numbers):
    """(1, 2, 3, 7) as "1-3, 7"."""
    spans = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in spans)


def source_around(file, line):
    """The lines around a place, its own marked; nothing when the file is not here, or no source."""
    try:
        path = (ROOT / file).resolve()
        if not file or not line or path.suffix not in SOURCES or path.parts[1] in NO_SOURCES or not path.is_file() \
                or not 0 < path.stat().st_size <= LARGEST_SOURCE:
            return ""
        lines = path.read_text(errors="replace").splitlines()
    except (OSError, RuntimeError, ValueError):     # a name that no file can have, links in a circle
        return ""
    shown = []
    for number in range(max(1, line - AROUND), min(len(lines), line + AROUND) + 1):
        text = f"{number:6}  {html.escape(printable(lines[number - 1].expandtabs()))}"
        shown.append(f"<mark>{text}</mark>" if number == line else text)
    return "<pre>" + "\n".join(shown) + "</pre>"


def crash_section(crash):
    place = f" at {crash.file}:{crash.line}" if crash.file else ""
    title = html.escape(f"{crash.kind} in {crash.function}{place}")
    command = html.escape(printable(again(crash.folder / "input")))
    return (f'<details class="crash"><summary>{title}</summary><pre>{html.escape(crash.trace)}</pre>'
            f"{source_around(crash.file, crash.line)}<p>Again: <code>{command}</code></p></details>")


def function_row(function):
    share = 100 * function.reached // function.edges
    missed = f'<span class="missed">{ranges(function.missed)}</span>' if function.reached else "never entered"
    return (f"<tr><td>{html.escape(function.name)}</td><td>{html.escape(function.file.rsplit('/', 1)[-1])}</td>"
            f'<td class="number">{function.reached} of {function.edges}</td>'
            f'<td><div class="bar"><div style="width: {share}%"></div></div></td><td>{missed}</td></tr>')


def coverage_section(found):
    if not found:
        return "<p>The run ended without an edges record (it was killed), or the target is not built here.</p>"
    reached, edges = sum(f.reached for f in found), sum(f.edges for f in found)
    rows = "\n".join(map(function_row, found))
    return (f"<p>{reached} of {edges} edges in {sum(f.reached > 0 for f in found)} of {len(found)} functions.</p>"
            f'<table><tr><th>function</th><th>file</th><th class="number">edges</th><th></th><th>lines missed</th></tr>'
            f"{rows}</table>")


def refused_section(calls):
    if not calls:
        return ""
    rows = "\n".join(f"<tr><td>{html.escape(call.text())}</td></tr>" for call in calls)
    return (f"<h2>Asked for and refused</h2><p>System calls that nothing answers; the target got an error.</p>"
            f"<table>{rows}</table>")


def page(name, stats, crashes, found, timeouts=(), starved=(), refused_calls=()):
    name = html.escape(printable(name))
    earlier = Earlier(stats)
    last = {**(stats[-1] if stats else {}), "case": earlier.cases}
    resumed = [start.seconds_before for start in earlier.starts[1:]]
    curves = points(stats)
    shown = ["<p>No statistics came.</p>"]
    if curves:
        shown = [curve([(point[0], point[n]) for point in curves], label, colour, resumed)
                 for n, (_, label, colour) in enumerate(CURVES, 1)]
    figures = ", ".join(f"{last.get(key, 0)} {label}" for key, label in FIGURES if key != "files" or key in last)
    figures += f"; in {len(earlier.starts)} runs, each of which begins at a dotted line" if resumed else ""
    sections = []
    for title, folders in (("Crashes", crashes), ("Timeouts", timeouts), ("Out of memory", starved)):
        sections.append(f"<h2>{title}: {len(folders)} kinds</h2>")
        sections += [crash_section(folder) for folder in folders] or ["<p>None.</p>"]
    return "\n".join((
        "<!DOCTYPE html>", f'<html lang="en"><head><meta charset="utf-8"><title>Raclette: {name}</title>',
        f"<style>{STYLE}</style></head><body>", f"<h1>{name}</h1>", f"<p>{figures}</p>",
        "<h2>Over time</h2>", *shown, *sections, refused_section(refused_calls),
        "<h2>Coverage</h2>", coverage_section(found), f"<p>raclette {VERSION}</p>", "</body></html>", ""))


def coverage(folder, elf, symbolizer):
    """Coverage by function; nothing when the run left no edges, or the target is not here."""
    edges = saved_results.edges(folder)
    if edges is None or not symbolizer or not elf.exists():
        return []
    try:
        return functions(edge_addresses(elf), edges, symbolizer)
    except (OSError, ValueError) as error:
        raise saved_results.Damaged(f"{elf}: {error}")


def write(folder, name, elf, symbolizer, complain=print):
    """The report over everything in the folder; returns its path. What is damaged is left out, and told in one line."""
    folder = Path(folder)
    damaged, found = [], []
    stats = saved_results.stats(folder, damaged)
    crashes, timeouts, starved = (saved_results.findings(folder, part, damaged) for part in FINDINGS.values())
    try:
        found = coverage(folder, elf, symbolizer)
    except saved_results.Damaged as problem:
        damaged.append(str(problem))
    try:
        calls = refused.load(folder)
    except saved_results.Damaged as problem:
        calls = []
        damaged.append(str(problem))
    write_atomically(folder / "report.html", page(name, stats, crashes, found, timeouts, starved, calls))
    if damaged:
        complain(printable(f"the report leaves out {len(damaged)} damaged results, the first is {damaged[0]}"))
    return folder / "report.html"
