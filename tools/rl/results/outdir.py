"""--out: corpus/, crashes/HASH/, timeouts/HASH/, oom/HASH/, stats.jsonl and serial.log as plain files, whole or not
there, also when killed."""
import base64
import contextlib
import errno
import json
import os
import shutil
import stat
import tempfile
import time

from tools.rl.common import SYSTEM_FAILED, Stop, USAGE, write_atomically
from tools.rl.machines.record_types import HASH
from tools.rl.results import run_facts
from tools.rl.results.crash_text import trace_text
from tools.rl.results.origin import CAMPAIGN

FINDINGS = {"crash": "crashes", "timeout": "timeouts", "out_of_memory": "oom"}      # a record's type: its folder
LARGEST_INPUT = 1 << 26         # bytes: no target takes a longer one


def inputs_in(folder, links=True):
    """(name, bytes) of the inputs in a folder, by name; of a run's corpus, or anybody's."""
    try:
        files = sorted(f for f in folder.iterdir() if f.is_file() and not f.name.startswith(".")
                       and (links or not f.is_symlink()))
        for file in files:
            if file.stat().st_size > LARGEST_INPUT:
                raise Stop(USAGE, f"{file} is no input: it has {file.stat().st_size} bytes")
        return [(file.name, file.read_bytes()) for file in files]
    except OSError as error:
        raise Stop(USAGE, f"{error.filename or folder} cannot be read: {error.strerror or error}")


def _is(path, kind):
    """Whether the path itself, not what it links to, is there and of this kind."""
    try:
        return kind(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def _refuse_all_but(kind, path):
    """A link may lead anywhere, and a pipe may wait without end."""
    if os.path.lexists(path) and not _is(path, kind):
        raise OSError(errno.EINVAL, f"{path.name} in it is a link, or not what a run makes")


def _appending(path):
    """A file that grows. A line that a killed run has begun is ended."""
    _refuse_all_but(stat.S_ISREG, path)
    data = open(path, "a+b")
    if data.tell() and os.pread(data.fileno(), 1, data.tell() - 1) != b"\n":
        data.write(b"\n")
    return data


def _remove(path):
    if _is(path, stat.S_ISDIR):
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


class OutDir:
    """Everything that came back from the machine. Opening it says at once whether it can be written."""

    def __init__(self, path, target=None, schedule=0):
        """`target`: the word that names it to --target; without one, what follows is of nobody knows what.
        `schedule`: the seed of the order of its threads."""
        self.path = path
        self.target = target
        self.schedule = schedule
        try:
            for part in ("corpus", *FINDINGS.values()):
                _refuse_all_but(stat.S_ISDIR, path / part)
                (path / part).mkdir(parents=True, exist_ok=True)
                self._try_writing(path / part)
            self.serial = _appending(path / "serial.log")
            self.stats = _appending(path / "stats.jsonl")
        except OSError as error:
            raise Stop(USAGE, f"--out {path} cannot be written: {error.strerror or error}")
        if target:
            self.note_target(target)
        self.note_start()
        self._sweep()

    def note_target(self, target):
        """For `replay` and for whoever finds the folder."""
        self.target = target
        with self._writing():
            write_atomically(self.path / CAMPAIGN, json.dumps(self._about()) + "\n")

    def _about(self):
        """What a replay must know of an input."""
        return {"target": self.target, "schedule": self.schedule} if self.target else {}

    def note_start(self):
        """What follows is of a machine that has just started: its clock and its counts begin again."""
        self.started = time.time()

    @staticmethod
    def _try_writing(folder):
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".trial.", suffix=".tmp"):
            pass

    def _sweep(self):
        """What a killed run left half-written has a name that begins with a dot."""
        parts = ("corpus", *FINDINGS.values())
        for leftover in [leftover for part in parts for leftover in self.path.glob(f"{part}/.*.tmp")]:
            with self._writing():
                _remove(leftover)

    @contextlib.contextmanager
    def _writing(self):
        """A full disk, or a folder that was changed meanwhile, ends the command with one line."""
        try:
            yield
        except OSError as error:
            raise Stop(SYSTEM_FAILED, f"{self.path} cannot be written: {error.strerror or error}")

    def _place(self, part, digest):
        """The path of a result; no other text than a hash becomes a part of a path."""
        if not HASH.fullmatch(digest):
            raise ValueError("a result's name is its hash")
        return self.path / part / digest

    def corpus(self):
        """The inputs of earlier runs, by name, so that the same run starts the same way. A link is none of them."""
        return inputs_in(self.path / "corpus", links=False)

    def add_stats(self, record):
        with self._writing():
            self.stats.write(json.dumps({**record, "started": self.started}).encode() + b"\n")
            self.stats.flush()

    def add_corpus(self, record):
        with self._writing():
            write_atomically(self._place("corpus", record["hash"]), base64.b64decode(record["data"]))

    def add_edges(self, record):
        with self._writing():
            write_atomically(self.path / "edges.json", json.dumps(record) + "\n")

    def add_facts(self, facts, boot):
        """What this run is made with, and what its machine said when it started."""
        with self._writing(), _appending(self.path / run_facts.FILE) as file:
            file.write(run_facts.line(facts, boot).encode())

    def save(self, results):
        """What keeps itself in this folder, as one that may be full."""
        with self._writing():
            results.save()

    def folder_of(self, described):
        return self._place(FINDINGS[described["type"]], described["hash"])

    def add_crash(self, record, described, chain):
        """A new folder appears whole; an old one keeps its first input (the one its trace is about)."""
        folder = self.folder_of(described)
        if _is(folder, stat.S_ISDIR) and all(_is(folder / file, stat.S_ISREG) for file in ("input", "crash.json")):
            return False
        fresh = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
        with self._writing():
            _remove(fresh)
            fresh.mkdir()
            (fresh / "input").write_bytes(base64.b64decode(record.get("input", "")))
            if record.get("original"):
                (fresh / "original").write_bytes(base64.b64decode(record["original"]))
            # Not a record's to say.
            described = {key: value for key, value in described.items() if key not in ("target", "schedule")}
            (fresh / "crash.json").write_text(json.dumps({**described, **self._about()}, indent=1) + "\n")
            (fresh / "trace.txt").write_text(trace_text(described, chain), encoding="utf-8")
            _remove(folder)             # damaged
            os.rename(fresh, folder)
        return True

    def add_chain(self, described, chain):
        """The chain came after its record: the trace is written anew."""
        folder = self.folder_of(described)
        if _is(folder, stat.S_ISDIR):
            with self._writing():
                write_atomically(folder / "trace.txt", trace_text(described, chain))

    def close(self):
        with self._writing():           # what is still buffered
            self.serial.close()
            self.stats.close()
