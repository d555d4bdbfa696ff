#!/usr/bin/env python3
"""How good mutation and scheduling are: edges after equal executions, and cases until a known bug, over several seeds.

The fuzzer's own code drives the harness in a native process, ten times as fast as in a machine, so that a change can be
measured over several seeds in minutes. Edges are counted by libFuzzer's build of the harness, as `build.py bench` does.

  python3 tests/native/measure.py                       edges after 10,000, 50,000 and 100,000 cases
  python3 tests/native/measure.py --bug stbi__gif_load_next --cases 2000000
"""
import argparse
import base64
import glob
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
sys.path.insert(0, ROOT)
from tools.rl.peers.edges import count          # noqa: E402

OUT = "build/native"
MARKS = (10_000, 50_000, 100_000)
HARNESS = ("-O1 -g -fno-omit-frame-pointer -fsanitize=address -fsanitize-address-use-after-return=never "
           "-fsanitize-coverage=trace-pc-guard,no-prune,trace-cmp -Dmalloc=native_malloc -Dfree=native_free "
           "-Drealloc=native_realloc -Dcalloc=native_calloc")


def run(command):
    subprocess.run(command, shell=True, check=True, cwd=ROOT)


def build(target):
    os.makedirs(os.path.join(ROOT, OUT), exist_ok=True)
    sources = " ".join(glob.glob(f"{ROOT}/targets/{target}/*.c"))
    run(f"clang {HARNESS} -I. -c {sources} -o {OUT}/harness.o")
    run(f"clang -O2 -fno-omit-frame-pointer -Wall -Wextra -I. -c tests/native/run.c -o {OUT}/run.o")
    run(f"clang -O2 -c base/xxhash_impl.c -o {OUT}/xxhash.o")
    run("clang++ -std=c++20 -O2 -fno-exceptions -fno-rtti -I. base/*.cpp rstate/*.cpp fuzz/*.cpp fuzz/mutators/*.cpp "
        f"tests/sim/program.cpp tests/native/*.cpp {OUT}/harness.o {OUT}/run.o {OUT}/xxhash.o "
        f"-no-pie -lm -lpthread -o {OUT}/fuzz")


def records(cases, seed, target):
    files = sorted(glob.glob(f"{ROOT}/targets/{target}/seeds/*"))
    with subprocess.Popen([f"{ROOT}/{OUT}/fuzz", str(cases), str(seed), *files], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as process:
        try:
            yield from (json.loads(line) for line in process.stdout if line.startswith(b"{"))
        finally:
            process.kill()


def edges(folder, target):
    return count(Path(ROOT, "build/targets", target, "libfuzzer"), Path(folder))


def coverage(arguments):
    marks = [mark for mark in MARKS if mark <= arguments.cases]
    reached = {mark: [] for mark in marks}
    for seed in range(1, arguments.seeds + 1):
        with tempfile.TemporaryDirectory(prefix="raclette-measure-") as folder:
            left = list(marks)

            def count_up_to(case):
                while left and case > left[0]:
                    reached[left.pop(0)].append(edges(folder, arguments.target))
            for record in records(arguments.cases, seed, arguments.target):
                if record["type"] == "corpus":
                    count_up_to(record["case"])
                    with open(os.path.join(folder, record["hash"]), "wb") as file:
                        file.write(base64.b64decode(record["data"]))
            count_up_to(arguments.cases + 1)
    for mark in marks:
        print(f"{mark:9,} cases: median {statistics.median(reached[mark]):.0f} edges, mean "
              f"{statistics.mean(reached[mark]):.0f}, of {sorted(reached[mark])}")


def bug(arguments):
    found = []
    for seed in range(1, arguments.seeds + 1):
        cases = (record["case"] for record in records(arguments.cases, seed, arguments.target)
                 if record["type"] == "crash" and record["function"] == arguments.bug)
        found.append(next(cases, arguments.cases))
    print(f"cases until {arguments.bug}: median {statistics.median(found):,.0f}, of {sorted(found)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", default="stb_image")
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seeds", type=int, default=8, help="how many random seeds, from 1")
    parser.add_argument("--bug", metavar="FUNCTION", help="count cases until a crash in it, instead of edges")
    arguments = parser.parse_args()
    build(arguments.target)
    if arguments.bug:
        bug(arguments)
    else:
        run(f"ninja -f build/build.ninja build/targets/{arguments.target}/libfuzzer > /dev/null")
        coverage(arguments)


if __name__ == "__main__":
    main()
