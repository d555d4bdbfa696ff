"""Paths, exit statuses, and the one exception that ends a command with a clear line."""
import contextlib
import os
import re
import stat
import subprocess
from pathlib import Path

from tools.rl.suggest import meant

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
DEBUG = BUILD / "debug"          # the development build
# Images of the test kernel: the product's objects, and tests, benchmarks and injected bugs.
TEST, DEBUG_TEST = BUILD / "test", DEBUG / "test"
IMAGE_FOLDERS = (BUILD, TEST, DEBUG, DEBUG_TEST)
IMAGE = BUILD / "raclette.img"
BUILTIN_TARGET = "stb_image"
VERSION = re.search(r'"([^"]+)";', (ROOT / "base/version.h").read_text())[1]
MOST_CPUS = int(re.search(r"max_cores = (\d+);", (ROOT / "base/core.h").read_text())[1])

ELF_MAGIC = b"\x7fELF"

OK = 0
TESTS_FAILED = 1
USAGE = 2
MISSING = 3
CRASHED = 10
TIMED_OUT = 11
SYSTEM_FAILED = 12
INTERRUPTED = 130


def folder_of(arguments):
    """Which of the two builds a command is about."""
    return DEBUG if getattr(arguments, "debug", False) else BUILD


def test_folder(folder):
    """Where the test kernel's images of a build lie."""
    return folder / "test"


def kernel_elf(folder):
    """The kernel, with symbols, that the images in a folder boot."""
    return folder.parent / "test_kernel.elf" if folder.name == "test" else folder / "kernel.elf"


class Stop(Exception):
    """Ends the command: `status` is the process's, the text is for the person at the terminal."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


def run_tool(argv, **options):
    """Runs a host tool from the root; its failure is a Stop that shows what it said."""
    argv = [str(word) for word in argv]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, **options)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise Stop(TESTS_FAILED, f"{argv[0]} ended with status {done.returncode}: {said}")
    return done.stdout


def saved(path):
    """The bytes of a file that a user names."""
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:      # ValueError: a zero byte in the name
        raise Stop(USAGE, f"{path} cannot be read: {getattr(error, 'strerror', None) or error}")


def refuse_unreadable(path, is_input=False):
    """Of a file that a user names: that it cannot be read is said before anything else is done. An input is a regular
    file, whose length is known before it is read; a pipe may also have no writer, and would be waited for."""
    try:
        mode = os.stat(path).st_mode            # not opened: of a pipe that would be the only time
        why = "it is a folder" if stat.S_ISDIR(mode) else \
            "it is a pipe or a device, no file" if is_input and not stat.S_ISREG(mode) else \
            "" if os.access(path, os.R_OK) else "permission denied"
    except (OSError, ValueError) as error:      # ValueError: a zero byte in the name
        why = getattr(error, "strerror", None) or str(error)
    if why:
        near = meant(os.path.basename(path), names_in(os.path.dirname(path) or "."))
        raise Stop(USAGE, f"{path} cannot be read: {why}{near}")


def refuse_unwritable(path, option=""):
    """Of a file that is written at a command's end: that it cannot be is said before anything else is done."""
    path = Path(path)
    try:
        why = "it is a folder" if path.is_dir() else "no such folder" if not path.parent.is_dir() else \
            "" if os.access(path.parent, os.W_OK) else "permission denied"
    except (OSError, ValueError) as error:      # ValueError: a zero byte in the name
        why = getattr(error, "strerror", None) or str(error)
    if why:
        raise Stop(USAGE, f"{option}{' ' * bool(option)}{path} cannot be written: {why}")


def refuse_no_folder(path, option):
    """Of a folder that a command will write into, or make: the nearest one that is there must be one."""
    for place in (Path(path), *Path(path).absolute().parents):
        try:
            is_folder = stat.S_ISDIR(os.stat(place).st_mode)
            why = "" if is_folder and os.access(place, os.W_OK) else f"permission denied in {place}" if is_folder else \
                f"{place} is no folder"
            break
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, ValueError) as error:      # ValueError: a zero byte in the name
            why = getattr(error, "strerror", None) or str(error)
            break
    if why:
        raise Stop(USAGE, f"{option} {path} cannot be written: {why}")


def names_in(folder):
    """For suggestions."""
    try:
        return os.listdir(folder)
    except (OSError, ValueError):
        return []


def write_atomically(path, data):
    """A file is there whole or not at all, also when we are killed in between."""
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        with open(temporary, "xb") as file:     # never through a link that stands there
            file.write(data if isinstance(data, bytes) else data.encode())
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):      # on a full disk the half of it would take the room of others
            temporary.unlink()
        raise


def write_if_changed(path, text):
    """Keeps the old file's time when nothing changed, so that ninja does not see it as new."""
    path = Path(path)
    if path.exists() and path.read_text() == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text)
    return True
