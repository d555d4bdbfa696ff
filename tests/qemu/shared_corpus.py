"""`run --sync`: what another fuzzer knows arrives here, and what we know arrives there, while both run."""
import json
import os
import signal
import subprocess
import time

from tests.qemu.expectations import PATIENCE, Failed, expect, start
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


def afl_and_raclette_open_each_others_doors(out):
    target, shared = make_target(out / "target"), out / "shared"
    (out / "theirs").mkdir()
    (out / "theirs/seed").write_bytes(THEIRS)
    made = subprocess.run(["afl-clang-fast", "-fsanitize=fuzzer", "-O1", "-o", out / "native", target / "harness.c"],
                          capture_output=True, text=True)
    expect(made.returncode == 0, f"AFL++'s compiler failed: {made.stderr[-500:]}")
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


TESTS = (inputs_of_others_enter_the_corpus_and_ours_are_given, afl_and_raclette_open_each_others_doors)
