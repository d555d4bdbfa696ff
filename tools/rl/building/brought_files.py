"""The files that a target brings into its file system: `files` of target.json, and data beside a program.

    "files": {"/etc/app.conf": "app.conf", "/data": "folder"}
"""
import os
import re
import struct
from pathlib import Path
from typing import NamedTuple, Optional

MOST_BYTES = 64 << 20           # of all files; the kernel holds them twice
MOST_FILES = 1000               # with their folders (max_files of targets/runtime/linux/linux.h is twice that)
MOST_BYTES_BESIDE = 16 << 20    # of what the target does not name
LONGEST_PATH, LONGEST_NAME = 4095, 255
PROGRAM_FOLDER = "/out"         # guest/start.cpp: where the program is, and where it starts
RECORD = struct.Struct("<QQ")   # rl_brought_file of targets/runtime/abi.h
ALIGN = 16
OWN = ("/dev", "/proc")         # made by the target's runtime
OWN_FOLDERS = ("/tmp", "/home", "/etc", "/var", "/var/tmp", PROGRAM_FOLDER)


class Brought(NamedTuple):
    path: str                   # in the target; absolute
    source: Optional[str]       # the file here; None: a folder
    size: int = 0


def _checked_path(path):
    """The path that the target will use: absolute, and with one way to write it."""
    if not path.startswith("/"):
        raise ValueError("a path in the target begins with /")
    path = path[:-1] if path.endswith("/") else path
    if "\0" in path or any(part in ("", ".", "..") for part in path.split("/")[1:] or [""]):
        raise ValueError("a path in the target has no empty part, no . and no ..")
    try:
        raw = os.fsencode(path)
    except UnicodeEncodeError:
        raise ValueError("a path in the target is text")
    if len(raw) > LONGEST_PATH or any(len(part) > LONGEST_NAME for part in raw.split(b"/")):
        raise ValueError(f"a path in the target has at most {LONGEST_PATH} bytes, a name {LONGEST_NAME}")
    if any(path == own or path.startswith(f"{own}/") for own in OWN):
        raise ValueError(f"{' and '.join(OWN)} are the runtime's own")
    return path


def _in_folder(path, folder):
    """Everything in a folder, with the folders themselves."""
    found = [Brought(path, None)]
    for place, folders, files in os.walk(folder):
        inside = os.path.relpath(place, folder)
        at = path if inside == "." else f"{path}/{inside}"
        for name in folders:
            if os.path.islink(os.path.join(place, name)):
                raise ValueError(f"{os.path.join(inside, name)!r} is a link to a folder")
        folders.sort()
        found += [Brought(f"{at}/{name}", None) for name in folders]
        found += [_one_file(f"{at}/{name}", os.path.join(place, name)) for name in sorted(files)]
    return found


def _one_file(path, source):
    if not os.path.isfile(source):
        raise ValueError(f"{source!r} is neither a file nor a folder")
    return Brought(_checked_path(path), str(source), os.stat(source).st_size)


def _check_together(found):
    """No path is two things, and all of them have room."""
    by_path = {}
    for one in found:
        other = by_path.setdefault(one.path, one)
        if other is not one and (one.source or other.source):
            raise ValueError(f"{one.path!r} is brought twice")
    for one in found:
        above = os.path.dirname(one.path)
        while above != "/":
            if above in by_path and by_path[above].source:
                raise ValueError(f"{above!r} is a file, and {one.path!r} lies in it")
            above = os.path.dirname(above)
        if one.source and one.path in OWN_FOLDERS:
            raise ValueError(f"{one.path!r} is a folder of the target's file system")
    folders = {os.path.dirname(path) for path in by_path} | set(by_path)
    size = sum(one.size for one in by_path.values())
    if len(folders) > MOST_FILES:
        raise ValueError(f"{len(folders)} files and folders are more than {MOST_FILES}")
    if size > MOST_BYTES:
        raise ValueError(f"{size} bytes are more than {MOST_BYTES}")
    return tuple(by_path.values())


def named(located, values):
    """What `files` of a description brings; located(word) is the path here that a word of it means."""
    found = []
    for path, word in values.items():
        try:
            checked, source = _checked_path(path), located(word)
            if not os.path.exists(source):
                raise ValueError(f"there is no file or folder {word!r}")
            found += _in_folder(checked, source) if os.path.isdir(source) else [_one_file(checked, source)]
        except (OSError, ValueError) as error:
            raise ValueError(f"files: {path!r}: {error}")
    try:
        return _check_together(found)
    except ValueError as error:
        raise ValueError(f"files: {error}")


# What lies beside a program and is no data of it: sources, what builds them, what a fuzzer gets from the host.
NO_DATA = re.compile(r"""\..*|target\.json|build\.sh|Dockerfile|Makefile.*|CMakeLists\.txt|README.*|LICENSE.*|COPYING.*
    |.*_seed_corpus\.zip|.*\.(c|cc|cpp|cxx|c\+\+|cp|C|s|S|asm|o|a|so|h|hh|hpp|hxx|inc|inl|dict|options|md|py|sh)""",
                     re.VERBOSE)


def is_data(path):
    if NO_DATA.fullmatch(path.name):
        return False
    with open(path, "rb") as file:
        return file.read(4) != b"\x7fELF"


def beside(folder, whole_tree):
    """((what is brought of a program's folder), notes); smaller files come first."""
    there, notes = [], []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(folders) if whole_tree else []
        inside = os.path.relpath(place, folder)
        at = PROGRAM_FOLDER if inside == "." else f"{PROGRAM_FOLDER}/{inside}"
        for name in sorted(files):
            try:
                if is_data(Path(place) / name):
                    there.append(_one_file(f"{at}/{name}", os.path.join(place, name)))
            except (OSError, ValueError) as error:
                notes.append(f"{name!r} beside the program is left out: {error}")
    taken, size, left = [], 0, []
    for one in sorted(there, key=lambda one: (one.size, one.path)):
        if size + one.size > MOST_BYTES_BESIDE or len(taken) >= MOST_FILES // 2:
            left.append(one)
            continue
        taken.append(one)
        size += one.size
    if taken:
        notes.append(f"files beside the program: {len(taken)} with {size} bytes are in the target's {PROGRAM_FOLDER}")
    if left:
        notes.append(f"files beside the program: {len(left)} are left out, as more than {MOST_BYTES_BESIDE} bytes or "
                     f"{MOST_FILES // 2} files: {os.path.basename(left[0].path)!r} and larger ones")
    return tuple(sorted(taken)), notes


def _padded(data):
    return data + bytes(-len(data) % ALIGN)


def record(path, data):
    """One file as the kernel writes it into the target's memory; a path that ends with / is a folder's."""
    path = os.fsencode(path)
    return RECORD.pack(len(path), len(data)) + _padded(path) + _padded(data)


def packed(brought):
    """All records; nothing when there are none."""
    return b"".join(record(one.path, Path(one.source).read_bytes()) if one.source else record(f"{one.path}/", b"")
                    for one in brought)
