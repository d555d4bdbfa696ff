"""--out: corpus/, crashes/HASH/, timeouts/HASH/, oom/HASH/, stats.jsonl and serial.log as plain files, whole or not
there, also when killed."""
import base64
import contextlib
import json
import os
import shutil
import tempfile
import time

from tools.rl.common import SYSTEM_FAILED, Stop, USAGE, write_atomically
from tools.rl.locks import Lock
from tools.rl.machines.record_types import HASH
from tools.rl.results import run_facts
from tools.rl.results.crash_text import trace_text
from tools.rl.results.damage import GROWING, LARGEST_INPUT, Mended
from tools.rl.results.earlier import Earlier
from tools.rl.results.origin import CAMPAIGN
from tools.rl.results.saving import GrowingFile, Saving, is_file, is_folder

FINDINGS = {"crash": "crashes", "timeout": "timeouts", "out_of_memory": "oom"}      # a record's type: its folder
SMALL = 1 << 14                 # bytes: about what a file of counts takes


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


def _remove(path):
    if is_folder(path):
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


class OutDir:
    """Everything that came back from the machine. Opening it says at once whether it can be written."""

    def __init__(self, path, target=None, schedule=0):
        """`target`: the word that names it to --target; without one, what follows is of an unknown target.
        `schedule`: the seed of the order of its threads."""
        self.path = path
        self.target = target
        self.schedule = schedule
        self.unsaved = ""               # once it is closed: what is not saved, in words
        self.lock = None
        try:
            self._take()
            self._open()
        except OSError as error:
            self._release()
            raise Stop(USAGE, f"--out {path} cannot be written: {error.strerror or error}")
        if target:
            self.note_target(target)
        self.note_start()

    def _take(self):
        """Two runs into one folder would mix their results."""
        self.path.mkdir(parents=True, exist_ok=True)
        self.lock = Lock(self.path / ".lock")
        if not self.lock.take("saving its results"):
            holder = self.lock.holder()
            self._release()
            raise Stop(USAGE, f"--out {self.path} is in use by {holder}; pass another --out DIR")

    def _release(self):
        if self.lock:
            self.lock.close()

    def _open(self):
        mended = Mended(self.path, FINDINGS.values())
        mended.kinds()
        for part in ("corpus", *FINDINGS.values()):
            (self.path / part).mkdir(exist_ok=True)
            self._try_writing(self.path / part)
        self._sweep()
        mended.contents()
        self.earlier = Earlier(mended.statistics())
        self.set_aside = mended.lines()
        self.serial, self.stats, self.runs = (GrowingFile(self.path / name) for name in GROWING)
        self.saving = Saving(self.path, (self.serial, self.stats, self.runs))
        self.files = {file.name for file in (self.path / "corpus").iterdir() if not file.name.startswith(".")}
        self.known = {folder.name for part in FINDINGS.values() for folder in (self.path / part).iterdir()
                      if HASH.fullmatch(folder.name)}
        self.chain_of = {}              # a finding's folder that waits for space: its chain

    def note_target(self, target):
        """For `replay` and for a reader of the folder."""
        self.target = target
        self.put(CAMPAIGN, json.dumps(self._about()) + "\n")

    def put(self, name, text):
        """A file that is written at once, over the one before."""
        with self._writing():
            self.saving.do(lambda: write_atomically(self.path / name, text), len(text))

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
        for part in (".", "corpus", *FINDINGS.values()):
            for leftover in list((self.path / part).glob(".*.tmp")):
                _remove(leftover)

    @contextlib.contextmanager
    def _writing(self):
        """A folder that was changed meanwhile ends the command with one line."""
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

    def add_corpus(self, record):
        place, data = self._place("corpus", record["hash"]), base64.b64decode(record["data"])
        self.files.add(place.name)
        with self._writing():
            self.saving.do(lambda: write_atomically(place, data), len(data))

    def add_edges(self, record):
        self.put("edges.json", json.dumps(record) + "\n")

    def add_facts(self, facts, boot):
        """What this run is made with, and what its machine said when it started."""
        with self._writing():
            self.runs.write(run_facts.line(facts, boot).encode())

    def save(self, results):
        """What keeps itself in this folder, as one that may be full."""
        with self._writing():
            self.saving.do(results.save, SMALL)

    def folder_of(self, described):
        return self._place(FINDINGS[described["type"]], described["hash"])

    def add_crash(self, record, described, chain):
        """A new folder appears whole; an old one keeps its first input (the one its trace is about)."""
        folder = self.folder_of(described)
        if is_folder(folder) and all(is_file(folder / file) for file in ("input", "crash.json")):
            return False
        if folder in self.chain_of:
            return False
        self.chain_of[folder] = chain
        data = base64.b64decode(record.get("input", ""))
        about = {key: value for key, value in described.items() if key not in ("target", "schedule")}  # not a record's
        files = {"input": data, "crash.json": json.dumps({**about, **self._about()}, indent=1).encode() + b"\n"}
        if record.get("original"):
            files["original"] = base64.b64decode(record["original"])
        with self._writing():
            self.saving.do(lambda: self._write_finding(folder, files, described), sum(map(len, files.values())))
        return True

    def _write_finding(self, folder, files, described):
        fresh = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
        try:
            _remove(fresh)
            fresh.mkdir()
            for name, data in files.items():
                (fresh / name).write_bytes(data)
            (fresh / "trace.txt").write_text(trace_text(described, self.chain_of[folder]), encoding="utf-8")
            _remove(folder)             # damaged
            os.rename(fresh, folder)
        except OSError:
            with contextlib.suppress(OSError):      # on a full disk the half of it would take the room of others
                _remove(fresh)
            raise
        del self.chain_of[folder]

    def add_chain(self, described, chain):
        """The chain came after its record: the trace is written anew."""
        folder = self.folder_of(described)
        if folder in self.chain_of:     # not written yet
            self.chain_of[folder] = chain
        elif is_folder(folder):
            text = trace_text(described, chain)
            with self._writing():
                self.saving.do(lambda: write_atomically(folder / "trace.txt", text), len(text))

    def news(self):
        """Lines to show about a disk that is full, or no more; to be called often."""
        with self._writing():
            return self.saving.news()

    def close(self):
        """What still waits is tried once more."""
        try:
            with self._writing():
                self.saving.retry(every_one=True)
                self.unsaved = self.saving.left()
                self.serial.close()
                self.stats.close()
                self.runs.close()
        finally:
            self._release()
