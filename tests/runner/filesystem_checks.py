"""The library that answers a target's system calls against the kernel that runs here: tests/native/filesystem.c."""
import os
import subprocess
import tempfile
from pathlib import Path

from tests.runner.expect import expect
from tools.rl.building import targets
from tools.rl.common import BUILD, ROOT

FLAGS = ("-std=gnu17 -O1 -g -I. -fsanitize=address,undefined -fno-sanitize-recover=undefined -Wall -Wextra -Werror "
         "-ffile-compilation-dir=.")
LIBRARY_FLAGS = "-ffreestanding -fno-builtin"
# Memory, where there is such a file system: the library is like it.
PLACE = next((folder for folder in ("/dev/shm",) if os.access(folder, os.W_OK)), None)
SEQUENCES, LONG_SEQUENCES, PARTS, CALLS = 400, 40000, 8, 300
NOT_ALLOWED = 4                 # the program may not have a root of its own
LONGEST = 600                   # seconds of one part


def _compile(folder):
    """The program: the library as it is, for this host, with checks of memory and arithmetic."""
    sources = {f"targets/runtime/linux/{part}.c": LIBRARY_FLAGS for part in targets.LINUX_PARTS}
    sources.update({"tests/native/filesystem_calls.c": LIBRARY_FLAGS, "tests/native/filesystem.c": ""})
    objects = []
    for source, flags in sources.items():
        objects.append(f"{folder}/{Path(source).stem}.o")
        subprocess.run(f"clang {FLAGS} {flags} -c {source} -o {objects[-1]}", shell=True, cwd=ROOT, check=True)
    program = f"{folder}/filesystem"
    subprocess.run(["clang", "-fsanitize=address,undefined", *objects, "-o", program], cwd=ROOT, check=True)
    return program


def _same_results(program, first, sequences):
    with tempfile.TemporaryDirectory(dir=PLACE) as folder:
        os.chmod(folder, 0o755)     # for the user as whom the calls are made
        done = subprocess.run([program, folder, str(first), str(sequences), str(CALLS)], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", timeout=LONGEST,
                              env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
    if done.returncode == NOT_ALLOWED:
        print(f"untried: sequences from {first}: {done.stdout.strip()}")
        return
    expect(done.returncode == 0, f"status {done.returncode}\n{done.stdout[-4000:]}")


def checks():
    """Random sequences of calls, more of them in a long run."""
    total = LONG_SEQUENCES if os.environ.get("RL_LONG") else SEQUENCES
    BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        program = _compile(folder)
        for first in range(1, total + 1, total // PARTS):
            yield (f"the file system's results are the kernel's, sequences from {first}",
                   lambda first=first: _same_results(program, first, total // PARTS))


GROUPS = {"filesystem": checks}
