"""How often each crash came, over all runs into a folder: counts.json, {hash: times}."""
import json

from tools.rl.common import write_atomically
from tools.rl.machines.record_types import Bad, counts
from tools.rl.results import saved_results

FILE = "counts.json"
MOST = 1024                     # hashes that are counted


def load(folder):
    """{hash: times}; Damaged when the file is not as a run writes it."""
    path = folder / FILE
    if not path.exists():
        return {}
    try:
        return counts(saved_results.json_in(path))
    except Bad as bad:
        raise saved_results.Damaged(f"{path}: {bad}")


class CrashCounts:
    """Those of earlier machines, and of the present one, whose counts begin at its start."""

    def __init__(self, folder):
        self.folder = folder
        try:
            self.before = load(folder)
        except saved_results.Damaged:       # it is written anew
            self.before = {}
        self.now = {}

    def began(self):
        """A machine has started: it counts from nothing."""
        self.before, self.now = self.total(), {}

    def add(self, found):
        """`found`: {hash: times} of the present machine; of a hash, the last is the whole."""
        self.now.update({key: times for key, times in found.items() if key in self.now or len(self.now) < MOST})

    def of(self, key):
        return self.before.get(key, 0) + self.now.get(key, 0)

    def total(self):
        every = dict.fromkeys([*self.before, *self.now])
        return {key: self.of(key) for key in list(every)[:MOST]}

    def save(self):
        if self.before or self.now:
            write_atomically(self.folder / FILE, json.dumps(self.total(), indent=1) + "\n")
