"""A run and its machine are killed at random moments, again and again: what was whole in --out stays, and the next run
goes on with it."""
import json
import os
import random
import re
import signal
import time
from pathlib import Path

from tests.qemu.expectations import PATIENCE, build_py, expect, start
from tools.rl.common import OK
from tools.rl.machines.record_types import HASH
from tools.rl.results import saved_results
from tools.rl.results.earlier import Earlier
from tools.rl.results.outdir import FINDINGS

TARGET = "injected_bugs"        # crashes, timeouts and corpus entries come from its first second on
ROUNDS, LONG_ROUNDS = 5, 50
WRITTEN_ANEW = "trace.txt"      # of a finding, when its chain comes behind its record
SOON = 3.0                      # seconds behind the first statistics within which a round is killed
NAMED = re.compile(r"\b[0-9a-f]{16}\b")


class Saved:
    """What is whole in an output folder now."""

    def __init__(self, out):
        self.corpus = {path.name: path.read_bytes() for path in (out / "corpus").glob("[!.]*")}
        folders = [folder for part in FINDINGS.values() for folder in (out / part).glob("[!.]*")]
        self.findings = {f"{folder.parent.name}/{folder.name}": whole(folder) for folder in folders}
        stats = out / "stats.jsonl"
        text = stats.read_bytes() if stats.exists() else b""
        self.stats = text[:text.rfind(b"\n") + 1].splitlines()
        self.cases = Earlier(filter(None, map(saved_results.record, self.stats))).cases

    def missing(self, later):
        """What a later state of the folder does not hold as it was."""
        lost = [name for name, data in self.corpus.items() if later.corpus.get(name) != data]
        lost += [name for name, files in self.findings.items() if later.findings.get(name) != files]
        return lost + ([] if later.stats[:len(self.stats)] == self.stats else ["stats.jsonl"])

    def known(self):
        return {name.partition("/")[2] for name in self.findings}

    def about(self):
        kinds = [sum(name.startswith(part) for name in self.findings) for part in FINDINGS.values()]
        return (f"{len(self.corpus)} inputs, {kinds[0]} crashes, {kinds[1]} timeouts, {kinds[2]} out of memory, "
                f"{self.cases} execs")


def whole(folder):
    """A finding's files but for its trace, which must be there; a folder that appears is complete."""
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    expect(HASH.fullmatch(folder.name) and {"input", "crash.json", WRITTEN_ANEW} <= set(files),
           f"{folder} holds {sorted(files)}")
    expect(json.loads(files["crash.json"])["hash"] == folder.name and files.pop(WRITTEN_ANEW), f"{folder} is not whole")
    return files


def lines_of(out):
    stats = out / "stats.jsonl"
    return stats.read_bytes().count(b"\n") if stats.exists() else 0


def killed(out, seed, log, moment):
    """What a run has said that is killed, with everything that it started, when `moment` returns."""
    with open(log, "w") as file:
        process = start("run", "--plain", "--cpus", 2, "--seed", seed, "--target", TARGET, "--out", out, stdout=file,
                        start_new_session=True)
    try:
        moment()
        expect(process.poll() is None, f"the run has ended before: {log.read_text()[-1000:]}")
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return log.read_text()


def resumes_with(before, said):
    """A run that follows says what there is, and announces none of it."""
    if "seed " not in said:                     # killed before that
        return False
    expect(before.cases == 0 or f", {before.cases} execs in " in said, f"not after {before.cases} execs: {said[:500]}")
    aside = [line for line in said.splitlines() if line.startswith("set aside") and "stats.jsonl" not in line]
    expect(not aside, f"taken for damaged: {aside}")
    announced = before.known() & set(NAMED.findall(said))
    expect(not announced, f"announced as new: {announced}")
    return True


def survives(out, rounds):
    """Kills so many runs: every other one while it starts, the others when results come."""
    chance, before, resumed, log = random.Random(1), Saved(out), 0, Path(f"{out}.log")
    out.parent.mkdir(parents=True, exist_ok=True)
    starting = SOON
    for number in range(rounds):
        if number % 2:
            def moment():
                time.sleep(chance.uniform(0, starting))
        else:
            def moment():
                began, lines = time.monotonic(), lines_of(out)
                while lines_of(out) == lines and time.monotonic() < began + PATIENCE:
                    time.sleep(0.05)
                nonlocal starting
                starting = time.monotonic() - began
                time.sleep(chance.uniform(0, SOON))
        said = killed(out, number, log, moment)
        resumed += resumes_with(before, said)
        after = Saved(out)
        expect(not before.missing(after), f"lost by kill {number + 1}: {before.missing(after)}")
        before = after
    expect(resumed >= rounds // 2 and before.findings and before.corpus, f"only {resumed} resumed: {before.about()}")
    said = build_py(OK, "run", "--plain", "--cpus", 1, "--seed", 1, "--target", TARGET, "--cases", 300, "--exit-zero",
                    "--out", out)
    expect(resumes_with(before, said) and not before.missing(Saved(out)), "lost at the end")
    report = (out / "report.html").read_text()
    expect(all(digest in report for digest in before.known()), "the report leaves out what was found")
    print(f"     {rounds} kills, {resumed} runs went on: {before.about()}", flush=True)


def runs_killed_at_random_moments_lose_nothing(out):
    survives(out, ROUNDS)


def fifty_runs_killed_at_random_moments_lose_nothing(out):
    survives(out, LONG_ROUNDS)
