"""merge, triage, minimize and coverage as a user types them: on stb_image, and on folders that hold anything."""
import json
import os
import re
import shutil
import struct
import subprocess
import zipfile

from tests.qemu.expectations import build_py, expect
from tools.rl.common import CRASHED, OK, ROOT, USAGE
from tools.rl.images.xxhash import xxh64

SEEDS = ROOT / "targets/stb_image/seeds"
EVERY_ENDING = """\
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
static volatile int sink;
__attribute__((noinline)) static void endless(void) { for (volatile int i = 0;; i++) if (i < 0) i = 0; }
__attribute__((noinline)) static void greedy(void) { for (;;) { char *p = malloc(1 << 20); memset(p, 1, 1 << 20); } }
__attribute__((noinline)) static void wild(const uint8_t *data) { sink = data[100000]; }
__attribute__((noinline)) static void fresh(void) {
    volatile char *p = malloc(16);
    if (p[3] == 0) __builtin_trap();
    free((void *)p);
}
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!size) return 0;
    if (data[0] == 'C') wild(data);
    if (data[0] == 'E') endless();
    if (data[0] == 'M') greedy();
    if (data[0] == 'F') fresh();
    if (data[0] == 'L') *(volatile char *)malloc(10) = 1;
    if (data[0] == 'N') return -1;
    for (size_t i = 0; i < size; i++) if (data[i] == '!') sink = 1;
    return 0;
}
"""


def target_in(folder):
    build_py(OK, "new-target", folder)
    (folder / "harness.c").write_text(EVERY_ENDING)
    return folder


def write(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def total(output):
    """(edges, features) of merge's last line."""
    found = re.search(r"reach all ([\d,]+) edges and ([\d,]+) features", output)
    expect(found, f"no last line: {output[-1500:]}")
    return found.groups()


def a_merge_keeps_everything_that_many_inputs_reach(out):
    """Copies and parts of the seeds, in a folder of AFL++'s, one of libFuzzer's and an archive."""
    seeds = {path.name: path.read_bytes() for path in SEEDS.iterdir()}
    write(out / "afl/default/queue", {f"id:{n:06},orig:{name}": data for n, (name, data) in enumerate(seeds.items())})
    write(out / "afl/default/crashes", {"id:000000,sig:06": b"no part of a corpus", "README.txt": b"text"})
    write(out / "libfuzzer", {f"{n:040x}": data[:len(data) // 2] for n, data in enumerate(seeds.values())})
    with zipfile.ZipFile(out / "more.zip", "w") as archive:
        for name, data in seeds.items():
            archive.writestr(f"../../{name}", data + b"a tail")
    places = (out / "afl", out / "libfuzzer", out / "more.zip")
    output = build_py(OK, "merge", *places, "--out", out / "merged")
    chosen = list((out / "merged").iterdir())
    expect(0 < len(chosen) <= 3 * len(seeds), f"{len(chosen)} inputs were chosen")
    expect(all(path.name == f"{xxh64(path.read_bytes()):016x}" for path in chosen), "an input has another name")
    again = build_py(OK, "merge", out / "merged", "--out", out / "again")
    expect(total(again) == total(output), f"the merged inputs reach {total(again)} of {total(output)}")
    expect({path.name for path in (out / "again").iterdir()} == {path.name for path in chosen},
           "a second merge chooses otherwise")
    expect("is not empty" in build_py(USAGE, "merge", SEEDS, "--out", out / "again"), "it does not say why")


def a_merge_of_a_hostile_folder_takes_what_is_whole(out):
    """Crashes, endless loops, links, pipes, giants, unreadable files: one input each ends, and nothing else."""
    target = target_in(out / "target")
    places = write(out / "in", {"crash": b"C", "endless": b"E", "greedy": b"M", "no": b"N", "empty": b"", "good": b"a!",
                                "copy": b"a!", "\x1b[2J": b"aa"})
    with open(places / "giant", "wb") as file:
        file.truncate(1 << 40)
    os.mkfifo(places / "pipe")
    (places / "link").symlink_to("/etc/passwd")
    (out / "bad.zip").write_bytes(b"PK\x03\x04 no archive")
    output = build_py(OK, "merge", places, out / "bad.zip", "--target", target, "--out", out / "merged")
    saved = {path.read_bytes() for path in (out / "merged").iterdir()}
    expect(b"a!" in saved and saved <= {b"a!", b"aa", b""}, f"saved: {saved}")
    for said in ("a link", "neither a file nor a folder", "longer than", "cannot be read", "the same bytes",
                 "ends with crash", "ends with timeout", "ends with out_of_memory", "asks not to keep it"):
        expect(said in output, f"nothing about {said}: {output[-2000:]}")
    expect("\x1b" not in output, "a name reaches the terminal")


def triage_groups_what_crashes_and_explains_the_others(out):
    target = target_in(out / "target")
    crashes = write(out / "afl/crashes", {
        "id:000000,sig:11": b"C one", "id:000001,sig:11": b"C two", "id:000002,sig:06": b"Fresh",
        "id:000003,sig:06": b"Leak", "id:000004,sig:06": b"other", "id:000005,sig:09": b"killed",
        "id:000006,sig:06": b"Endless", "README.txt": b"C"})
    write(out / "afl/hangs", {"id:000000": b"slow", "id:000001": b"E"})
    output = build_py(OK, "triage", out / "afl", "--target", target)
    about = json.loads((out / "afl/triage.json").read_text())
    groups = {group["function"]: (group["ending"], len(group["inputs"])) for group in about["groups"]}
    expect(groups == {"wild": ("crash", 2), "endless": ("timeout", 2)}, f"groups: {groups}")
    why = {one["input"]: " ".join(one["why"]) for one in about["no_crash"]}
    for name, said in (("crashes/id:000002,sig:06", "uninitialised"), ("crashes/id:000003,sig:06", "--leaks"),
                       ("crashes/id:000004,sig:06", "afresh"), ("crashes/id:000005,sig:09", "-rss_limit_mb"),
                       ("hangs/id:000000", "--timeout")):
        expect(said in why.get(name, ""), f"{name}: {why.get(name)}")
        expect(name in output, f"{name} is not shown: {output[-3000:]}")
    expect(len(why) == 5, f"not five without a crash: {why}")
    replayed = build_py(CRASHED, "replay", crashes / "id:000000,sig:11", "--target", target)
    expect(about["groups"][0]["hash"] in replayed, "a replay says another hash")


def triage_of_nothing_and_of_no_folder_is_refused(out):
    write(out / "empty", {})
    for place in (out / "empty", out / "missing", "/dev/null"):
        output = build_py(USAGE, "triage", place, "--out", out / "x.json")
        expect("Traceback" not in output and not (out / "x.json").exists(), f"{place}: {output}")


def minimize_keeps_the_crash_or_the_edges(out):
    target = target_in(out / "target")
    write(out, {"crash": b"C" + bytes(range(256)) * 4, "quiet": b"x" * 300 + b"!" + b"y" * 300, "empty": b""})
    replayed = build_py(CRASHED, "replay", out / "crash", "--target", target)
    digest = re.search(r"hash ([0-9a-f]{16})", replayed)[1]
    output = build_py(OK, "minimize", out / "crash", "--target", target)
    smaller = (out / "crash.min").read_bytes()
    expect(smaller == b"C" and digest in output, f"{smaller}: {output}")
    build_py(OK, "minimize", out / "quiet", "--target", target, "--out", out / "small")
    small = (out / "small").read_bytes()
    expect(b"!" in small and len(small) < 32, f"the edges are kept by {small}")     # how the loop is unrolled decides
    build_py(OK, "minimize", out / "empty", "--target", target)
    expect((out / "empty.min").read_bytes() == b"", "of nothing something was left out")
    build_py(OK, "minimize", out / "quiet", "--target", target, "--cases", 3)
    expect("cannot be read" in build_py(USAGE, "minimize", out / "none", "--target", target), "it does not say why")
    image = out / "image"
    image.write_bytes((SEEDS / "seed.png").read_bytes() + bytes(200))
    build_py(OK, "minimize", image, "--target", "stb_image")
    expect(len((out / "image.min").read_bytes()) <= len((SEEDS / "seed.png").read_bytes()), "the tail is left")


def lines_of(tracefile, ending):
    """{line: hits} of the source whose name ends so."""
    part = next(part for part in tracefile.split("end_of_record") if re.search(rf"^SF:.*{ending}$", part, re.MULTILINE))
    return {int(line): int(hits) for line, hits in re.findall(r"^DA:(\d+),(\d+)$", part, re.MULTILINE)}


def coverage_by_line_is_read_by_genhtml_and_lighthouse(out):
    write(out, {})
    output = build_py(OK, "coverage", SEEDS, "--target", "stb_image", "--lcov", out / "lcov", "--drcov", out / "drcov",
                      "--html", out / "html")
    expect(re.search(r"^9 inputs reach [\d,]+ of [\d,]+ edges", output, re.MULTILINE), f"no summary: {output[-1500:]}")
    source = (ROOT / "targets/stb_image/harness.c").read_text().splitlines()
    harness = lines_of((out / "lcov").read_text(), "harness.c")
    entry = next(n for n, text in enumerate(source, 1) if "LLVMFuzzerTestOneInput" in text)
    expect(harness.get(entry) == 9, f"the harness is reached by {harness}")
    library = lines_of((out / "lcov").read_text(), "stb_image.h")
    expect(len(library) > 1000 and 0 in library.values() and 9 in library.values(), "the library has no lines")
    done = subprocess.run(["genhtml", "-o", str(out / "other"), str(out / "lcov")], capture_output=True, text=True)
    expect(done.returncode == 0, f"genhtml refuses it: {done.stderr}")
    pages = [path.name for path in (out / "html").rglob("*.gcov.html")]
    expect({"harness.c.gcov.html", "stb_image.h.gcov.html"} <= set(pages), f"pages: {pages}")
    head, blocks = (out / "drcov").read_bytes().split(b" bbs\n", 1)
    expect(head.startswith(b"DRCOV VERSION: 2\n") and len(blocks) == 8 * int(head.rsplit(b" ", 1)[1]),
           f"no drcov file: {head}")
    expect(all(size and not module for _, size, module in struct.iter_unpack("<IHH", blocks)), "an empty block")


def coverage_counts_inputs_that_crash_and_names_no_foreign_file(out):
    target = target_in(out / "target")
    write(out / "in", {"crash": b"C", "endless": b"E", "good": b"a!"})
    build_py(OK, "coverage", out / "in", "--target", target, "--lcov", out / "lcov")
    lines = lines_of((out / "lcov").read_text(), "harness.c")
    text = EVERY_ENDING.splitlines()
    for part, hits in (("static void wild", 1), ("static void endless", 1), ("static void greedy", 0),
                       ("if (!size)", 3), ("sink = 1", 1)):
        line = next(n for n, one in enumerate(text, 1) if part in one)
        expect(lines.get(line) == hits, f"line {line}, {text[line - 1]!r}: {lines.get(line)} instead of {hits}")
    shutil.rmtree(out / "in")
    expect("cannot be read" in build_py(USAGE, "coverage", out / "in", "--target", target), "it does not say why")
    expect("no corpus/" in build_py(USAGE, "coverage", "--out", out / "in"), "it does not say why")


TESTS = (a_merge_keeps_everything_that_many_inputs_reach, a_merge_of_a_hostile_folder_takes_what_is_whole,
         triage_groups_what_crashes_and_explains_the_others, triage_of_nothing_and_of_no_folder_is_refused,
         minimize_keeps_the_crash_or_the_edges, coverage_by_line_is_read_by_genhtml_and_lighthouse,
         coverage_counts_inputs_that_crash_and_names_no_foreign_file)
