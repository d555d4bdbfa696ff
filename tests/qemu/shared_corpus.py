"""`run --sync`: what another fuzzer knows arrives here, and what we know arrives there, while both run.
AFL++ also begins with what `merge` writes."""
import json
import os
import signal
import subprocess
import time

from tests.qemu.expectations import PATIENCE, Failed, build_py, expect, start
from tools.rl.common import OK
from tools.rl.images.xxhash import xxh64
from tools.rl.results.shared_corpus import NAME, QUEUE

# Two words that no mutation hits and that no comparison shows: each opens a branch.
OURS, THEIRS = b"opened by Raclette", b"opened by the other fuzzer"


def fnv(data):
    value = 0xcbf29ce484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001b3 & (1 << 64) - 1
    return value


HARNESS = """
#include <stddef.h>
#include <stdint.h>
static volatile int opened;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < size; ++i) hash = (hash ^ data[i]) * 0x100000001b3;
    if ((hash ^ 0x5555) % 1000003 == %dUL && hash / 1000003 == %dUL) opened = 1;
    if ((hash ^ 0x5555) % 1000003 == %dUL && hash / 1000003 == %dUL) opened = 2;
    return 0;
}
"""
AFL = {"AFL_NO_UI": "1", "AFL_SKIP_CPUFREQ": "1", "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES": "1", "AFL_NO_AFFINITY": "1",
       "AFL_SYNC_TIME": "1", "AFL_IMPORT_FIRST": "1"}


def make_target(folder):
    numbers = [number for word in (OURS, THEIRS) for number in ((fnv(word) ^ 0x5555) % 1000003, fnv(word) // 1000003)]
    (folder / "seeds").mkdir(parents=True)
    (folder / "seeds/ours").write_bytes(OURS)
    (folder / "harness.c").write_text(with_numbers(HARNESS, numbers))
    (folder / "target.json").write_text(json.dumps(
        {"language": "c", "libc": "musl", "sources": ["harness.c"], "packages": []}))
    return folder


def with_numbers(text, numbers):
    for number in numbers:
        text = text.replace("%dUL", f"{number}UL", 1)
    return text


def run(out, target, shared, *words):
    return start("run", "--plain", "--cpus", 2, "--target", target, "--sync", shared, "--out", out, *words)


def wait_until(holds, what):
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise Failed(f"not within {PATIENCE} s: {what}")
        time.sleep(0.2)


def inputs(folder):
    return {path.read_bytes() for path in folder.glob("[!.]*") if path.is_file()} if folder.is_dir() else set()


def inputs_of_others_enter_the_corpus_and_ours_are_given(out):
    target, shared = make_target(out / "target"), out / "shared"
    queue = shared / "main" / QUEUE
    queue.mkdir(parents=True)
    (queue / "id:000000,orig:theirs").write_bytes(THEIRS)
    (shared / "as libFuzzer's").write_bytes(THEIRS[::-1])
    process = run(out / "results", target, shared)
    saved = out / "results/corpus" / f"{xxh64(THEIRS):016x}"
    try:
        wait_until(saved.exists, "another fuzzer's input in the corpus")
        wait_until(lambda: OURS in inputs(shared / NAME / QUEUE), "ours in the shared folder")
    finally:
        process.send_signal(signal.SIGINT)
        output = process.communicate(timeout=PATIENCE)[0]
    expect("took 2 inputs" in output, f"it does not say how many it took: {output[-500:]}")
    expect(THEIRS not in inputs(shared / NAME / QUEUE), "what others gave is given back")


def build_for_afl(harness, program):
    made = subprocess.run(["afl-clang-fast", "-fsanitize=fuzzer", "-O1", "-o", program, harness], capture_output=True,
                          text=True)
    expect(made.returncode == 0, f"AFL++'s compiler failed: {made.stderr[-500:]}")


def afl_and_raclette_open_each_others_doors(out):
    target, shared = make_target(out / "target"), out / "shared"
    (out / "theirs").mkdir()
    (out / "theirs/seed").write_bytes(THEIRS)
    build_for_afl(target / "harness.c", out / "native")
    with open(out / "afl.log", "wb") as log:
        afl = subprocess.Popen(["afl-fuzz", "-M", "main", "-i", out / "theirs", "-o", shared, "--", out / "native"],
                               stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **AFL})
        process = run(out / "results", target, shared)
        try:
            wait_until((out / "results/corpus" / f"{xxh64(THEIRS):016x}").exists, "AFL++'s input in our corpus")
            wait_until(lambda: OURS in inputs(shared / "main" / QUEUE), "our input in AFL++'s queue")
        finally:
            expect(afl.poll() is None, f"AFL++ ended: {(out / 'afl.log').read_text(errors='replace')[-500:]}")
            afl.terminate()
            afl.wait(PATIENCE)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=PATIENCE)


# A branch for each of eight letters, so that no single input reaches all of them.
LETTERS = """
#include <stddef.h>
#include <stdint.h>
static volatile int seen;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) return 0;
    switch (data[0]) {
""" + "".join(f"    case '{letter}': seen = {n} * data[1]; break;\n" for n, letter in enumerate("abcdefgh")) + """\
    }
    return 0;
}
"""


def edges_by_afl(program, folder, out):
    """The edges that AFL++'s own build counts over all inputs of a folder."""
    done = subprocess.run(["afl-showmap", "-q", "-C", "-i", folder, "-o", out, "--", program], capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE, env={**os.environ, **AFL})
    expect(done.returncode == 0, f"afl-showmap ended with {done.returncode}: {done.stdout[-500:]}{done.stderr[-500:]}")
    return {line.split(":")[0] for line in out.read_text().splitlines()}


def afl_begins_with_what_merge_wrote(out):
    """Each input of the folder is in AFL++'s queue under its name, and reaches there what all inputs do."""
    target, many, merged = make_target(out / "target"), out / "many", out / "merged"
    (target / "harness.c").write_text(LETTERS)
    many.mkdir()
    for n, letter in enumerate(b"abcdefghij"):
        for tail in (b"x", b"y", b"a longer tail"):
            (many / f"{n}{len(tail)}{tail[:1].decode()}").write_bytes(bytes((letter,)) + tail)
    build_py(OK, "merge", many, "--target", target, "--out", merged)
    names = {path.name for path in merged.iterdir()}
    expect(8 <= len(names) <= 12, f"{len(names)} of 30 inputs were chosen")
    program = out / "native"
    build_for_afl(target / "harness.c", program)
    reached, all_edges = (edges_by_afl(program, folder, out / f"{folder.name}.map") for folder in (merged, many))
    expect(len(all_edges) > 8 and reached == all_edges, f"AFL++ sees {len(reached)} of {len(all_edges)} edges")
    done = subprocess.run(["afl-fuzz", "-i", merged, "-o", out / "afl", "-E", "1000", "--", program],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE,
                          env={**os.environ, **AFL})
    expect(done.returncode == 0, f"afl-fuzz ended with {done.returncode}: {done.stdout[-1500:]}")
    taken = {path.name.partition("orig:")[2] for path in (out / "afl/default" / QUEUE).iterdir()}
    expect(names <= taken, f"AFL++ did not take {names - taken}")


TESTS = (inputs_of_others_enter_the_corpus_and_ours_are_given, afl_and_raclette_open_each_others_doors,
         afl_begins_with_what_merge_wrote)
