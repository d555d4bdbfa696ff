"""`build.py coverage`: which lines a corpus reaches, for people, for genhtml and for Lighthouse."""
import os
import subprocess
import tempfile
from pathlib import Path

from tools.rl.building import packages
from tools.rl.common import (MISSING, OK, ROOT, Stop, USAGE, refuse_no_folder, refuse_unwritable,
                             write_atomically)
from tools.rl.corpus import disassembly, exports, inputs, reached_lines
from tools.rl.corpus.examiner import Examiner, elf_of, which_target
from tools.rl.printable import printable
from tools.rl.results import origin
from tools.rl.results.elf import Elf, PT_LOAD
from tools.rl.results.line_coverage import edge_addresses
from tools.rl.results.source import ENDINGS, NO_SOURCES
from tools.rl.results.symbols import Symbolizer

SHOWN_FILES, SHOWN_FUNCTIONS = 40, 20


def source_path(name):
    """Where a source is that a target's symbols name; None when it is not here, or no source."""
    try:
        path = (ROOT / name).resolve()
        shown = path.suffix in ENDINGS and path.parts[1] not in NO_SOURCES and str(path).isprintable()
        return path if shown and path.is_file() else None
    except (OSError, ValueError, IndexError):
        return None


class Coverage:
    """What the inputs reach of one target."""

    def __init__(self, elf, symbolizer, features):
        try:
            self.elf, self.image = elf, Elf(elf.read_bytes())
            self.begins = edge_addresses(elf)
        except (OSError, ValueError) as error:
            raise Stop(USAGE, f"{elf}: {error}")
        if not self.begins:
            raise Stop(USAGE, f"{elf} has no table of its edges: was it compiled by raclette-cc?")
        self.inputs = reached_lines.reached(len(self.begins), features)
        self.code, self.lines = disassembly.read(elf, self.begins)
        self.files = reached_lines.files(self.begins, self.inputs, self.code, self.lines,
                                         symbolizer.places(self.begins))

    def lcov(self):
        return exports.lcov(self.files, source_path)

    def drcov(self):
        loads = [s for s in self.image.segments if s.kind == PT_LOAD]
        base, end = min(s.address for s in loads), max(s.address + s.memory_size for s in loads)
        starts = set(self.begins)
        blocks = [run for begin, reached in zip(self.begins, self.inputs) if reached
                  for run in self.code.runs(self.code.of_block(begin, starts))]
        return exports.drcov(self.elf, base, end, self.image.entry, blocks)

    def table(self):
        """Coverage by file, and the largest functions that no input reaches."""
        lines = [f"{'lines':>17}  {'functions':>13}  file"]
        for file in sorted(self.files, key=lambda f: -len(f.lines))[:SHOWN_FILES]:
            hit, hit_functions = _hit(file.lines.values()), _hit(f.inputs for f in file.functions)
            lines.append(f"{_share(hit, len(file.lines)):>17}  {f'{hit_functions} of {len(file.functions)}':>13}  "
                         f"{file.name}")
        if len(self.files) > SHOWN_FILES:
            lines.append(f"and {len(self.files) - SHOWN_FILES} files with fewer lines")
        missed = [f"{f.name} at {file.name}:{f.line}" for file in self.files for f in file.functions if not f.inputs]
        if missed:
            lines.append(f"{len(missed)} functions are not reached:")
            lines += [f"  {one}" for one in missed[:SHOWN_FUNCTIONS]]
            lines += [f"  and {len(missed) - SHOWN_FUNCTIONS} more"] if len(missed) > SHOWN_FUNCTIONS else []
        return lines

    def summary(self, count):
        total, hit = (sum(n) for n in zip(*((len(f.lines), _hit(f.lines.values())) for f in self.files)))
        return (f"{count:,} inputs reach {_hit(self.inputs):,} of {len(self.begins):,} edges, "
                f"{_share(hit, total)} lines")


def _hit(counts):
    return sum(n > 0 for n in counts)


def _share(part, whole):
    return f"{part:,} of {whole:,} {100 * part // max(whole, 1):3} %"


def genhtml(tracefile, folder):
    """The source view: lcov's own tool writes it."""
    packages.ensure_tool("genhtml")
    done = subprocess.run(["genhtml", "--quiet", "--ignore-errors", "source", "--legend", "--output-directory",
                           str(folder), str(tracefile)], capture_output=True, text=True, errors="backslashreplace",
                          stdin=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C"})
    if done.returncode:
        raise Stop(MISSING, f"genhtml ended with status {done.returncode}: {done.stderr.strip()[-2000:]}")
    return Path(folder) / "index.html"


def save(path, data):
    try:
        write_atomically(path, data)
    except OSError as error:
        raise Stop(USAGE, f"{path} cannot be written: {error.strerror or error}")
    return path


def write_all(arguments, coverage):
    """Writes what was asked for; returns the paths."""
    written = [save(arguments.lcov, coverage.lcov())] if arguments.lcov else []
    written += [save(arguments.drcov, coverage.drcov())] if arguments.drcov else []
    if arguments.html:
        with tempfile.TemporaryDirectory() as scratch:
            written.append(genhtml(save(Path(scratch) / "coverage.info", coverage.lcov()), arguments.html))
    return written


def places(arguments):
    """(target's word, where the inputs are): by default what a run of the target left."""
    if arguments.places:
        return arguments.target or origin.target_of(Path(arguments.places[0]) / "input")[0], arguments.places
    out = Path(arguments.out) if arguments.out else origin.default_out(arguments.target or origin.BUILTIN_TARGET)
    if not (out / "corpus").is_dir():
        raise Stop(USAGE, f"{out} holds no corpus/ of a run; name a folder of inputs")
    return arguments.target or origin.target_of_folder(out) or origin.BUILTIN_TARGET, [out / "corpus"]


def refuse(arguments):
    for place in arguments.places:
        inputs.is_folder(place)
    for option, path in (("--lcov", arguments.lcov), ("--drcov", arguments.drcov)):
        if path:
            refuse_unwritable(path, option)
    if arguments.html:
        refuse_no_folder(arguments.html, "--html")
    places(arguments)


def main(arguments):
    word, where = places(arguments)
    target = which_target(word)
    if arguments.html:
        packages.ensure_tool("genhtml")
    found = inputs.find(where, inputs.CORPORA)
    print(f"{len(found.inputs):,} inputs", flush=True)
    symbolizer = Symbolizer(elf_of(target))
    examiner = Examiner(arguments, target, symbolizer)
    results = examiner.run(found)
    coverage = Coverage(elf_of(target), symbolizer, [result.features for result in results])
    written = write_all(arguments, coverage)
    for line in [*coverage.table(), *found.notes(), *examiner.dropped, coverage.summary(len(results)),
                 *(f"coverage: {path}" for path in written)]:
        print(printable(line))
    return OK
