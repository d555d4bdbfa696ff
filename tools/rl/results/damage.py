"""Opens an output folder that may be damaged: what is not as a run writes it goes to damaged/ in it, and is named."""
import errno
import os
import shutil
import stat

from tools.rl.common import write_atomically
from tools.rl.machines.record_types import HASH
from tools.rl.results import crash_counts, refused, run_facts, saved_results
from tools.rl.results.saving import is_file, is_folder

FOLDER = "damaged"
MOST_NAMED = 10                 # of what is set aside; the others are counted
LARGEST_INPUT = 1 << 26         # bytes: no target takes a longer one
GROWING = ("serial.log", "stats.jsonl", run_facts.FILE)
WHOLE = ("campaign.json", "edges.json", refused.FILE, crash_counts.FILE, "report.html")     # each written at once


def refuse_links(path):
    """A link may lead anywhere, and a pipe may wait without end."""
    if os.path.lexists(path) and not is_folder(path) and not is_file(path):
        raise OSError(errno.EINVAL, f"{path.name} in it is a link, or not what a run makes")


class Mended:
    """One look through a folder. `lines` say what was set aside."""

    def __init__(self, out, findings):
        self.out, self.findings = out, findings
        self.aside = []                 # (name, why)

    def set_aside(self, path, why, move=os.rename):
        """`move(path, place)`: a copy where a mended file follows, so that there is one at every moment."""
        place = self.out / FOLDER
        refuse_links(place)
        place.mkdir(exist_ok=True)
        name = "-".join(path.relative_to(self.out).parts)
        number = next(n for n in range(1 << 20) if not os.path.lexists(place / f"{name}{f'.{n}' if n else ''}"))
        move(path, place / f"{name}{f'.{number}' if number else ''}")
        self.aside.append((str(path.relative_to(self.out)), why))

    def lines(self):
        named = [f"set aside, into {self.out / FOLDER}: {name} ({why})" for name, why in self.aside[:MOST_NAMED]]
        more = len(self.aside) - MOST_NAMED
        return named + ([f"set aside, into {self.out / FOLDER}: {more} others"] if more > 0 else [])

    def kinds(self):
        """Files where folders belong, and the other way round. To be called before anything is opened."""
        for part in ("corpus", *self.findings):
            refuse_links(self.out / part)
            if is_file(self.out / part):
                self.set_aside(self.out / part, "a file where a folder belongs")
        for name in GROWING:
            refuse_links(self.out / name)
        for name in (*GROWING, *WHOLE):
            if is_folder(self.out / name):
                self.set_aside(self.out / name, "a folder where a file belongs")

    def contents(self):
        for part in self.findings:
            for folder in sorted((self.out / part).iterdir()):
                if HASH.fullmatch(folder.name) and not folder.is_symlink():
                    self._finding(folder)
        for path in sorted((self.out / "corpus").iterdir()):
            if not path.name.startswith(".") and not path.is_symlink():
                self._input(path)
        self._json("campaign.json", lambda path: saved_results.json_in(path).items())
        self._json("edges.json", lambda path: saved_results.edges(self.out))
        self._json(refused.FILE, lambda path: refused.load(self.out))
        self._json(crash_counts.FILE, lambda path: crash_counts.load(self.out))

    def _finding(self, folder):
        try:
            if not is_folder(folder) or not is_file(folder / "input"):
                raise saved_results.Damaged("no whole folder with an input")
            saved_results.crash(folder)
        except saved_results.Damaged as damaged:
            self.set_aside(folder, str(damaged).replace(f"{folder}/", "").replace(f"{folder}: ", ""))

    def _input(self, path):
        mode = path.stat()
        if not stat.S_ISREG(mode.st_mode):
            self.set_aside(path, "no file")
        elif mode.st_size > LARGEST_INPUT:
            self.set_aside(path, f"{mode.st_size} bytes are no input")
        elif not os.access(path, os.R_OK):
            self.set_aside(path, "it cannot be read")

    def _json(self, name, read):
        path = self.out / name
        try:
            if is_file(path):
                read(path)
        except (saved_results.Damaged, AttributeError, TypeError, ValueError):
            self.set_aside(path, "not what a run writes")

    def statistics(self):
        """The records that are whole, in their order; the lines that are none are set aside."""
        path, bad = self.out / "stats.jsonl", 0
        found = []
        for record, _ in self._records(path):
            if record is None:
                bad += 1
            else:
                found.append(record)
        if bad:
            whole = b"".join(line for record, line in self._records(path) if record is not None)
            self.set_aside(path, f"{bad} lines are no statistics, {len(found)} are kept", shutil.copyfile)
            write_atomically(path, whole)
        return found

    @staticmethod
    def _records(path):
        """(the record or None, the line) of each line."""
        for line in saved_results.lines(path) if is_file(path) else ():
            yield saved_results.record(line) if line.endswith(b"\n") else None, line
