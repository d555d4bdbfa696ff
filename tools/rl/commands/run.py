"""`build.py run`: boots the machine with a fresh bundle and keeps everything that comes back."""
import signal
from pathlib import Path

from tools.rl.building import builder, target_files
from tools.rl.building.progress import Progress
from tools.rl.common import (CRASHED, INTERRUPTED, OK, ROOT, SYSTEM_FAILED, Stop, USAGE, folder_of,
                             refuse_no_folder)
from tools.rl.images.boot_image import boot_image, corpus_entries, target_entries
from tools.rl.machines.qemu import Machine
from tools.rl.machines.session import BOOT_SILENCE, Session
from tools.rl.printable import printable
from tools.rl.results import origin, report, run_facts
from tools.rl.results.collector import Collector
from tools.rl.results.live_view import make_view
from tools.rl.results.outdir import OutDir
from tools.rl.results.own_failure import about_our_failure, about_the_target, places_in_kernel
from tools.rl.results.shared_corpus import SharedCorpus
from tools.rl.results.symbols import Symbolizer


INPUTS = ("seed/", "corpus/")   # what the bundle calls a target's own inputs, and those of an earlier run
FEW_EDGES = 3                   # chosen: an empty harness has one or two


def run_options(arguments, target):
    return {"target": target.name, "cpus": arguments.cpus, "seed": arguments.seed, "max_len": arguments.max_len,
            "cases": arguments.cases, "threads": arguments.threads, "target_output": int(arguments.target_output),
            "exit": 1, **target_files.timeout_options(target, arguments.timeout)}


def out_folder(arguments, target):
    """Where results go: never by itself into a folder with those of another target of that name."""
    if arguments.out:
        return Path(arguments.out)
    folder = origin.default_out(target)
    there = origin.target_of_folder(folder)
    if there not in (None, target_files.spelled(target)):
        raise Stop(USAGE, f"{folder} holds the results of target {there}; pass --out DIR")
    return folder


def refuse(arguments):
    if arguments.sync:
        refuse_no_folder(arguments.sync, "--sync")


def main(arguments):
    target = target_files.find(arguments.target)
    arguments.max_len = target_files.max_len(target, arguments.max_len)
    with Progress("reading what earlier runs have left"):
        out = OutDir(out_folder(arguments, target), target_files.spelled(target), arguments.threads or 0)
    print("\n".join([f"seed {arguments.seed}", *map(printable, (*target_files.notes(target), *about_folder(out)))]))
    folder = folder_of(arguments)
    builder.build_for(target, folder)
    corpus = corpus_entries(out.corpus())
    shared = shared_corpus(arguments.sync, out)
    entries = target_entries(target, run_options(arguments, target), corpus)
    print(about_inputs(target, entries))
    content = boot_image(entries, folder=folder)
    machine = Machine(cpus=arguments.cpus, memory=arguments.memory)
    view = make_view(arguments.plain, target.name, out.path, out.earlier)
    session = Session(content, machine, serial_log=out.serial, silence=BOOT_SILENCE)
    elf = ROOT / target.elf
    if shared:
        shared.send = session.qemu.send
    inputs = sum(name.startswith(("seed/", "corpus/")) for name, _ in entries)
    runner = Collector(arguments, session, out, view, Symbolizer(elf), shared, inputs)
    runner.facts = run_facts.of_run(target_files.spelled(target), arguments,
                                    *(sum(name.startswith(part) for name, _ in entries) for part in INPUTS))
    with Progress(f"fuzzing {target.name}"):
        fuzz(runner, view, out)
    notes = [*session.records.summary(), *([printable(shared.summary())] if shared else []),
             *map(printable, runner.refused.lines()), *about_coverage(runner.last_stats)]
    for line in notes:
        print(line)
    write_report(runner, out, target.name, elf)
    return conclude(runner, session, out)


def fuzz(runner, view, out):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, runner.interrupted)
    try:
        runner.run()
    finally:
        view.close()
        out.close()


def write_report(runner, out, name, elf):
    try:
        with Progress("writing the report"):
            path = report.write(out.path, name, elf, runner.symbolizer)
        print(f"report: {path}")
    except OSError as error:            # a full disk: the results are more than the report
        print(printable(f"no report is written: {error.strerror or error}"))


def shared_corpus(folder, out):
    """The folder of --sync, which also gets what earlier runs found."""
    if not folder:
        return None
    shared = SharedCorpus(folder)
    for _, data in out.corpus():
        shared.add(data)
    return shared


def about_folder(out):
    """What is found there: damage, and what earlier runs have done."""
    known = f"{len(out.known)} crashes, timeouts and the like are known, and not announced again"
    return [*out.set_aside, *filter(None, [out.earlier.about()]), *([known] if out.known else [])]


def about_inputs(target, entries):
    """How many inputs the run begins with, or where seeds would be found."""
    seeds, corpus = (sum(name.startswith(part) for name, _ in entries) for part in ("seed/", "corpus/"))
    if seeds or corpus:
        return f"{seeds} seeds, {corpus} inputs of an earlier run"
    place = f"{Path(target.ready).name}_seed_corpus.zip beside it" if target.ready else f"{target.folder}/seeds/"
    return printable(f"no seeds: small valid inputs in {place} make it find more")


def about_coverage(record):
    """A remark where hardly anything counts edges."""
    few = record and record.get("case", 0) >= 1000 and record.get("edges", 0) <= FEW_EDGES
    return [f"only {record['edges']} edges were reached: is all of the target compiled by raclette-cc?"] if few else []


def status_of(runner):
    """Of a run that ended as it was asked to."""
    if runner.arguments.exit_zero:
        return OK
    return INTERRUPTED if runner.was_interrupted else CRASHED if runner.crashes else OK


def conclude(runner, session, out):
    """The status, and one line that says how the run ended and where its results are."""
    if out.unsaved:
        raise Stop(SYSTEM_FAILED, f"no space left for {out.path}: {out.unsaved} are not saved")
    own_failure = session.status == SYSTEM_FAILED and not session.why
    if runner.stopped_by and not own_failure:
        note = f" ({session.why})" if session.why else ""
        print(f"stopped: {runner.stopped_by}{note}; results in {out.path}")
        return status_of(runner)
    if session.why:
        raise Stop(SYSTEM_FAILED, f"{session.why}; results so far in {out.path}, the console in {out.path}/serial.log")
    if session.status == SYSTEM_FAILED:
        target = about_the_target(list(runner.text), runner.symbolizer)
        if target:
            raise Stop(USAGE, f"{target}; the console is in {out.path}/serial.log")
        for line in places_in_kernel(about_our_failure(list(runner.text)), folder_of(runner.arguments)):
            print(line)                 # the chain itself has been shown as it came
        raise Stop(SYSTEM_FAILED, f"Raclette itself failed, see above; the console is in {out.path}/serial.log")
    print(f"done; results in {out.path}")
    return status_of(runner) if session.status == OK else session.status
