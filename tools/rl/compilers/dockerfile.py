"""Follows an OSS-Fuzz project's Dockerfile without a container: what it copies, where its sources lie, where it builds.

Its packages are for the user to install, and what it clones is given by --source; nothing is fetched here.
"""
import glob
import os
import re
import shutil
import subprocess
from pathlib import Path

from tools.rl.common import Stop, USAGE

# What a RUN line may do here, below the project's own folder.
SMALL_COMMANDS = ("cp", "mkdir", "mv", "zip", "unzip", "tar", "touch")
CLONE_VALUES = ("-b", "--branch", "--depth", "-c", "--config", "-j", "--jobs", "--shallow-since")
VERSION = re.compile(r"[-_.]?v?\d.*$")


def instructions(text):
    """(instruction, rest) of each, continued lines joined."""
    text = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in re.sub(r"\\\s*\n", " ", text).splitlines():
        word, _, rest = line.strip().partition(" ")
        if word:
            yield word.upper(), rest.strip()


def clone(command):
    """(address, folder as written, or None) of a git clone; None when it is none."""
    words = command.split()
    if words[:2] != ["git", "clone"]:
        return None
    given, skip = [], False
    for word in words[2:]:
        if not skip and not word.startswith("-"):
            given.append(word)
        skip = word in CLONE_VALUES and not skip
    if not given:
        return None
    name = given[0].rstrip("/").rsplit("/", 1)[-1]
    return given[0], given[1] if len(given) > 1 else name[:-4] if name.endswith(".git") else name


def plain(name):
    """A project's name without a version."""
    return VERSION.sub("", name).lower() or name.lower()


class Project:
    """The folder that a Dockerfile would have made, made in `source`."""

    def __init__(self, folder, source, given):
        self.folder, self.source, self.given = folder, source, list(given)
        self.place = source             # the current working directory
        self.packages, self.notes, self.clones, self.environment = [], [], [], {}

    def make(self):
        file = self.folder / "Dockerfile"
        steps = list(instructions(file.read_text(errors="replace"))) if file.is_file() else []
        self.source.mkdir(parents=True)
        self._copy_own_files()
        self._put_sources(steps)
        for instruction, rest in steps:
            getattr(self, f"_{instruction.lower()}", self._other)(rest)
        self.place.mkdir(parents=True, exist_ok=True)

    def _copy_own_files(self):
        for path in self.folder.iterdir():
            if path.is_file():
                shutil.copy2(path, self.source / path.name)

    def path(self, text):
        """A path of the Dockerfile, here; never outside of the project's own folder."""
        text = re.sub(r"\$\{?SRC\}?|^/src(?=/|$)", str(self.source), text)
        found = Path(os.path.normpath(self.place / text))
        return found if found == self.source or self.source in found.parents else None

    def _put_sources(self, steps):
        """Each --source where the clone of that name would be, the only one where the only clone would be."""
        wanted, place = [], self.place
        for instruction, rest in steps:
            if instruction == "WORKDIR":
                self.place = self.path(rest) or self.place
            for command in re.split(r"&&|;", rest) if instruction == "RUN" else ():
                found = clone(command.strip())
                if found and self.path(found[1]):
                    wanted.append((found[0], self.path(found[1])))
        self.place = place
        for address, path in list(wanted):
            same = [given for given in self.given if plain(given.name) in (plain(path.name), plain(Path(address).stem))]
            if same or len(wanted) == len(self.given) == 1:
                self._put((same or self.given)[0], path)
                wanted.remove((address, path))
        for given in list(self.given):
            self._put(given, self.source / given.name)
        self.notes += [f"no --source for {path.name} ({address})" for address, path in wanted]

    def _put(self, given, path):
        self.given.remove(given)
        try:
            shutil.copytree(given, path, symlinks=True)
        except (OSError, shutil.Error) as error:
            raise Stop(USAGE, f"--source {given} cannot be copied: {error}")

    def _workdir(self, rest):
        self.place = self.path(rest) or self.place

    def _env(self, rest):
        pairs = re.findall(r'(\w+)=("[^"]*"|\S+)', rest) or [tuple((rest.split(None, 1) + [""])[:2])]
        self.environment.update({key: value.strip('"') for key, value in pairs})

    def _copy(self, rest):
        words = [word for word in rest.split() if not word.startswith("--")]
        to = self.path(words[-1]) if len(words) > 1 else None
        if to is None or rest.startswith("["):
            self.notes.append(f"not done: COPY {rest}")
            return
        for pattern in words[:-1]:
            for path in map(Path, glob.glob(str(self.folder / pattern))):
                to_folder = words[-1].endswith("/") or to.is_dir() or len(words) > 2
                place = to / path.name if to_folder and path.is_file() else to
                place.parent.mkdir(parents=True, exist_ok=True)
                if path.is_dir():
                    shutil.copytree(path, place, symlinks=True, dirs_exist_ok=True)
                else:
                    shutil.copy2(path, place)

    _add = _copy

    def _run(self, rest):
        for command in map(str.strip, re.split(r"&&|;", rest)):
            words = command.split()
            if not words or clone(command):
                continue
            if words[0] in ("apt-get", "apt"):
                self.packages += [w for w in words[2:] if not w.startswith("-") and w not in ("install", "update")]
            elif not self._small(words):
                self.notes.append(f"not done: RUN {command}")

    def _small(self, words):
        """Copies and archives files of the project; false for a command that does, or touches, anything else."""
        if words[0] not in SMALL_COMMANDS or re.search(r"[`<>|&'\"\\]|\$(?!\{?SRC\b)", " ".join(words)):
            return False
        argv = words[:1]
        for word in words[1:]:
            if word.startswith("-") and not re.fullmatch(r"-[A-Za-z0-9]+", word):
                return False            # an option could name a path, or a program
            path = None if word.startswith("-") else self.path(word)
            if path is None and not word.startswith("-"):
                return False
            argv += [word] if path is None else sorted(glob.glob(str(path))) or [str(path)]
        self.place.mkdir(parents=True, exist_ok=True)
        relative = [os.path.relpath(word, self.place) if os.path.isabs(word) else word for word in argv[1:]]
        done = subprocess.run([argv[0], *relative], cwd=self.place, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        if done.returncode:
            self.notes.append(f"failed: RUN {' '.join(words)}")
        return True

    def _other(self, rest):
        """FROM, ENTRYPOINT and their like have no meaning without a container."""
