"""Builds a target's own harness for libFuzzer and for AFL++, to run as a native process under Linux.

A target with a build.sh is built by it, with other compilers; one with `sources` is compiled file by file with its own
flags. AddressSanitizer goes on behind an error (-fsanitize-recover): else libFuzzer would end at the first crash.
"""
import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from tools.rl.building import debian_source, packages, project, targets
from tools.rl.building.description import CXX, kind_of
from tools.rl.common import BUILD, ROOT, Stop, TESTS_FAILED

SANITIZED = "-fsanitize=address -fsanitize-recover=address"
ENGINE = "-fsanitize=fuzzer"


class Natives(NamedTuple):
    """Paths of the three programs. `comparisons` is AFL++'s second one, which shows it what is compared (cmplog)."""
    libfuzzer: Path
    afl: Path
    comparisons: Path


class Toolchain(NamedTuple):
    c: str
    cxx: str
    flags: str
    environment: dict = {}


AFL = ("afl-clang-fast", "afl-clang-fast++")
TOOLCHAINS = {
    "libfuzzer": Toolchain("clang", "clang++", f"{SANITIZED} -fsanitize=fuzzer-no-link"),
    "afl": Toolchain(*AFL, SANITIZED, {"AFL_QUIET": "1"}),
    "comparisons": Toolchain(*AFL, SANITIZED, {"AFL_QUIET": "1", "AFL_LLVM_CMPLOG": "1"}),
}


def build(target):
    packages.ensure_these(target.packages, f"target {target.name} is built with it")
    build_one = _by_its_script if target.source else _by_sources
    return Natives(**{kind: build_one(target, BUILD / "peers" / target.name / kind, toolchain)
                      for kind, toolchain in TOOLCHAINS.items()})


def _run(words, environment, log):
    done = subprocess.run([str(word) for word in words], cwd=ROOT, env={**os.environ, **environment},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="backslashreplace")
    log.write(done.stdout)
    if done.returncode:
        raise Stop(TESTS_FAILED, f"{words[0]} ended with status {done.returncode}; its output is in {log.name}\n"
                                 f"{done.stdout[-1500:]}")


def _by_sources(target, place, toolchain):
    """Compiled anew each time: three programs of few files."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    objects = []
    with open(place / "build.log", "w") as log:
        for number, source in enumerate(target.sources):
            kind = kind_of(source)
            output = place / f"{number}.o"
            _run([toolchain.cxx if kind == CXX else toolchain.c, "-O1", "-g", *toolchain.flags.split(), "-I.",
                  *targets.language_flags(target, kind), "-c", source, "-o", output], toolchain.environment, log)
            objects.append(output)
        program = place / target.name
        link = toolchain.cxx if target.language == CXX else toolchain.c
        _run([link, *SANITIZED.split(), ENGINE, *objects, *target.objects, *target.ldflags, "-lm", "-o", program],
             toolchain.environment, log)
    return program


def _by_its_script(target, place, toolchain):
    flags = project.FLAGS.replace("-fsanitize=fuzzer-no-link", "").replace("-fsanitize=address ", "")
    flags = f"{flags} {toolchain.flags}"
    variables = {"CC": toolchain.c, "CXX": toolchain.cxx, "CCC": toolchain.cxx, "CFLAGS": flags, "CXXFLAGS": flags,
                 **toolchain.environment}
    program = project.build(ROOT / target.folder, [debian_source.fetch(target.source)], place, variables) / target.name
    if not program.is_file():
        raise Stop(TESTS_FAILED, f"{target.folder}/build.sh left no $OUT/{target.name} for {toolchain.c}; its output "
                                 f"is in {place}/build.log")
    return program
