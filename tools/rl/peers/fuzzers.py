"""One run of each fuzzer: a target, a random seed, a number of executions; what is left is a folder of inputs.

Each gets the same seeds, dictionary and longest input, and no other help. The seeds are a part of what is left.
"""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tools.rl.building import target_files
from tools.rl.common import CRASHED, OK, ROOT, Stop, SYSTEM_FAILED

USUAL_MAX_LEN = 4096
CASE_SECONDS = 10               # after which libFuzzer and AFL++ call a case a timeout
MOST_RESTARTS = 2000            # of libFuzzer, which ends at what AddressSanitizer cannot go on behind
MOST_AT_ITS_INPUTS = 20         # of them in a row while it reads what it begins with
ASAN = "halt_on_error={}:detect_leaks=0:allocator_may_return_null=1:abort_on_error={}:symbolize=0"
AFL_ENVIRONMENT = {"AFL_NO_UI": "1", "AFL_SKIP_CPUFREQ": "1", "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES": "1",
                   "AFL_NO_AFFINITY": "1", "AFL_QUIET": "1", "ASAN_OPTIONS": ASAN.format(1, 1)}
LIBFUZZER_ENVIRONMENT = {"ASAN_OPTIONS": ASAN.format(0, 0)}


class Task(NamedTuple):
    """What every fuzzer is given. `inputs`: a folder with the target's seeds."""
    target: object
    natives: object
    inputs: Path
    dictionary: str
    max_len: int
    cases: int


def make_task(target, natives, place, cases):
    """The seeds in a folder of their own, and how long an input may be: as long as in a run of ours."""
    inputs = place / "seeds"
    inputs.mkdir(parents=True)
    max_len = target_files.max_len(target) or USUAL_MAX_LEN
    for name, data in target_files.entries(target, max_len)[0]:
        if name.startswith("seed/"):
            (inputs / name.rsplit("/", 1)[1]).write_bytes(data)
            max_len = max(max_len, len(data)) if not target_files.max_len(target) else max_len
    if not any(inputs.iterdir()):
        (inputs / "empty").write_bytes(b"\n")       # AFL++ takes no empty input
    return Task(target, natives, inputs, target_files.dictionary(target), max_len, cases)


def _command(words, environment, log, good):
    with open(log, "ab") as out:
        done = subprocess.run([str(word) for word in words], cwd=ROOT, stdout=out, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, env={**os.environ, **environment})
    if good is not None and done.returncode not in good:
        tail = log.read_text(errors="backslashreplace")[-1000:]
        raise Stop(SYSTEM_FAILED, f"{words[0]} ended with status {done.returncode}: {tail}")


def raclette(task, seed, place):
    """In QEMU, with one core, so that the run repeats."""
    words = [sys.executable, "build.py", "run", "--plain", "--cpus", 1, "--seed", seed, "--cases", task.cases,
             "--target", target_files.spelled(task.target), "--max-len", task.max_len, "--out", place / "out"]
    _command(words, {}, place / "log", (OK, CRASHED))
    return _with_seeds(task, place / "out/corpus")


def libfuzzer(task, seed, place):
    """Until as many executions are done; it begins again behind a crash that ends it, on the corpus it has then."""
    corpus, done, at_its_inputs = _with_seeds(task, place / "corpus"), 0, 0
    for restart in range(MOST_RESTARTS):
        log = place / f"log.{restart}"
        words = [task.natives.libfuzzer, corpus, f"-seed={seed + (restart << 16)}", f"-max_len={task.max_len}",
                 f"-timeout={CASE_SECONDS}", "-rss_limit_mb=0", "-print_final_stats=1",
                 f"-artifact_prefix={place}/found-", *([f"-dict={task.dictionary}"] if task.dictionary else [])]
        loaded = len(list(corpus.iterdir())) + 1        # executions that only read the corpus again
        _command([*words, f"-runs={task.cases - done + (loaded if restart else 0)}"], LIBFUZZER_ENVIRONMENT, log, None)
        executed = re.findall(r"number_of_executed_units: (\d+)", log.read_text(errors="replace"))
        units = int(executed[-1]) if executed else 0
        beyond = units - loaded
        done += max(1, beyond if restart else units)
        at_its_inputs = at_its_inputs + 1 if beyond <= 0 and done < task.cases else 0
        if at_its_inputs >= MOST_AT_ITS_INPUTS:
            raise Stop(SYSTEM_FAILED, f"libFuzzer ended {at_its_inputs} times before it had read its seeds: they crash "
                                      "it; peers are compared on a target whose seeds do not")
        if done >= task.cases:
            return corpus
        log.unlink()
    raise Stop(SYSTEM_FAILED, f"libFuzzer ended {MOST_RESTARTS} times before {task.cases} executions")


def afl(task, seed, place):
    """Persistent, with cmplog and the dictionary, as its manual recommends for one instance."""
    found = place / "afl"
    words = ["afl-fuzz", "-i", task.inputs, "-o", found, "-s", seed, "-E", task.cases, "-G", task.max_len,
             "-t", CASE_SECONDS * 1000, "-m", "none", "-c", task.natives.comparisons, "-l", "2AT",
             *(["-x", task.dictionary] if task.dictionary else []), "--", task.natives.afl]
    _command(words, AFL_ENVIRONMENT, place / "log", (0,))
    return found / "default/queue"


def _with_seeds(task, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for path in task.inputs.iterdir():
        shutil.copy(path, folder / f"seed-{path.name}")
    return folder


FUZZERS = {"Raclette": raclette, "libFuzzer": libfuzzer, "AFL++": afl}
