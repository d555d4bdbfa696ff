"""`build.py bench peers --target NAME`: equal executions of Raclette, libFuzzer and AFL++, over several random seeds.

What each run leaves is counted by one program, libFuzzer's build of the harness. Executions are equal, not times: ours
are emulated.
"""
import os
import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from tools.rl.building import builder, packages, target_files
from tools.rl.common import OK, ROOT, write_atomically
from tools.rl.machines.qemu import PROGRAM
from tools.rl.peers import chart, edges, fuzzers, natives
from tools.rl.peers.statistics import effect_size, mann_whitney
from tools.rl.results import measured

OURS = "Raclette"


def one_run(task, name, seed, place):
    place.mkdir(parents=True)
    reached = edges.count(task.natives.libfuzzer, fuzzers.FUZZERS[name](task, seed, place))
    print(f"{name}, seed {seed}: {reached:,} edges after {task.cases:,} executions", flush=True)
    return reached


def measure(task, seeds, place):
    """{fuzzer: edges of each seed}; as many runs at a time as there are processors."""
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        runs = {name: [pool.submit(one_run, task, name, seed, place / name.replace("+", "p") / str(seed))
                       for seed in range(1, seeds + 1)] for name in fuzzers.FUZZERS}
        try:
            return {name: [run.result() for run in started] for name, started in runs.items()}
        except BaseException:           # one that failed ends the comparison: what has not begun does not
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def table(found):
    ours = found[OURS]
    lines = ["| fuzzer | edges of each seed | median | A12 of Raclette | p |", "|---|---|---:|---:|---:|"]
    for name, values in found.items():
        compared = " | " if name == OURS else f"{effect_size(ours, values):.2f} | {mann_whitney(ours, values):.3f}"
        lines.append(f"| {name} | {', '.join(f'{value:,}' for value in sorted(values))} | {median(values):,.0f} | "
                     f"{compared} |")
    return "\n".join(lines)


def section(name, cases, seeds, found, picture):
    """What docs/measured.md says of one target."""
    origin = measured.about(PROGRAM)
    return "\n".join([
        f"### {name}, {cases:,} executions", "", table(found), "", f"![edges by fuzzer]({picture})", "",
        f"`python3 build.py bench peers --target {name} --seeds {seeds} --cases {cases} --write`, commit "
        f"{origin.commit}; {version('afl-fuzz', '-h')}, {version('clang', '--version')}.", ""])


def version(*words):
    """The first version in what a program says of itself."""
    said = re.search(r"(AFL\+\+|afl-fuzz\+\+|clang version)\S*\s*([0-9]+\.[0-9a-z.]+)", measured.said_anyhow(*words))
    return f"{words[0]} {said[2]}" if said else words[0]


def write(name, cases, seeds, found):
    picture = f"peers_{name}.svg"
    write_atomically(ROOT / "docs" / picture, chart.svg(f"{name}: edges after {cases:,} executions", found))
    measured.put_section(name, section(name, cases, seeds, found, picture))
    print(f"written: docs/measured.md, docs/{picture}")


def main(arguments):
    packages.ensure(arguments.yes, "bench peers")
    target = target_files.find(arguments.target)
    builder.build_for(target)
    with tempfile.TemporaryDirectory(prefix="raclette-peers-") as folder:
        task = fuzzers.make_task(target, natives.build(target), Path(folder), arguments.cases)
        found = measure(task, arguments.seeds, Path(folder))
    print(table(found))
    if arguments.write:
        write(target.name, arguments.cases, arguments.seeds, found)
    return OK
