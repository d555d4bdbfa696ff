"""Commands over folders and files that hold anything: each ends, says what it left out, and writes nowhere else.

What is refused before a machine boots is in tests/unit/tools/commands/test_hostile_words.py; `merge` has its row in
corpus_commands.py.
"""
import json
import os
import re
import shutil
import signal
import time
import zipfile

from tests.qemu.corpus_commands import target_in, write
from tests.qemu.expectations import PATIENCE, build_py, expect, start, wait_for_line
from tests.qemu.shared_corpus import make_target
from tools.rl.common import CRASHED, OK, SYSTEM_FAILED, TESTS_FAILED, TIMED_OUT, USAGE
from tools.rl.images.xxhash import xxh64

ALWAYS_CRASHES = """
#include <stddef.h>
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    if (size && data[0] == 0xff) return 0;
    __builtin_trap();
}
"""
LEFT_OUT = ("a link", "neither a file nor a folder", "longer than", "the same bytes", "folders deep")


def filled(folder):
    """A folder with inputs of every ending, and with all that can be none."""
    write(folder, {"crash-1": b"C", "timeout-1": b"E", "oom-1": b"M", "leak-1": b"L", "no": b"N", "empty": b"",
                   "good": b"a!", "copy": b"a!", "\x1b[2J": b"aa", "\udcff": b"bytes"})
    with open(folder / "giant", "wb") as file:
        file.truncate(1 << 40)
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to("loop")
    (folder / "secret").symlink_to("/etc/passwd")
    deep = folder / "/".join("d" * 20)
    deep.mkdir(parents=True)
    (deep / "input").write_bytes(b"deep")
    return folder


def archives(folder):
    """(one with names that lead elsewhere, one that is cut, one with a damaged member)."""
    names = [folder / name for name in ("names.zip", "cut.zip", "member.zip")]
    for path in names:
        with zipfile.ZipFile(path, "w") as archive:
            for name in ("../../out", "/etc/passwd", "a/../../b", "\x1b[2J"):
                archive.writestr(name, b"C from " + path.name.encode() + name.encode())
    data = names[0].read_bytes()
    names[1].write_bytes(data[:len(data) // 2])
    names[2].write_bytes(data.replace(b"C from names", b"D from names", 1))     # its sum is wrong now
    return names


def files_in(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def clear(output, *parts):
    for part in parts:
        expect(part in output, f"nothing about {part}: {output[-3000:]}")
    expect("Traceback" not in output and "\x1b" not in output, f"not clear: {output[-3000:]}")


def triage_of_a_hostile_folder_groups_what_is_whole(out):
    target, places = target_in(out / "target"), filled(out / "in")
    zips, before = archives(out), files_in(out)
    output = build_py(OK, "triage", places, *zips, "--target", target, "--out", out / "found.json")
    clear(output, *LEFT_OUT, "an archive that cannot be read", "cannot be read (Bad CRC")
    groups = json.loads((out / "found.json").read_text())["groups"]
    expect({group["function"]: group["ending"] for group in groups} ==
           {"wild": "crash", "endless": "timeout", "greedy": "out_of_memory"}, f"groups: {groups}")
    expect(files_in(out) == before | {"found.json"}, f"written: {files_in(out) - before}")


def coverage_of_a_hostile_folder_counts_what_is_whole(out):
    target, places = target_in(out / "target"), filled(out / "in")
    zips, before = archives(out), files_in(out)
    output = build_py(OK, "coverage", places, *zips, "--target", target, "--lcov", out / "lcov", "--html", out / "html")
    clear(output, *LEFT_OUT, "an archive that cannot be read", "cannot be read (Bad CRC")
    count = re.search(r"^(\d+) inputs reach", output, re.M)
    expect(count and int(count[1]) >= 11, f"counted: {count and count[0]}")
    written = files_in(out) - before
    expect({"lcov", "html/index.html"} <= written and all(name.startswith(("lcov", "html")) for name in written),
           f"written: {written}")


def minimize_of_hostile_inputs_ends(out):
    """One that never ends, one that takes all memory, one whose folder's notes are damaged, one that is too long."""
    target = target_in(out / "target")
    found = out / "run/crashes/0123456789abcdef"
    write(found, {"crash.json": b"{[", "input": b"C" + bytes(99)})
    write(out / "run", {"campaign.json": b"\xff\0"})
    write(out, {"endless": b"E" + bytes(40), "greedy": b"M" + bytes(40), "long": bytes(65)})
    for path, first, kept in ((out / "endless", b"E", "timeout"), (out / "greedy", b"M", "out_of_memory"),
                              (found / "input", b"C", "crash")):
        output = build_py(OK, "minimize", path, "--target", target, "--timeout", "2000000edges")
        clear(output, f"the same {kept}, hash ")
        expect(path.with_name(f"{path.name}.min").read_bytes() == first, f"{path} became {path.name}.min: {output}")
    clear(build_py(USAGE, "minimize", out / "long", "--target", target, "--max-len", 64), "--max-len")
    expect(not (out / "long.min").exists(), "something was written")


def replay_beside_damaged_notes_and_onto_a_full_disk_says_so(out):
    target = target_in(out / "target")
    found = out / "run/timeouts/0123456789abcdef"
    write(found, {"crash.json": b'{"type": "timeout", "edges": 1e999, "schedule": [1]}', "input": b"E"})
    write(out / "run", {"campaign.json": b"[" * 9999})
    clear(build_py(TIMED_OUT, "replay", found / "input", "--target", target, "--timeout", "2000000edges"), "endless")
    crash = out / "crash"
    crash.write_bytes(b"C")
    (out / "full").symlink_to("/dev/full")
    for words in (("--core", out / "full"), ("--gdb", "--core", out / "full")):
        output = build_py(USAGE, "replay", crash, "--target", target, *words)
        clear(output, "cannot be written: No space left on device")
    (out / "a file").write_bytes(b"")
    clear(build_py(USAGE, "replay", crash, "--target", target, "--out", out / "a file"), "cannot be written")
    clear(build_py(CRASHED, "replay", crash, "--target", target, "--core", out / "core"), "core file of ")


def a_shared_folder_that_is_hostile_and_then_gone_does_not_end_the_run(out):
    """Its links, pipes and giants are not sent; without it the run goes on, and says what it could not write."""
    target, shared = make_target(out / "target"), filled(out / "shared")
    write(shared / "afl/queue", {"id:000000,orig:a": b"from AFL++ !", "id:999999999999999999999,x": b"!"})
    (shared / "raclette").mkdir()
    write(shared / "raclette/queue", {"id:000007": b"ours", "id:x": b"none"})
    (shared / "raclette/queue/id:000009").mkdir()
    log, results = out / "log", out / "results"
    with open(log, "w") as file:
        process = start("run", "--plain", "--cpus", 2, "--target", target, "--sync", shared, "--out", results,
                        stdout=file)
    try:
        wait_for_line(results / "serial.log", rf'"given","hash":"{xxh64(b"from AFL++ !"):016x}"')
        shutil.rmtree(shared)
        lines = (results / "stats.jsonl").read_bytes().count(b"\n")
        deadline = time.monotonic() + PATIENCE
        while (results / "stats.jsonl").read_bytes().count(b"\n") < lines + 3 and time.monotonic() < deadline:
            time.sleep(0.2)
        expect(process.poll() is None, f"the run has ended: {log.read_text()[-2000:]}")
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)
    finally:
        process.kill()
        process.wait()
    said = log.read_text()
    clear(said, "shared corpus ", " too long", "results in ")
    secret = f"{xxh64(open('/etc/passwd', 'rb').read()):016x}"
    expect(secret not in (results / "serial.log").read_text(), "a link was followed")


def peers_of_a_harness_that_cannot_be_built_or_whose_seeds_all_crash_end_clearly(out):
    target = target_in(out / "target")
    (target / "harness.c").write_text("#ifdef __AFL_COMPILER\n#error not for AFL++\n#endif\n" +
                                      (target / "harness.c").read_text())
    words = ("bench", "peers", "--target", target, "--seeds", 2, "--cases", 100, "--yes")
    clear(build_py(TESTS_FAILED, *words), "afl-clang-fast ended with status ", "not for AFL++")
    target = target_in(out / "crashing")
    (target / "harness.c").write_text(ALWAYS_CRASHES)
    words = ("bench", "peers", "--target", target, "--seeds", 2, "--cases", 100, "--yes")
    output = build_py(SYSTEM_FAILED, *words)
    clear(output)
    expect(re.search(r"^build\.py: (libFuzzer|afl-fuzz).* (crash|status) ", output, re.M), f"not clear: {output}")


TESTS = (triage_of_a_hostile_folder_groups_what_is_whole, coverage_of_a_hostile_folder_counts_what_is_whole,
         minimize_of_hostile_inputs_ends, replay_beside_damaged_notes_and_onto_a_full_disk_says_so,
         a_shared_folder_that_is_hostile_and_then_gone_does_not_end_the_run,
         peers_of_a_harness_that_cannot_be_built_or_whose_seeds_all_crash_end_clearly)
