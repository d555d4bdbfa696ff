"""`build.py bench`: what we measure about ourselves, each number beside what it is compared with.

Instructions are counted in QEMU's instruction-count mode, where they are exact and repeat. Times and rates are
of an emulated machine: only their ratios say something about a real one. `--write` keeps all of it in docs/measured.md.
"""
import fnmatch
import re
import tempfile
from pathlib import Path

from tools.rl.building import builder, targets
from tools.rl.building.ninja import run_ninja
from tools.rl.building.progress import Progress
from tools.rl.common import (BUILD, BUILTIN_TARGET, OK, ROOT, SYSTEM_FAILED, Stop, TEST, USAGE,
                             write_atomically)
from tools.rl.images.boot_image import boot_image, target_entries
from tools.rl.machines.qemu import PROGRAM, Machine
from tools.rl.machines.session import Session
from tools.rl.peers import compare, edges
from tools.rl.results import measured
from tools.rl.results.measured import Row
from tools.rl.results.outdir import OutDir
from tools.rl.suggest import meant

SECONDS = 600
RATE_CASES = 30000              # for each core; the first half warms up
COVERAGE_AT = {10000: 992, 50000: 1144, 100000: 1251}       # libFuzzer's, from one seed for each format
LIBFUZZER_RATE = "libFuzzer with AddressSanitizer 1,373, AFL++ persistent 1,002"
PAGES = 1 << 36                 # in both canonical halves
PEERS = "peers"                 # a comparison of its own
IN_THE_KERNEL = ROOT / "tests/kernel/bench/bench.cpp"


def boot(options, machine, seeds=True, on_event=None, folder=BUILD):
    """Runs one machine to its end; its records."""
    options = {"target": BUILTIN_TARGET, "cpus": machine.cpus, "exit": 1, **options}
    entries = target_entries(BUILTIN_TARGET, options, with_seeds=seeds)
    session = Session(boot_image(entries, folder=folder), machine, deadline=SECONDS)
    records, text = [], []
    with Progress("measuring"):
        for seconds, event in session.events():
            if on_event and event is not None:
                on_event(seconds, event)
            if isinstance(event, dict):
                records.append(event)
            elif event:
                text.append(event)
    if session.status != OK or session.why:
        raise Stop(SYSTEM_FAILED, "a benchmark's machine failed: " + (session.why or "\n".join(text[-20:])))
    return records


def kernel_benchmarks(pattern):
    """Those that the kernel brings, counted in instructions."""
    for record in boot({"bench": f"*{pattern}*"}, Machine(cpus=1, icount=True), folder=TEST):
        if record["type"] == "bench":
            yield record["name"], record["value"], record["unit"], record.get("compared_with", "")


def window_times(_pattern):
    """The window and a linear map once more, by the clock: noisy, so only the two sides of a row are comparable."""
    for record in boot({"bench": "mm.window*"}, Machine(cpus=1), folder=TEST):
        if record["type"] == "bench":
            yield record["name"] + ".time", record["value"], "clock ticks", record.get("compared_with", "")


def first_case(_pattern):
    heard = []
    boot({"cases": 1, "seed": 1}, Machine(cpus=1), on_event=lambda s, event: heard.append((s, str(event))))
    seconds = next(s for s, line in heard if line.startswith("7 fuzzing"))
    yield "boot.first_case", round(seconds, 2), "s", "aim 1.5; grilled_cheese 6 to 7 to its prompt"


def boot_costs(_pattern):
    """What it takes until the kernel has its memory, which must not depend on how much there is."""
    for memory in ("512M", "64G"):
        backend = ["-object", f"memory-backend-ram,id=m,size={memory},reserve=off"]     # the host gives what is touched
        machine = Machine(cpus=1, memory=memory, machine="pc,memory-backend=m", icount=True, extra=backend)
        records = boot({"cases": 1, "seed": 1}, machine)
        start, = (record for record in records if record["type"] == "boot")
        yield f"boot.counted_us.{memory}", start["boot_us"], "us", ""
        yield f"boot.counted_frames.{memory}", start["frames_used"], "frames", ""


def exposure(_pattern):
    """How many pages a random address could hit when two cores are about to fuzz: their windows' slots, and without."""
    layout, = (r for r in boot({"cases": 1, "seed": 1, "layout": 1}, Machine(cpus=2)) if r["type"] == "layout")
    mapped = layout["live_pages"]
    for name, pages in (("with_windows", mapped), ("without_windows", mapped - layout["through_windows"])):
        yield f"layout.pages.{name}", pages, "pages", ""
        yield f"layout.one_in.{name}", PAGES // pages, "tries", "a direct map of 512 MiB alone: 524,288"


def rate(cpus):
    """Cases a second in the second half of a run: between the statistics nearest to its middle and to its end."""
    records = [r for r in boot({"cases": RATE_CASES * cpus, "seed": 1}, Machine(cpus=cpus)) if r["type"] == "stats"]
    if len(records) < 2:
        raise Stop(SYSTEM_FAILED, "too few statistics to measure a rate")
    last = records[-1]
    middle = min(records[:-1], key=lambda r: abs(r["case"] - last["case"] / 2))
    return (last["case"] - middle["case"]) / ((last["time_us"] - middle["time_us"]) / 1e6)


def rates(_pattern):
    one, two = rate(1), rate(2)
    yield "fuzz.cases_per_s.1_core", round(one), "cases/s", f"aim 3,000; {LIBFUZZER_RATE}"
    yield "fuzz.cases_per_s.2_cores", round(two), "cases/s", f"one core {one:.0f}"
    yield "fuzz.cases_per_s.ratio", round(two / one, 2), "x", "aim 1.9, perfect 2"


def coverage(_pattern):
    """Our corpus through a libFuzzer build of the same harness, which counts edges its own way."""
    native = targets.libfuzzer(BUILTIN_TARGET)
    run_ninja([native])
    for cases, theirs in COVERAGE_AT.items():
        with tempfile.TemporaryDirectory(prefix="raclette-bench-") as folder:
            out = OutDir(Path(folder))

            for record in boot({"cases": cases, "seed": 1}, Machine(cpus=1)):
                if record["type"] == "corpus":
                    out.add_corpus(record)
            out.close()
            for seed in targets.load(BUILTIN_TARGET).seeds:
                (Path(folder) / "corpus" / Path(seed).name).write_bytes((ROOT / seed).read_bytes())
            reached = edges.count(ROOT / native, Path(folder) / "corpus")
            yield f"fuzz.coverage.{cases}", reached, "edges", f"libFuzzer {theirs} after as many executions"


# name's beginning: what measures it
HOST_BENCHMARKS = (("mm.window.time", window_times), ("boot.counted", boot_costs), ("boot.first_case", first_case),
                   ("layout", exposure), ("fuzz.cases_per_s", rates), ("fuzz.coverage", coverage))


def rows(pattern):
    """Every row whose benchmark's name contains the pattern, as soon as it is measured."""
    yield from kernel_benchmarks(pattern)
    for name, measure in HOST_BENCHMARKS:
        if pattern in name:
            yield from measure(pattern)


def print_row(row):
    print(f"{row.name:40} {measured.value_text(row.value):>14} {row.unit:14} {row.compared}", flush=True)


def names():
    """Of the benchmarks, as a filter is compared with them."""
    table = IN_THE_KERNEL.read_text().split("Named benches[]", 1)[1].split("\n};", 1)[0]
    return [*re.findall(r'^    \{"([^"]+)"', table, re.M), *(name for name, _ in HOST_BENCHMARKS), PEERS]


def refuse(arguments):
    if arguments.filter == PEERS:
        return
    if arguments.write and arguments.filter:
        raise Stop(USAGE, "--write measures everything: leave the filter out")
    there = names()
    if not fnmatch.filter(there, f"*{arguments.filter}*"):
        raise Stop(USAGE, f"no benchmark's name contains {arguments.filter!r}{meant(arguments.filter, there)} "
                          f"(there is: {', '.join(there)})")


def main(arguments):
    if arguments.filter == PEERS:
        return compare.main(arguments)
    builder.build()
    builder.build(folder=TEST)
    found = []
    for row in map(Row._make, rows(arguments.filter)):
        print_row(row)
        found.append(row)
    if not found:
        print(f"no benchmark's name contains {arguments.filter!r}")
    if arguments.write:
        write_atomically(measured.DOCUMENT, measured.page(found, measured.about(PROGRAM), measured.saved_sections()))
        print(f"written: {measured.DOCUMENT.relative_to(ROOT)}")
    return OK
