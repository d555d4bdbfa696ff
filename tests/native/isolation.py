#!/usr/bin/env python3
"""What it costs to give each case a fresh interpreter: targets/mujs here and under libFuzzer, in two forms each.

In one form the interpreter is made before the first case, in the other each case makes its own. libFuzzer, with
AddressSanitizer, runs here as a native process, over the inputs that Raclette's run of the first form has found;
Raclette runs in QEMU, on one core. So figures compare by pairs: the two forms of one fuzzer.

  python3 tests/native/isolation.py [--seconds S]
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from tools.rl.building import builder, project, target_files        # noqa: E402

OUT = ROOT / "build/native"
LIBRARY = ROOT / "build/projects/mujs/src/mujs"
RUNS = 20                       # of each input under libFuzzer
FORMS = {"one": "targets/mujs/harness.c", "each": "tests/native/mujs_isolated.c"}


def run(*words, **more):
    return subprocess.run([str(word) for word in words], check=True, cwd=ROOT, **more)


def build():
    """build/native/mujs_{one,each}: for libFuzzer; mujs_each.raclette: the second form for the machine."""
    OUT.mkdir(parents=True, exist_ok=True)
    builder.build_for("mujs")
    words = [*project.FLAGS.split(), f"-I{LIBRARY}", "-I."]
    run("clang", *words, "-c", LIBRARY / "one.c", "-o", OUT / "mujs.o")
    for form, harness in FORMS.items():
        run("clang", *words, "-fsanitize=fuzzer", harness, OUT / "mujs.o", "-lm", "-o", OUT / f"mujs_{form}")
    run(ROOT / "build/bin/raclette-cc", *words, "-fsanitize=fuzzer", FORMS["each"],
        LIBRARY / "build/sanitize/libmujs.a", "-o", OUT / "mujs_each.raclette")
    with zipfile.ZipFile(OUT / "mujs_each.raclette_seed_corpus.zip", "w") as seeds:
        for path in target_files.find("mujs").seeds:
            seeds.write(ROOT / path, Path(path).name)


def machine(target, out, seconds):
    """(cases a second, share of the time that resets and exits take) in the second half of a run."""
    shutil.rmtree(out, ignore_errors=True)
    run(sys.executable, "build.py", "run", "--plain", "--target", target, "--cpus", 1, "--seed", 1,
        "--seconds", seconds, "--exit-zero", "--out", out, stdout=subprocess.DEVNULL)
    stats = [record for record in map(json.loads, (out / "stats.jsonl").read_text().splitlines())
             if record["type"] == "stats"]
    last = stats[-1]
    middle = min(stats[:-1], key=lambda record: abs(record["time_us"] - last["time_us"] / 2))
    rate = (last["case"] - middle["case"]) / ((last["time_us"] - middle["time_us"]) / 1e6)
    return rate, last["time_share"]["reset"] + last["time_share"]["exits"]


def libfuzzer(form, corpus):
    """Cases a second over the inputs, each run several times: libFuzzer's own times for each of them."""
    files = sorted(corpus.iterdir())
    said = run(OUT / f"mujs_{form}", f"-runs={RUNS}", "-timeout=0", *files, stderr=subprocess.PIPE, text=True,
               errors="replace", stdout=subprocess.DEVNULL,
               env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0:allocator_may_return_null=1")).stderr
    times = [int(ms) for ms in re.findall(r"^Executed .* in (\d+) ms", said, re.M)]
    if len(times) != len(files):
        sys.exit(f"libFuzzer ran {len(times)} of {len(files)} inputs: {said[-500:]}")
    return RUNS * len(files) / (sum(times) / 1000)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=30)
    arguments = parser.parse_args()
    build()
    with tempfile.TemporaryDirectory(prefix="raclette-isolation-") as folder:
        ours, share = machine("mujs", Path(folder) / "one", arguments.seconds)
        each, _ = machine(OUT / "mujs_each.raclette", Path(folder) / "each", arguments.seconds)
        corpus = Path(folder) / "one/corpus"
        found = len(list(corpus.iterdir()))
        theirs, isolated = libfuzzer("one", corpus), libfuzzer("each", corpus)
    print(f"{found} inputs; cases a second:")
    print(f"libFuzzer, one interpreter for all cases      {theirs:8,.0f}")
    print(f"libFuzzer, a new interpreter for each case    {isolated:8,.0f}   1 in {theirs / isolated:.1f} of it")
    print(f"Raclette, the interpreter in the snapshot     {ours:8,.0f}   exits and reset take {share:.0%} of the time")
    print(f"Raclette, a new interpreter for each case     {each:8,.0f}   1 in {ours / each:.1f} of it")


if __name__ == "__main__":
    main()
