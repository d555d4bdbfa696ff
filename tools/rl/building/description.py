"""target.json: what a target's folder says about itself, checked. Every path in it begins at that folder."""
import glob
import hashlib
import json
import os
import re
from pathlib import Path
from typing import NamedTuple, Optional, Tuple

from tools.rl.building import brought_files
from tools.rl.building.brought_files import Brought
from tools.rl.common import ROOT, Stop, USAGE

FOLDER = "targets"
LARGEST_MAX_LEN = 2 * 1024 * 1024             # what the target's runtime has room for (targets/runtime/abi.h)
MOST_EDGES = 1 << 62
MOST_NAME = 31                                # rl_control.target and one NUL
KEYS = {"language": str, "libc": str, "sources": list, "packages": list, "cflags": list, "cxxflags": list,
        "ldflags": list, "max_len": int, "timeout_edges": int, "dict": str, "source": str, "files": dict}
OF_OUR_BUILD = ("language", "libc", "sources", "cflags", "cxxflags", "ldflags")    # not with a build.sh
C, CXX, ASSEMBLY, OBJECT = "c", "c++", "assembly", "object"
NAMES = {list: "a list of texts", dict: "an object of paths and files"}
KINDS = {".c": C, ".cc": CXX, ".cpp": CXX, ".cxx": CXX, ".c++": CXX, ".cp": CXX, ".C": CXX, ".s": ASSEMBLY,
         ".S": ASSEMBLY, ".o": OBJECT, ".a": OBJECT}
# Compiler options that a path follows, in the same word or in the next one.
PATH_OPTIONS = ("-idirafter", "-isystem", "-imacros", "-include", "-iquote", "-I", "-L", "-B")
WILD = re.compile(r"[*?\[]")
# Debian's: any other word may be an option or a file to apt-get, and one that ends in "-" is taken away.
PACKAGE = re.compile(r"[a-z0-9](?:[a-z0-9+.-]*[a-z0-9+.])?")


class Target(NamedTuple):
    """Every path is relative to the root where it lies below it, else absolute."""
    name: str
    folder: str
    language: str                       # "c++" when any of it is: what links it
    libc: str                           # "musl" or "glibc"
    sources: Tuple[str, ...]            # to compile, in every language
    objects: Tuple[str, ...] = ()       # objects and archives to link, made elsewhere
    packages: Tuple[str, ...] = ()      # Debian's, beyond the compiler and the libc
    cflags: Tuple[str, ...] = ()        # for C and C++
    cxxflags: Tuple[str, ...] = ()      # for C++ alone
    ldflags: Tuple[str, ...] = ()
    max_len: Optional[int] = None       # None: from the seeds
    timeout_edges: Optional[int] = None     # None: from the seeds
    dictionary: Optional[str] = None
    seeds: Tuple[str, ...] = ()
    build_dir: str = "build"            # what is made of it goes to BUILD_DIR/targets/NAME/
    files: Optional[Tuple[Brought, ...]] = None     # that it brings; None: the data beside it
    ready: Optional[str] = None         # an ELF that raclette-cc links: there already, or by `source`
    source: Optional[str] = None        # Debian's source package that the folder's build.sh builds

    def built(self, file):
        return f"{self.build_dir}/{FOLDER}/{self.name}/{file}"

    @property
    def elf(self):
        return self.ready or self.built("target.elf")

    @property
    def stripped(self):
        return self.built("target.stripped.elf")


class Broken(Stop):
    """A target that cannot be built as it stands; the others can."""

    def __init__(self, where, complaint):
        super().__init__(USAGE, f"{where}: {complaint}")


def kind_of(source):
    return KINDS.get(Path(source).suffix)


def from_root(path):
    """A path as commands that run in the root take it."""
    path = Path(os.path.normpath(Path(path).absolute()))
    return str(path.relative_to(ROOT)) if ROOT in path.parents else str(path)


def _same_place(folder, path):
    """A path of target.json. "targets/NAME/..." of a target that was moved names the same file where it is now."""
    path = Path(path)
    inside = folder / path
    if not path.is_absolute() and not inside.exists():
        if path.parts[:2] == (FOLDER, folder.name):
            return folder.joinpath(*path.parts[2:])
        if (ROOT / path).exists():
            return ROOT / path
    return inside


def _files(folder, words):
    """The files that a list names, in its order, each once; a pattern gives its matches sorted."""
    found = []
    for word in words:
        if WILD.search(word) and not (folder / word).exists():
            matches = sorted(glob.glob(f"{glob.escape(str(folder))}/{word}", recursive=True))
            if not matches:
                raise ValueError(f"no file is called {word!r}")
            found += matches
        else:
            path = _same_place(folder, word)
            if not path.is_file():
                raise ValueError(f"there is no file {word!r}")
            found.append(path)
    return tuple(dict.fromkeys(map(from_root, found)))


def _located(folder, words):
    """Options whose paths begin at the folder, as commands that run in the root take them."""
    found, takes_path = [], False
    for word in words:
        option = next((option for option in PATH_OPTIONS if word.startswith(option)), None)
        if takes_path:
            found.append(from_root(_same_place(folder, word)))
        elif option and len(word) > len(option):
            found.append(option + from_root(_same_place(folder, word[len(option):])))
        else:
            found.append(word)
        takes_path = not takes_path and option is not None and len(word) == len(option)
    return tuple(found)


def _linked(folder, words):
    """(options, files) of ldflags: a word that is no option is an object or an archive."""
    files = [word for n, word in enumerate(words)
             if not word.startswith("-") and not (n and words[n - 1] in (*PATH_OPTIONS, "-u", "-z", "-Xlinker"))]
    return _located(folder, [word for word in words if word not in files]), _files(folder, files)


def _check_types(values):
    if not isinstance(values, dict):
        raise ValueError("it is not an object of keys and values")
    for key, value in values.items():
        if key not in KEYS:
            raise ValueError(f"unknown key {key!r}")
        if not isinstance(value, KEYS[key]) or isinstance(value, bool):
            raise ValueError(f"{key} is not {NAMES.get(KEYS[key], KEYS[key].__name__)}")
        if isinstance(value, dict) and not all(isinstance(word, str) and word for word in value.values()):
            raise ValueError(f"{key} does not name a file for each path")
        if isinstance(value, list) and not all(isinstance(word, str) and word and "\n" not in word for word in value):
            raise ValueError(f"{key} is not a list of texts, each in one line")
    for word in values.get("packages", []):
        if not PACKAGE.fullmatch(word):
            raise ValueError(f"{word!r} is no name of a package")
    if "source" in values:
        _check_source(values)
    elif not values.get("sources"):
        raise ValueError("it names no sources")
    if not 0 < values.get("max_len", 1) <= LARGEST_MAX_LEN:
        raise ValueError(f"max_len must be from 1 to {LARGEST_MAX_LEN}")
    if not 0 < values.get("timeout_edges", 1) < MOST_EDGES:
        raise ValueError("timeout_edges must be a number of edges, from 1 on")


def _check_source(values):
    if not PACKAGE.fullmatch(values["source"]):
        raise ValueError(f"source {values['source']!r} is no name of a Debian package")
    unused = next((key for key in OF_OUR_BUILD if key in values), None)
    if unused:
        raise ValueError(f"{unused} has no meaning beside source: build.sh builds the target")


def _languages(values, files, linked):
    """(language, libc): what they say, or what the sources need."""
    unknown = next((file for file in files if kind_of(file) is None), None)
    if unknown:
        raise ValueError(f"{Path(unknown).name} is of no known kind of source ({' '.join(KINDS)})")
    language = values.get("language", C)
    if any(kind_of(file) == CXX for file in files):
        language = CXX
    # What is made elsewhere was compiled with the headers of Debian's C library.
    made_elsewhere = linked or any(kind_of(file) == OBJECT for file in files)
    libc = values.get("libc", "musl" if language == C and not made_elsewhere else "glibc")
    if (language, libc) not in ((C, "musl"), (C, "glibc"), (CXX, "glibc")):
        raise ValueError("language and libc must be c with musl or glibc, or c++ with glibc")
    return language, libc


def plain_path(path):
    """A path below build/, of letters that mean nothing to a shell, ninja or a depfile; two paths never become one."""
    plain = re.sub(r"[^A-Za-z0-9._+/-]", "_", path)
    return plain if plain == path else f"{plain}.{short_hash(path)}"


def short_hash(text):
    return hashlib.sha256(str(text).encode()).hexdigest()[:8]


def name_of(path):
    """A name for the target: what records, file names and the control block can hold."""
    return re.sub(r"[^A-Za-z0-9._+-]", "_", path)[:MOST_NAME].lstrip(".-") or "target"


def _of_source(folder, values, build_dir):
    """The target of a source package: build.sh makes an ELF of the folder's name, as an OSS-Fuzz project does."""
    name = name_of(folder.name)
    dictionary = _files(folder, [values["dict"]])[0] if values.get("dict") else None
    if not (folder / "build.sh").is_file():
        raise ValueError("there is no build.sh beside it, which builds the source package")
    return Target(
        name, from_root(folder), CXX, "glibc", sources=(), packages=tuple(values.get("packages", [])),
        max_len=values.get("max_len"), timeout_edges=values.get("timeout_edges"), dictionary=dictionary,
        files=_brought(folder, values), seeds=_seeds(folder), build_dir=build_dir, source=values["source"],
        ready=f"{build_dir}/out/{name}")


def _brought(folder, values):
    if "files" not in values:
        return None
    return brought_files.named(lambda word: _same_place(folder, word), values["files"])


def _seeds(folder):
    return tuple(sorted(from_root(path) for path in (folder / "seeds").glob("*") if path.is_file()))


def read(folder, build_dir=None):
    """The target in that folder, a part of the tree's build or with a place of its own; Broken says what is wrong."""
    folder = Path(folder)
    where = f"{from_root(folder)}/target.json"
    try:
        values = json.loads((folder / "target.json").read_text())
        _check_types(values)
        if "source" in values:
            return _of_source(folder, values, build_dir or f"build/projects/{name_of(folder.name)}")
        files = _files(folder, values["sources"])
        options, linked = _linked(folder, values.get("ldflags", []))
        language, libc = _languages(values, files, linked)
        dictionary = _files(folder, [values["dict"]])[0] if values.get("dict") else None
        brought = _brought(folder, values)
    except (OSError, ValueError, RecursionError) as error:
        raise Broken(where, error)
    return Target(
        name_of(folder.name), from_root(folder), language, libc,
        sources=tuple(file for file in files if kind_of(file) != OBJECT),
        objects=tuple(file for file in files if kind_of(file) == OBJECT) + linked,
        packages=tuple(values.get("packages", [])),
        cflags=_located(folder, values.get("cflags", [])), cxxflags=_located(folder, values.get("cxxflags", [])),
        ldflags=options, max_len=values.get("max_len"), timeout_edges=values.get("timeout_edges"),
        dictionary=dictionary, build_dir=build_dir or "build", files=brought, seeds=_seeds(folder))
