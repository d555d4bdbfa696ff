"""--out: corpus/, crashes/HASH/, timeouts/HASH/, oom/HASH/, stats.jsonl and serial.log as plain files, whole or not
there, also when killed."""
import base64
import contextlib
import json
import os
import shutil
import time

from tools.rl.common import SYSTEM_FAILED, Stop, USAGE, write_atomically
from tools.rl.machines.record_types import HASH
from tools.rl.results.origin import CAMPAIGN
from tools.rl.results.symbols import trace_text

FINDINGS = {"crash": "crashes", "timeout": "timeouts", "out_of_memory": "oom"}      # a record's type: its folder
LARGEST_INPUT = 1 << 26         # bytes: no target takes a longer one


def inputs_in(folder):
    """(name, bytes) of the inputs in a folder, by name; of a run's corpus, or anybody's."""
    try:
        files = sorted(f for f in folder.iterdir() if f.is_file() and not f.name.startswith("."))
        for file in files:
            if file.stat().st_size > LARGEST_INPUT:
                raise Stop(USAGE, f"{file} is no input: it has {file.stat().st_size} bytes")
        return [(file.name, file.read_bytes()) for file in files]
    except OSError as error:
        raise Stop(USAGE, f"{error.filename or folder} cannot be read: {error.strerror or error}")


class OutDir:
    """Everything that came back from the machine. Opening it says at once whether it can be written."""

    def __init__(self, path, target=None):
        """`target`: the word that names it to --target; without one, what follows is of nobody knows what."""
        self.path = path
        self.target = target
        try:
            for part in ("corpus", *FINDINGS.values()):
                (path / part).mkdir(parents=True, exist_ok=True)
                self._try_writing(path / part)
            self.serial = open(path / "serial.log", "ab")
            self.stats = open(path / "stats.jsonl", "a")
        except OSError as error:
            raise Stop(USAGE, f"--out {path} cannot be written: {error.strerror or error}")
        if target:
            self.note_target(target)
        self.note_start()
        self._sweep()

    def note_target(self, target):
        """For `replay` and for whoever finds the folder."""
        self.target = target
        write_atomically(self.path / CAMPAIGN, json.dumps({"target": target}) + "\n")

    def note_start(self):
        """What follows is of a machine that has just started: its clock and its counts begin again."""
        self.started = time.time()

    @staticmethod
    def _try_writing(folder):
        trial = folder / f".trial.{os.getpid()}"
        trial.touch()
        trial.unlink()

    def _sweep(self):
        """What a killed run left half-written has a name that begins with a dot."""
        leftovers = [leftover for part in ("corpus", *FINDINGS.values()) for leftover in self.path.glob(f"{part}/.*.tmp")]
        for leftover in leftovers:
            with self._writing():
                shutil.rmtree(leftover) if leftover.is_dir() and not leftover.is_symlink() else leftover.unlink()

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
        """The inputs of earlier runs, by name, so that the same run starts the same way."""
        return inputs_in(self.path / "corpus")

    def add_stats(self, record):
        with self._writing():
            self.stats.write(json.dumps({**record, "started": self.started}) + "\n")
            self.stats.flush()

    def add_corpus(self, record):
        with self._writing():
            write_atomically(self._place("corpus", record["hash"]), base64.b64decode(record["data"]))

    def add_edges(self, record):
        with self._writing():
            write_atomically(self.path / "edges.json", json.dumps(record) + "\n")

    def folder_of(self, described):
        return self._place(FINDINGS[described["type"]], described["hash"])

    def add_crash(self, record, described, chain):
        """A new folder appears whole; an old one keeps its first input (the one its trace is about)."""
        folder = self.folder_of(described)
        if folder.exists():
            return False
        fresh = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
        with self._writing():
            fresh.mkdir()
            (fresh / "input").write_bytes(base64.b64decode(record.get("input", "")))
            named = {"target": self.target} if self.target else {}
            (fresh / "crash.json").write_text(json.dumps({**described, **named}, indent=1) + "\n")
            (fresh / "trace.txt").write_text(trace_text(described, chain), encoding="utf-8")
            os.rename(fresh, folder)
        return True

    def add_chain(self, described, chain):
        """The chain came after its record: the trace is written anew."""
        folder = self.folder_of(described)
        if folder.is_dir():
            with self._writing():
                write_atomically(folder / "trace.txt", trace_text(described, chain))

    def close(self):
        with self._writing():           # what is still buffered
            self.serial.close()
            self.stats.close()
