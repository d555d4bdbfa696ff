"""Coverage by file, line and function: the campaign's edge counters, at the lines where the target's edges begin."""
import struct
from collections import defaultdict
from typing import NamedTuple

from tools.rl.results.elf import Elf

LARGEST_EXPONENT = 31           # of a count in a byte: 1 + 8 * exponent + mantissa (fuzz/hit_levels.h)


class Edge(NamedTuple):
    """One edge of the target: the place where its block begins, and in about how many cases it was reached."""
    frame: object               # symbols.Frame
    hits: int


class Function(NamedTuple):
    name: str
    line: int                   # of its first edge
    reached: int
    edges: int


class Line(NamedTuple):
    """What is known of a line at which edges begin."""
    reached: int
    edges: int
    hits: int                   # the largest of its edges'
    crashed: bool = False       # a crash's stack has it


class File(NamedTuple):
    name: str
    lines: dict                 # number -> Line
    functions: list

    def count(self):
        """(lines reached, lines)"""
        return sum(line.reached > 0 for line in self.lines.values()), len(self.lines)


def edge_addresses(elf):
    """Where each edge's block begins: clang's table, in the counters' order."""
    file = Elf(elf.read_bytes())
    table = file.section("__sancov_pcs")
    if table is None:
        return []
    data = file.content(table)
    return [address for address, _ in struct.iter_unpack("<QQ", data[:len(data) & ~15])]


def hits_of(levels):
    """The counts that bytes stand for, each to an eighth."""
    return [((8 + (level - 1) % 8) << (level - 1) // 8) >> 3 if level else 0 for level in levels]


def edges(addresses, reached, levels, symbolizer):
    """The target's edges without the runtime's. `reached`: a bit each, the lowest first; `levels`: a byte each, or
    nothing where the run did not count."""
    counts = hits_of(levels)
    found = []
    for number, frame in enumerate(symbolizer.places(addresses)):
        bit = number // 8 < len(reached) and reached[number // 8] >> number % 8 & 1
        if not frame.is_runtime():
            found.append(Edge(frame, max(1, counts[number] if number < len(counts) else 1) if bit else 0))
    return found


def _lines(all_edges):
    by_line = defaultdict(list)
    for edge in all_edges:
        if edge.frame.line:
            by_line[edge.frame.line].append(edge.hits)
    return {line: Line(sum(map(bool, hits)), len(hits), max(hits)) for line, hits in by_line.items()}


def _functions(all_edges):
    by_name = defaultdict(list)
    for edge in all_edges:
        by_name[edge.frame.function].append(edge)
    return sorted((Function(name, min((edge.frame.line for edge in own if edge.frame.line), default=0),
                            sum(edge.hits > 0 for edge in own), len(own))
                   for name, own in by_name.items()), key=lambda function: (function.line, function.name))


def by_file(all_edges, crashes=()):
    """The files, that with the most edges first. `crashes`: (file, line, how often) of the frames of crashes, whose
    cases end before their edges are counted."""
    grouped = defaultdict(list)
    for edge in all_edges:
        grouped[edge.frame.file].append(edge)
    lines = {name: _lines(own) for name, own in grouped.items()}
    for name, number, times in crashes:
        if name in lines and number:
            line = lines[name].get(number, Line(0, 1, 0))
            lines[name][number] = line._replace(reached=max(line.reached, 1), hits=max(line.hits, times), crashed=True)
    return sorted((File(name, lines[name], _functions(own)) for name, own in grouped.items()),
                  key=lambda file: (-sum(function.edges for function in file.functions), file.name))
