"""Which lines, functions and blocks the inputs of a corpus reach, and how many of the inputs each.

A set of inputs is one number with a bit for each input.
"""
from collections import defaultdict
from typing import NamedTuple

CLASSES = 8                     # of hit counts, for each edge


class Function(NamedTuple):
    name: str
    line: int                   # the first one of its blocks
    inputs: int                 # that reach it


class File(NamedTuple):
    """`lines`: {line: how many inputs reach it}."""
    name: str
    lines: dict
    functions: tuple


def reached(edge_count, features_of_inputs):
    """For each edge the set of inputs that reach it."""
    rows = {}
    width = -(-len(features_of_inputs) // 8)
    for number, features in enumerate(features_of_inputs):
        byte, bit = number // 8, 1 << number % 8
        for feature in features:
            edge = feature // CLASSES
            row = rows.get(edge)
            if row is None:
                row = rows[edge] = bytearray(width)
            row[byte] |= bit
    return [int.from_bytes(rows[edge], "little") if edge in rows else 0 for edge in range(edge_count)]


def count(inputs):
    return bin(inputs).count("1")


def files(begins, inputs, code, lines, places):
    """A File for each source with a line. `begins`: where each edge's block begins; `inputs`: the set that reaches it;
    `places`: of each block the symbolizer's innermost frame at its beginning."""
    by_line, by_function, starts = defaultdict(int), defaultdict(int), set(begins)
    first_line = {}
    for begin, of_block, frame in zip(begins, inputs, places):
        if frame.is_runtime():          # what the compiler adds to start the sanitizer
            continue
        for place in {lines.of(at) for at in code.of_block(begin, starts)} | {(frame.file, frame.line)}:
            if place and place[0] and place[1]:
                by_line[place] |= of_block
        key = (frame.file, frame.function)
        by_function[key] |= of_block
        if frame.line:
            first_line[key] = min(first_line.get(key, frame.line), frame.line)
    found = defaultdict(dict)
    for (file, line), of_line in by_line.items():
        found[file][line] = count(of_line)
    functions = defaultdict(list)
    for (file, name), line in first_line.items():
        functions[file].append(Function(name, line, count(by_function[file, name])))
    return [File(name, dict(sorted(found[name].items())),
                 tuple(sorted(functions[name], key=lambda function: (function.line, function.name))))
            for name in sorted(found)]
