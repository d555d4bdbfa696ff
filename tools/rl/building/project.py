"""Builds a project in the form of OSS-Fuzz by its own build.sh, with our compilers."""
import hashlib
import os
import shutil
import subprocess

from tools.rl.building import targets
from tools.rl.building.progress import Progress
from tools.rl.common import BUILD, ELF_MAGIC, ROOT, Stop, TESTS_FAILED, USAGE, write_atomically
from tools.rl.compilers.dockerfile import Project
from tools.rl.printable import printable

FLAGS = ("-O1 -fno-omit-frame-pointer -gline-tables-only -Wno-error "
         "-DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION -fsanitize=address -fsanitize-address-use-after-scope "
         "-fsanitize=fuzzer-no-link")
SHOWN_LINES = 25                # of a failed build's end


def environment(place, more, toolchain):
    """What base-builder sets, with our compilers, or with those of `toolchain`: variables that replace these."""
    compilers = {"CC": BUILD / "bin/raclette-cc", "CXX": BUILD / "bin/raclette-c++"}
    names = {"SRC": place / "src", "OUT": place / "out", "WORK": place / "work", **compilers, "CCC": compilers["CXX"],
             "CFLAGS": FLAGS, "CXXFLAGS": FLAGS, "CXXFLAGS_EXTRA": "", "LIB_FUZZING_ENGINE": "-fsanitize=fuzzer",
             "SANITIZER": "address", "FUZZING_ENGINE": "libfuzzer", "ARCHITECTURE": "x86_64",
             "FUZZING_LANGUAGE": "c++", "SANITIZER_FLAGS": "-fsanitize=address"}
    path = f"{BUILD / 'bin'}:{os.environ.get('PATH', '')}"
    return {**os.environ, **more, **{name: str(value) for name, value in names.items()}, "PATH": path, **toolchain}


def stamp(folder, sources):
    """Of everything that the build is made of: another value means another build."""
    digest = hashlib.sha256()
    compilers = [ROOT / "tools/rl/compilers", ROOT / "tools/rl/building", BUILD / targets.RUNTIME, BUILD / "compilers"]
    for place in (folder, *sources, *compilers):
        for path in sorted(place.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                about = path.stat()
                digest.update(f"{path} {about.st_size} {about.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def run_build(script, project, place, toolchain):
    """Runs build.sh as OSS-Fuzz does, its output into a file; true when all of it was done."""
    log = place / "build.log"
    print(f"running {script.name}; its output goes to {log}", flush=True)
    with open(log, "wb") as out, Progress(script.name):
        done = subprocess.run(["bash", "-eu", str(script)], cwd=project.place, stdout=out, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, env=environment(place, project.environment, toolchain))
    if done.returncode:
        shown = [*log.read_text(errors="backslashreplace").split("\n")[-SHOWN_LINES:], *project.notes]
        if project.packages:
            shown.append(f"the project's Dockerfile installs: {' '.join(project.packages)}")
        print("\n".join(map(printable, shown)))
        if toolchain or not fuzzers(place / "out"):
            raise Stop(TESTS_FAILED, f"{script.name} ended with status {done.returncode}; its output is in {log}")
        print(f"{script.name} ended with status {done.returncode}, but has made fuzzers; its output is in {log}")
    return done.returncode == 0


def build(folder, sources, place, toolchain={}):
    """$OUT of the project, below `place`; built unless it is as it was."""
    done, wanted = place / "stamp", stamp(folder, sources)
    if done.is_file() and done.read_text() == wanted:
        return place / "out"
    shutil.rmtree(place, ignore_errors=True)
    project = Project(folder, place / "src", sources)
    project.make()
    for name in ("out", "work"):
        (place / name).mkdir()
    script = place / "src/build.sh"
    if not script.is_file():
        raise Stop(USAGE, f"{folder} holds no build.sh: is it a folder of oss-fuzz/projects?")
    for note in project.notes:
        print(printable(note))
    if run_build(script, project, place, toolchain):
        write_atomically(done, wanted)
    return place / "out"


def is_fuzzer(path):
    if not (path.is_file() and os.access(path, os.X_OK)):
        return False
    data = path.read_bytes()
    return data[:4] == ELF_MAGIC and targets.has_runtime(data)


def fuzzers(out):
    return sorted(path.name for path in out.iterdir() if is_fuzzer(path))
