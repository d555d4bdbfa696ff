"""clang-tidy over every C++ source, for `build.py check`: what is unchanged since it was clean is not tidied again.

The result is cached by the hash of everything that clang-tidy sees: the compile command, the file and the headers it
reaches, the .clang-tidy files and the tools' versions. An empty file in build/tidy/clean, named by that hash, says
that the source is clean.

Two thirds of the time for a host test go into GoogleTest and the C++ library, which clang-tidy parses and matches
again for each. So the tests of one folder are tidied together first, pasted into one translation unit (a group), each
in a namespace of its own. A group that is clean proves its files clean, except for unused using-declarations: a use
in one file hides an unused one in another. A second, cheap run finds those, in packs of files that cannot hide each
other's. When either run complains, or names clash in the group, the full run of each file alone decides.
"""
import hashlib
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple, Tuple

from tools.rl.building.ninja import locked
from tools.rl.building.progress import Progress
from tools.rl.common import BUILD, ROOT

FOLDER = BUILD / "tidy"
CONFIGS = (".clang-tidy", "tests/.clang-tidy")
# What else can change clang-tidy's verdict: the program, the C++ library, GoogleTest.
SYSTEM = ("/usr/include/c++/*", "/usr/include/gtest/*.h", "/usr/include/xxhash.h")
GROUPED = "tests/unit/"
SMALLEST_GROUP, LARGEST_GROUP = 4, 20           # fewer files are quicker one by one; more make one long step
USINGS = "-*,misc-unused-using-decls"           # the check whose answer depends on the whole translation unit
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
ANY_INCLUDE = re.compile(r"^\s*#\s*include\s.*$", re.M)
REACHES_OUT = re.compile(r"^(?:inline )?namespace \w[\w:]*\s*\{|^#\s*define\b", re.M)
USING = re.compile(r"^\s*using\s[^=;]*::[^=;]*;", re.M)
COMPLAINT = re.compile(r"^\S+:\d+:\d+: (?:error|warning): ", re.M)


class Source(NamedTuple):
    name: str                   # relative to the root
    flags: Tuple[str, ...]
    key: str                    # hash of everything that clang-tidy sees
    size: int                   # bytes of the file and its headers: how long it will take
    compile_only: bool = False  # tidied with other flags already


class Job(NamedTuple):
    sources: Tuple[Source, ...]
    argv: Tuple[str, ...]
    final: bool                 # its complaints are the verdict; otherwise each of its files is tidied alone
    size: int


class Outcome(NamedTuple):
    job: Job
    clean: bool
    text: str


class Reader:
    """The text of the tree's files, and which of them each reaches through includes, at any depth."""

    def __init__(self, root=ROOT):
        self.root = root
        self.texts, self.word_sets = {}, {}

    def text(self, name):
        if name not in self.texts:
            path = self.root / name
            self.texts[name] = path.read_text() if path.is_file() else None
        return self.texts[name]

    def words(self, name):
        if name not in self.word_sets:
            self.word_sets[name] = set(re.findall(r"\w+", self.text(name)))
        return self.word_sets[name]

    def reached(self, name):
        """The file and its headers, sorted. An include that is not in the tree is the system's."""
        found, waiting = set(), [name]
        while waiting:
            file = waiting.pop()
            if file not in found and self.text(file) is not None:
                found.add(file)
                waiting += INCLUDE.findall(self.text(file))
                waiting += [str(Path(file).parent / used) for used in INCLUDE.findall(self.text(file))]
        return sorted(found)


def environment_hash():
    """Of what is the same for all files: the tool, its configuration, the system's headers, this file."""
    texts = [subprocess.run(["clang-tidy", "--version"], capture_output=True, text=True).stdout]
    texts += [(ROOT / name).read_text() for name in CONFIGS] + [Path(__file__).read_text()]
    for pattern in SYSTEM:
        for path in sorted(Path("/").glob(pattern[1:])):
            texts.append(f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}")
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def flags_of(entry):
    """The compile command without the compiler, the source and the output."""
    words = entry["command"].split()
    return tuple(words[1:words.index("-c")])


def sources_of(commands, reader, environment, compile_only=False):
    """The C++ sources of {file: entry of compile_commands.json}."""
    found = []
    for name, entry in sorted(commands.items()):
        if name.endswith(".cpp"):
            texts = [f"{file}\0{reader.text(file)}" for file in reader.reached(name)]
            everything = "\0".join([environment, str(compile_only), name, *flags_of(entry), *texts])
            size = sum(map(len, texts))
            key = hashlib.sha256(everything.encode()).hexdigest()
            found.append(Source(name, flags_of(entry), key, size, compile_only))
    return found


def can_be_grouped(source, reader):
    """Inside a group's namespace, a file's own named namespace would hide the one of that name; a macro would stay."""
    return source.name.startswith(GROUPED) and not REACHES_OUT.search(reader.text(source.name))


def grouped(sources, reader):
    """(groups, the others). A group: tests with the same flags, of one folder or of adjacent small ones."""
    by_folder, others = {}, []
    for source in sources:
        if can_be_grouped(source, reader):
            by_folder.setdefault((source.flags, source.name.split("/")[2]), []).append(source)
        else:
            others.append(source)
    groups = []
    for (flags, _), members in by_folder.items():
        joins = groups and groups[-1][0].flags == flags and len(groups[-1]) + len(members) <= LARGEST_GROUP
        if joins and min(len(groups[-1]), len(members)) < SMALLEST_GROUP:
            groups[-1] += members
        else:
            groups.append(list(members))
    others += [source for group in groups if len(group) < SMALLEST_GROUP for source in group]
    return [group for group in groups if len(group) >= SMALLEST_GROUP], others


def group_text(names, reader):
    """One translation unit of many: first all their includes, then the text of each file in a namespace of its own.

    Pasted, not included: clang and clang-tidy look at the main file more closely than at what it includes.
    """
    lines = []
    for name in names:
        lines += [line for line in ANY_INCLUDE.findall(reader.text(name)) if line not in lines]
    for number, name in enumerate(names):
        lines += [f"namespace file_{number} {{  // {name}", ANY_INCLUDE.sub("", reader.text(name)), "}"]
    return "\n".join(lines) + "\n"


def tidy(file, *options):
    return ("clang-tidy", "--quiet", "--use-color=0", *options, str(file))


def single_job(source):
    if source.compile_only:
        argv = ("clang++", *source.flags, "-fno-color-diagnostics", "-fsyntax-only", source.name)
        return Job((source,), argv, True, source.size // 4)
    return Job((source,), (*tidy(source.name), "-p", "build"), True, source.size)


def used_names(text):
    """What the using-declarations of a file name."""
    return {name for using in USING.findall(text) for name in re.findall(r"(\w+)\s*[,;]", using)}


def hides(one, other, reader):
    """Whether what only `one` reaches has a word that a using-declaration of `other` names: it may be a use of it."""
    names = used_names(reader.text(other.name))
    return any(names & reader.words(file) for file in set(reader.reached(one.name)) - set(reader.reached(other.name)))


def packs(group, reader):
    """The files with using-declarations, in as few lists as a first fit finds, so that no file hides another's."""
    found = []
    for source in group:
        if used_names(reader.text(source.name)):
            fits = (pack for pack in found
                    if not any(hides(source, other, reader) or hides(other, source, reader) for other in pack))
            pack = next(fits, None)
            if pack is None:
                found.append([source])
            else:
                pack.append(source)
    return found


def joint_job(unit, sources, reader, *options):
    """One run over all of the sources, pasted into the file `unit`."""
    unit.write_text(group_text([source.name for source in sources], reader))
    argv = (*tidy(unit.relative_to(ROOT), *options), "--", *sources[0].flags)
    return Job(tuple(sources), argv, False, sum(source.size for source in sources))


def group_jobs(folder, number, group, reader):
    """The run of the group, and those of its packs."""
    return [joint_job(folder / f"{number}.cpp", group, reader)] + [
        joint_job(folder / f"{number}_{count}.cpp", pack, reader, f"--checks={USINGS}")
        for count, pack in enumerate(packs(group, reader))]


def run_job(job):
    done = subprocess.run(job.argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return Outcome(job, done.returncode == 0, done.stdout + (done.stderr if not done.stdout else ""))


def run_jobs(jobs, note, run=run_job):
    """The outcomes; the longest jobs start first, so that every core is busy to the end. `note` sees each one."""
    outcomes = []
    with ThreadPoolExecutor(max(1, os.cpu_count() or 1)) as pool:
        for future in as_completed([pool.submit(run, job) for job in sorted(jobs, key=lambda job: -job.size)]):
            outcomes.append(future.result())
            note(outcomes[-1])
    return outcomes


def verdicts(jobs, note=lambda outcome: None, run=run_job):
    """(sources that are clean, outcomes that complain), with each file of an unclean group tidied alone."""
    first = run_jobs(jobs, note, run)
    doubtful = {source for outcome in first if not outcome.clean and not outcome.job.final
                for source in outcome.job.sources}
    second = run_jobs([single_job(source) for source in sorted(doubtful)], note, run)
    complaining = [outcome for outcome in first + second if not outcome.clean and outcome.job.final]
    unclean = {source for outcome in complaining for source in outcome.job.sources}
    return {source for job in jobs for source in job.sources} - unclean, complaining


def blocks(text):
    """The complaints in clang-tidy's output, each with the lines that explain it."""
    starts = [match.start() for match in COMPLAINT.finditer(text)]
    if not starts:
        return [text.rstrip()] if text.strip() else []
    return [text[start:end].rstrip() for start, end in zip(starts, [*starts[1:], len(text)])]


def complaints_in(outcomes):
    """Every complaint once: a header's comes with each file that includes it."""
    found = {}
    for outcome in sorted(outcomes, key=lambda outcome: outcome.job.sources):
        name = outcome.job.sources[0].name
        for block in blocks(outcome.text) or [f"{name}: clang-tidy failed without a message"]:
            found.setdefault(block.splitlines()[0].replace(f"{ROOT}/", "").replace("./", "", 1), block)
    return list(found.values())


def planned(stale, reader):
    folder = FOLDER / "groups"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".clang-tidy").write_text((ROOT / CONFIGS[1]).read_text())     # a group is tidied as the tests are
    groups, others = grouped(stale, reader)
    jobs = [single_job(source) for source in others]
    return jobs + [job for number, group in enumerate(groups)
                   for job in group_jobs(folder, number, group, reader)]


def check(commands, variants):
    """(complaints, files tidied, files) of the sources of {file: entry of compile_commands.json}.

    `variants`: the same for files that are compiled in a second way; the compiler's warnings there count as well.
    """
    with locked(FOLDER, "tidying"):
        return _check(commands, variants)


def _check(commands, variants):
    reader, remembered = Reader(), FOLDER / "clean"
    remembered.mkdir(parents=True, exist_ok=True)
    environment = environment_hash()
    every = sources_of(commands, reader, environment) + sources_of(variants, reader, environment, compile_only=True)
    stale = [source for source in every if not (remembered / source.key).exists()]
    left = {}
    jobs = planned(stale, reader)
    for job in jobs:
        for source in job.sources:
            left[source] = left.get(source, 0) + 1
    with Progress("tidy", len(stale), "files") as progress:
        def note(outcome):
            for source in outcome.job.sources:
                left[source] -= 1
            progress.set(sum(count <= 0 for count in left.values()))
            if outcome.clean and outcome.job.final:
                (remembered / outcome.job.sources[0].key).touch()
        clean, complaining = verdicts(jobs, note)
    for source in clean:
        (remembered / source.key).touch()
    return complaints_in(complaining), len(stale), len(every)
