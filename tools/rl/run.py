"""`build.py run`: boots the machine with a fresh bundle and keeps everything that comes back."""
import signal
from collections import deque
from pathlib import Path

from . import artefacts, build, bundle, image, report, targetlist, targets
from .common import BUILD, OK, ROOT, SYSTEM_FAILED, USAGE, Stop, folder_of
from .outdir import OutDir
from .qemu import Machine
from .session import Chains, Session
from .symbols import Symbolizer, describe, kernel_places
from .view import make_view

KEPT_LINES = 1000               # of the console, to print a failure of ours from
LAST_LINES = 20
BOOT_SILENCE = 120              # seconds without a byte from a booting machine: emulated, on a loaded host


def target_entries(target, options, extra=(), with_seeds=True):
    """The bundle of a run: options first, then what the target brings, then corpus or replay input."""
    files = [(name, (ROOT / path).read_bytes()) for name, path in targetlist.bundle_files(target)
             if with_seeds or not name.startswith("seed/")]
    return [("options", bundle.options_text(options)), *files, *extra]


def boot_image(entries, way="img", folder=BUILD):
    """The artefact as it was built, with another bundle."""
    built = artefacts.path("img" if way == "iso" else way, folder)
    return artefacts.with_bundle(way, built.read_bytes(), bundle.make(entries))


def refuse_too_long(name, size, max_len):
    if size > max_len:
        raise Stop(USAGE, f"{name} has {size} bytes, --max-len is {max_len}; pass --max-len {size} or more")


def corpus_entries(folder, corpus, target, max_len):
    """Earlier inputs, (name, data) of what `folder` holds, that are not seeds; all must fit."""
    for seed in targets.seeds(target):
        refuse_too_long(seed, (ROOT / seed).stat().st_size, max_len)
    entries = []
    for name, data in corpus:
        refuse_too_long(folder / name, len(data), max_len)
        entries.append((f"corpus/{image.xxh64(data):016x}", data))
    return entries


class Runner:
    """Feeds one session's events to the folder, the view and the limits."""

    def __init__(self, arguments, session, out, view, symbolizer):
        self.arguments = arguments
        self.session = session
        self.out = out
        self.view = view
        self.symbolizer = symbolizer
        self.chains = Chains()
        self.chain_of = {}          # by crash hash
        self.crash_of = {}
        self.text = deque(maxlen=KEPT_LINES)
        self.first_stats = None
        self.stopped_by = ""

    def stop(self, why):
        if not self.stopped_by:
            self.stopped_by = why
            self.session.stop()

    def interrupted(self, *_):
        """Ctrl-C: once to end cleanly, twice to end now."""
        self.stopped_by = self.stopped_by or "interrupted"
        self.session.stop()

    def run(self):
        for seconds, event in self.session.events():
            if event is None:
                self.view.tick(seconds)
            elif isinstance(event, str):
                self._text(event)
            else:
                getattr(self, f"_{event['type']}", self._other)(seconds, event)
            limit = self.arguments.seconds
            if limit is not None and self.first_stats is not None and seconds >= self.first_stats + limit:
                self.stop("time is up")
        self._chain(self.chains.finish())

    def _text(self, text):
        self.view.text(text)
        self.text.append(text)
        self._chain(self.chains.feed(text))

    def _chain(self, chain):
        if not chain or " hash " not in chain[0]:
            return
        key = chain[0].rsplit(" hash ", 1)[1].split()[0].strip(",").replace("0x", "")
        self.chain_of[key] = chain
        if key in self.crash_of:
            self.out.add_chain(self.crash_of[key], chain)

    def _boot(self, seconds, record):
        self.out.note_start()
        self.first_stats = seconds if self.first_stats is None else self.first_stats

    def _stats(self, seconds, record):
        self.first_stats = seconds if self.first_stats is None else self.first_stats
        self.out.add_stats(record)
        self.view.stats(seconds, record)

    def _corpus(self, _, record):
        self.out.add_corpus(record)

    def _edges(self, _, record):
        self.out.add_edges(record)

    def _crash(self, seconds, record):
        described = describe(record, self.symbolizer)
        is_new = self.out.add_crash(record, described, self.chain_of.get(record["hash"]))
        self.crash_of[record["hash"]] = described
        self.view.crash(seconds, described, is_new)
        wanted = self.arguments.until_crash
        names = {frame["function"] for frame in described["frames"]} | {described["function"]}
        if wanted is not None and (wanted == "" or wanted in names):
            self.stop(f"crash {described['hash']} in {described['function']}")

    def _other(self, seconds, record):
        pass                        # timeouts, the end: in serial.log, and counted in stats


def run_options(arguments):
    return {"target": arguments.target, "cpus": arguments.cpus, "seed": arguments.seed, "max_len": arguments.max_len,
            "cases": arguments.cases, "exit": 1}


def main(arguments):
    targetlist.require(arguments.target)
    arguments.max_len = targetlist.max_len(arguments.target, arguments.max_len)
    print(f"seed {arguments.seed}")
    out = OutDir(Path(arguments.out or ROOT / "out" / arguments.target))
    folder = folder_of(arguments)
    build.build_for(arguments.target, folder)
    corpus = corpus_entries(out.path / "corpus", out.corpus(), arguments.target, arguments.max_len)
    content = boot_image(target_entries(arguments.target, run_options(arguments), corpus), folder=folder)
    machine = Machine(cpus=arguments.cpus, memory=arguments.memory)
    view = make_view(arguments.plain, arguments.target, out.path)
    session = Session(content, machine, serial_log=out.serial, silence=BOOT_SILENCE)
    elf = ROOT / targets.elf(arguments.target)
    runner = Runner(arguments, session, out, view, Symbolizer(elf))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, runner.interrupted)
    try:
        runner.run()
    finally:
        view.close()
        out.close()
    print(f"report: {report.write(out.path, arguments.target, elf, runner.symbolizer)}")
    return conclude(runner, session, out)


def about_our_failure(lines):
    """The console's lines from its last chain on: what there is to say when the machine failed."""
    chains = [number for number, line in enumerate(lines) if line.startswith("error ")]
    return lines[chains[-1]:] if chains else lines[-LAST_LINES:]


def places_in_kernel(lines, folder=BUILD):
    """Functions and lines for the backtrace among these lines."""
    return kernel_places("\n".join(lines), folder / "kernel.elf")


def conclude(runner, session, out):
    """The status, and one line that says how the run ended and where its results are."""
    own_failure = session.status == SYSTEM_FAILED and not session.why
    if runner.stopped_by and not own_failure:
        note = f" ({session.why})" if session.why else ""
        print(f"stopped: {runner.stopped_by}{note}; results in {out.path}")
        return OK
    if session.why:
        raise Stop(SYSTEM_FAILED, f"{session.why}; results so far in {out.path}, the console in {out.path}/serial.log")
    if session.status == SYSTEM_FAILED:
        for line in places_in_kernel(about_our_failure(list(runner.text)), folder_of(runner.arguments)):
            print(line)                 # the chain itself has been shown as it came
        raise Stop(SYSTEM_FAILED, f"Raclette itself failed, see above; the console is in {out.path}/serial.log")
    print(f"done; results in {out.path}")
    return session.status
