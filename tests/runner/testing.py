"""`build.py test`: host tests, parsers' fuzz entries, our tools' own tests, targets' native checks, boot scenarios."""
import json
import os
import re
import signal
import subprocess
import sys
import threading
import unittest
from pathlib import Path

from tests.runner import names, scenario, target_checks
from tests.runner.tally import Tally
from tools.rl.building import builder
from tools.rl.building.graph import Graph
from tools.rl.building.ninja import run_ninja
from tools.rl.building.progress import Progress
from tools.rl.common import BUILD, ROOT, Stop
from tools.rl.results import chains

HOST_SECONDS = 900              # a host test that hangs is ended
HOST_LONG_SECONDS = 3600
FUZZ_SECONDS = 4
FUZZ_LONG_SECONDS = 60
FUZZ_MEMORY_MB = 2048
HEARD = {"cwd": ROOT, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "errors": "replace"}


def chosen_of(listed, tally):
    """The filter for the tests that are wanted, of what GoogleTest lists: its own filters are case-sensitive."""
    if not tally.chosen:
        return "*"
    found, suite = [], ""
    for line in listed.splitlines():
        name = line.split("#", 1)[0].strip()            # behind it stand parameters
        if line.startswith(" "):
            found.append(suite + name)
        else:
            suite = name
    return ":".join(name for name in found if tally.wants(f"host {name}"))


def _listen(argv, environment, seconds, tests):
    """(output, status) of the GoogleTest binary, whose tests are counted as they end; no status: it took too long."""
    output, ended = [], 0
    with Progress("host", tests, "tests") as progress, subprocess.Popen(argv, **HEARD, env=environment) as process:
        late = threading.Timer(seconds, process.kill)
        late.start()
        for line in process.stdout:
            output.append(line)
            if line.startswith(("[       OK ]", "[  FAILED  ]", "[  SKIPPED ]")):
                ended += 1
                progress.set(min(ended, tests))
        status = process.wait()
        is_late = late.finished.is_set() and status == -signal.SIGKILL
        late.cancel()
    return "".join(output), None if is_late else status


def _host_binary(binary, tally, long):
    """Runs the GoogleTest binary; each of its tests counts. A crash counts as the failure of the test it was in."""
    report = BUILD / "host/tests.json"
    report.unlink(missing_ok=True)
    listed = subprocess.run([str(ROOT / binary), "--gtest_list_tests"], **HEARD).stdout
    chosen = chosen_of(listed, tally)
    if not chosen:
        return
    argv = [str(ROOT / binary), f"--gtest_filter={chosen}", f"--gtest_output=json:{report}", "--gtest_color=no"]
    environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:strict_string_checks=1",
                       UBSAN_OPTIONS="print_stacktrace=1", **({"RL_LONG": "1"} if long else {}))
    seconds = HOST_LONG_SECONDS if long else HOST_SECONDS
    output, status = _listen(argv, environment, seconds, len(chosen.split(":")) if chosen != "*" else
                             sum(line.startswith(" ") for line in listed.splitlines()))
    if report.exists():
        for suite in json.loads(report.read_text())["testsuites"]:
            for test in suite["testsuite"]:
                failures = "\n".join(f["failure"] for f in test.get("failures", []))
                tally.add(f"host {suite['name']}.{test['name']}", not failures, failures, quiet=True)
                if "measured" in test:
                    print(f"     {suite['name']}.{test['name']}: {test['measured']}", flush=True)
        if status == 0 or tally.failed:
            return
    running = [line.split("] ", 1)[1] for line in output.splitlines() if line.startswith("[ RUN ")]
    tail = "\n".join(output.splitlines()[-40:])
    how = f"not done within {seconds} s" if status is None else f"ended with status {status}"
    tally.passed += max(0, output.count("[       OK ]"))
    tally.add(f"host {running[-1] if running else 'tests'}", False, f"{how}\n{tail}")


def _fuzz_entry(binary, tally, seconds):
    name = f"fuzz {Path(binary).name}"
    if not tally.wants(name):
        return
    seeds = ROOT / "tests/fuzz_entries/seeds" / Path(binary).name
    scratch = BUILD / "fuzz/corpus" / Path(binary).name
    scratch.mkdir(parents=True, exist_ok=True)
    argv = [str(ROOT / binary), str(scratch), *([str(seeds)] if seeds.is_dir() else []), f"-max_total_time={seconds}",
            "-seed=1", "-timeout=10", f"-rss_limit_mb={FUZZ_MEMORY_MB}",
            f"-artifact_prefix={BUILD}/fuzz/{Path(binary).name}-"]
    with Progress(name):
        done = subprocess.run(argv, **HEARD)
    tally.add(name, done.returncode == 0, "\n".join(done.stdout.splitlines()[-30:]))


class _Recorder(unittest.TestResult):
    def __init__(self, tally, progress):
        super().__init__()
        self.tally, self.progress = tally, progress

    def startTest(self, test):
        super().startTest(test)
        self.progress.set(self.testsRun - 1)

    def _note(self, test, details=""):
        self.tally.add(f"tools {test.id()}", not details, details, quiet=True)

    def addSuccess(self, test):
        self._note(test)

    def addFailure(self, test, error):
        self._note(test, self._exc_info_to_string(error, test))

    addError = addFailure

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self._note(subtest, self._exc_info_to_string(error, test))


def _python_tests(tally, long):
    if long:
        os.environ["RL_LONG"] = "1"     # before their modules are loaded
    chosen = unittest.TestSuite(test for test in names.python_tests() if tally.wants(f"tools {test.id()}"))
    with Progress("tools", chosen.countTestCases(), "tests") as progress:
        chosen.run(_Recorder(tally, progress))


def _native_checks(tally, long):
    environment = dict(os.environ, **({"RL_LONG": "1"} if long else {}))
    for name, argv in target_checks.commands():
        if tally.wants(f"target {name}"):
            with Progress(f"target {name}"):
                done = subprocess.run([str(word) for word in argv], **HEARD, env=environment)
            tally.add(f"target {name}", done.returncode == 0, "\n".join(done.stdout.splitlines()[-30:]))


def _build_images(folders):
    for folder in folders:
        builder.build(folder=folder)
    if BUILD not in folders:
        builder.build_targets(Graph())          # rows of the test kernel name them, too


def _built(tally, name, build_it):
    """A build that fails is a failed test, so that the last line still counts it."""
    try:
        build_it()
        return True
    except Stop as stop:
        tally.add(f"build of {name}", False, str(stop))
        return False


def _chains(graph, tally):
    """One program built in several ways prints the same chains, and the tools read from them the hashes it computes."""
    same, read = names.CHAINS
    if not (tally.wants(same) or tally.wants(read)):
        return
    if not _built(tally, "the chains' program", lambda: run_ninja(graph.chains, keep_going=True)):
        return
    runs = {Path(binary).name: subprocess.run([str(ROOT / binary)], **HEARD) for binary in graph.chains}
    texts = {run.stdout for run in runs.values()}
    wrong = [name for name, run in runs.items() if run.returncode != 0]
    ways = [f"--- {name}\n{run.stdout}" for name, run in runs.items()]
    tally.add(same, len(texts) == 1 and not wrong, "\n".join([f"not status 0: {wrong}", *ways]))
    text = texts.pop()
    computed = [line.split()[1] for line in text.splitlines() if line.startswith("hash ")]
    found = [chain.hash() for chain in chains.read(text)]
    tally.add(read, computed == found and len(found) > 2, f"computed {computed}, read {found} in\n{text}")


def _host(graph, arguments, tally):
    _python_tests(tally, arguments.long)
    binaries = [binary for binary in (graph.tests, *graph.fuzzers) if binary]
    if binaries and _built(tally, "the host tests", lambda: run_ninja(binaries, keep_going=True)):
        if graph.tests:
            _host_binary(graph.tests, tally, arguments.long)
        for fuzzer in graph.fuzzers:
            _fuzz_entry(fuzzer, tally, FUZZ_LONG_SECONDS if arguments.long else FUZZ_SECONDS)
    _chains(graph, tally)
    _native_checks(tally, arguments.long)
    if arguments.long:
        _mutations(tally)


def _mutations(tally):
    """Leaves out each invalidation of memory management in turn: a test must fail."""
    if not tally.wants("mutation"):
        return
    with Progress("mutations"):
        done = subprocess.run([sys.executable, str(ROOT / "tests/runner/mutation_testing.py")], **HEARD)
    verdicts = re.findall(r"^(caught|MISSED): (.*)$", done.stdout, re.MULTILINE)
    for verdict, what in verdicts:
        tally.add(f"mutation {what}", verdict == "caught")
    if not verdicts or done.returncode not in (0, 1):
        tally.add("mutation of the invalidation sites", False, done.stdout[-1000:])


def refuse(arguments):
    names.refuse(arguments)


def main(arguments):
    graph = Graph()
    tally = Tally(arguments.filter)
    if arguments.host or not arguments.boot:
        _host(graph, arguments, tally)
    if (arguments.boot or not arguments.host) and _built(
            tally, "the images", lambda: _build_images(scenario.folders_needed(tally, arguments.long))):
        scenario.run_all(tally, arguments.long)
    return tally.summary()
