"""build.py run as a user runs it: results survive every end, limits end a run cleanly, refusals name their reason."""
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from tests.qemu import (browser, corpus_commands, debugger, hostile_inputs, hostile_names, killed_runs, lan,
                        libraries, peers, shared_corpus, terminal)
from tests.qemu.expectations import Failed, PATIENCE, build_py, finish, expect, start, wait_for_line
from tests.runner import scenario
from tests.unit.tools.building.test_graph import programs
from tests.unit.tools.results.test_report import parse
from tools.rl.building import targets
from tools.rl.building.graph import Graph
from tools.rl.building.ninja import run_ninja
from tools.rl.common import (BUILD, BUILTIN_TARGET, CRASHED, DEBUG, IMAGE, INTERRUPTED, MISSING, OK, ROOT,
                             SYSTEM_FAILED, TIMED_OUT, USAGE)
from tools.rl.images import artefacts, disk_image
from tools.rl.images.package import PXE_BUILD_ID
from tools.rl.machines.qemu import Machine, PROGRAM, die_with_parent
from tools.rl.machines.session import Session

LONG_PATIENCE = 1200             # two million cases at the pace of a busy machine would take longer; the bug does not


def fuzz(out, *words):
    return start("run", "--plain", "--cpus", 1, "--seed", 1, "--out", out, *words)


def until_fuzzing(out):
    """Waits for the second statistics: by then results exist that could be lost."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        stats = out / "stats.jsonl"
        if stats.exists() and stats.read_text().count("\n") >= 2:
            return
        time.sleep(0.1)
    raise Failed("no statistics came")


def check_results(out):
    """Every file of the folder is complete and there is a corpus."""
    stats = [json.loads(line) for line in (out / "stats.jsonl").read_text().splitlines()]
    expect(stats, "no statistics were saved")
    expect(list((out / "corpus").glob("[!.]*")), "no corpus was saved")
    expect((out / "serial.log").stat().st_size > 0, "the console was not saved")
    for crash in (out / "crashes").glob("[!.]*"):
        fields = json.loads((crash / "crash.json").read_text())
        missing = [key for key in ("hash", "kind", "function", "file", "line", "case", "core") if key not in fields]
        expect(not missing, f"{crash}/crash.json has no {missing}")
        expect((crash / "trace.txt").read_text().strip(), f"{crash}/trace.txt is empty")
        expect((crash / "input").exists(), f"{crash}/input is missing")
    return stats


def children(pid):
    """QEMU processes below a process."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            if int(fields[1]) == pid and PROGRAM in (entry / "cmdline").read_text():
                found.append(int(entry.name))
        except (OSError, IndexError):
            pass                # it ended meanwhile
    return found


def a_number_of_cases_ends_the_run_and_the_next_one_resumes(out):
    finish(fuzz(out, "--cases", 3000, "--exit-zero"), OK)
    before = check_results(out)[-1]
    report = (out / "report.html").read_text()
    parse(report)
    expect(re.search(r"[1-9][\d,]* of [1-9][\d,]* edges \([\d.]+ %\) in [1-9]\d* of \d+ functions", report),
           "the report has no coverage")
    expect("LLVMFuzzerTestOneInput" in report, "the report does not name the harness")
    expect(before["case"] >= 3000, f"{before['case']} cases instead of 3000")
    names = {path.name for path in (out / "corpus").iterdir()}
    finish(fuzz(out, "--cases", 3000, "--exit-zero"), OK)
    expect(names <= {path.name for path in (out / "corpus").iterdir()}, "the second run lost corpus")
    after = check_results(out)[-1]
    expect(after["edges"] >= before["edges"], f"resumed with {after['edges']} edges of {before['edges']}")


def a_number_of_seconds_ends_the_run(out):
    expect("time is up" in finish(fuzz(out, "--seconds", 2, "--exit-zero"), OK), "it does not say why it stopped")
    check_results(out)


def ctrl_c_ends_the_run_cleanly(out):
    process = fuzz(out)
    until_fuzzing(out)
    process.send_signal(signal.SIGINT)
    expect("interrupted" in finish(process, INTERRUPTED), "it does not say why it stopped")
    expect('"end"' in (out / "serial.log").read_text(), "the machine did not end by itself")
    check_results(out)


def a_killed_run_loses_nothing_and_leaves_no_machine(out):
    process = fuzz(out)
    until_fuzzing(out)
    machines = children(process.pid)
    expect(len(machines) == 1, f"{len(machines)} machines run")
    process.kill()
    process.communicate()
    check_results(out)
    deadline = time.monotonic() + 10
    while os.path.exists(f"/proc/{machines[0]}") and time.monotonic() < deadline:
        time.sleep(0.1)
    expect(not os.path.exists(f"/proc/{machines[0]}"), "QEMU runs on")


def a_killed_qemu_is_one_clear_line_and_loses_nothing(out):
    process = fuzz(out)
    until_fuzzing(out)
    os.kill(children(process.pid)[0], signal.SIGKILL)
    expect("QEMU was killed by SIGKILL" in finish(process, SYSTEM_FAILED), "it does not say what happened")
    check_results(out)


def a_missing_qemu_is_named(out):
    with tempfile.TemporaryDirectory() as folder:           # everything that is on PATH, except QEMU
        for place in reversed(os.environ["PATH"].split(os.pathsep)):
            for program in Path(place).glob("*") if os.path.isdir(place) else ():
                link = Path(folder) / program.name
                link.unlink(missing_ok=True)
                link.symlink_to(program)
        (Path(folder) / PROGRAM).unlink()
        output = build_py(MISSING, "run", "--out", out, env=dict(os.environ, PATH=folder))
    expect("qemu-system-x86" in output, f"it does not name the package: {output}")


def a_folder_that_cannot_be_written_is_refused(out):
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("a file, not a folder")
    expect("cannot be written" in build_py(USAGE, "run", "--out", out), "it does not say why")


def an_empty_input_is_an_input(out):
    out.mkdir(parents=True)
    (out / "empty").write_bytes(b"")
    output = build_py(OK, "replay", out / "empty", "--target", BUILTIN_TARGET)
    expect("no crash" in output, "it does not say how it went")


def an_input_that_is_too_long_is_refused(out):
    out.mkdir(parents=True)
    (out / "long").write_bytes(bytes(65))
    output = build_py(USAGE, "replay", out / "long", "--max-len", 64, "--target", BUILTIN_TARGET)
    expect("--max-len" in output, "it does not say why")
    (out / "corpus").mkdir()
    (out / "corpus/long").write_bytes(bytes(70000))
    expect("are cut" in build_py(OK, "run", "--plain", "--cpus", 1, "--cases", 100, "--max-len", 64, "--exit-zero",
                                    "--out", out),
           "a corpus file that is too long is not cut, or no line says so")


LEAKS_AND_LOOPS = """\
#include <stdint.h>
#include <stdlib.h>
__attribute__((noinline)) static void endless(void) { for (volatile int i = 0;; i++) if (i < 0) i = 0; }
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 1 && data[0] == 'L') for (int i = 0; i < 2; i++) *(char *)malloc(10) = (char)data[1];
    if (size > 1 && data[0] == 'E') endless();
    return 0;
}
"""


def leaks_are_listed_and_a_timeout_is_saved_and_replays(out):
    folder = out / "target"
    build_py(OK, "new-target", folder)
    (folder / "harness.c").write_text(LEAKS_AND_LOOPS)
    (folder / "seeds/loop").write_bytes(b"Exy")
    (folder / "seeds/leak").write_bytes(b"Lxy")
    output = build_py(CRASHED, "replay", folder / "seeds/leak", "--leaks")
    expect(output.count("memory-leak in") == 2 and "leaks 2 blocks" in output, f"not two leaks: {output[-2000:]}")
    expect("no crash" in build_py(OK, "replay", folder / "seeds/text", "--leaks"), "a leak where there is none")
    build_py(OK, "run", "--plain", "--cpus", 1, "--seed", 1, "--cases", 300, "--target", folder, "--out", out / "out")
    saved = list((out / "out/timeouts").glob("[!.]*"))
    expect(len(saved) == 1, f"{len(saved)} timeouts were saved")
    fields = json.loads((saved[0] / "crash.json").read_text())
    expect(fields["function"] == "endless" and fields["edges"] > 0, f"it does not say where: {fields}")
    expect(saved[0].name in build_py(TIMED_OUT, "replay", saved[0] / "input"), "the timeout does not repeat")
    expect("endless" in (out / "out/report.html").read_text(), "the report does not list it")


def the_map_of_a_live_run_has_both_spaces(_out):
    output = build_py(OK, "maps")
    for pattern in (r"^  0x\S+ 0x\S+ +\S+ [KM]iB +(down )?r-x +wb +boot +kernel image\b", r" uc +none +local APIC\b",
                    r"core 0's machine: guest-physical addresses: [1-9]\d* pages", r" r-x +wb +snapshot$",
                    r" rwx +wb +guest_private$", r"^window of core 0: "):
        expect(re.search(pattern, output, re.MULTILINE), f"no line like {pattern}: {output[:3000]}")


def a_machine_at_a_serial_line_is_shown_saved_asked_and_traced(out):
    out.mkdir(parents=True)
    shutil.copyfile(IMAGE, out / "disk.img")
    machine = subprocess.Popen([*Machine(may_exit=False).arguments(out / "disk.img"), "-serial", "pty"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                               preexec_fn=die_with_parent)
    try:
        terminal = re.search(r"/dev/\S+", machine.stdout.readline())
        expect(terminal, "QEMU does not name its terminal")
        console = start("console", terminal.group(), "--plain", "--out", out, stdin=subprocess.PIPE)
        until_fuzzing(out)
        console.stdin.write("trace\n")
        console.stdin.flush()
        wait_for_line(out / "serial.log", r"^trace: end\s*$")
        console.stdin.write("quit\n")
        console.stdin.flush()
        expect("the machine has ended its run" in finish(console, OK), "it does not say how it ended")
    finally:
        machine.kill()
        machine.communicate()
    check_results(out)
    build_py(OK, "trace", out / "serial.log", "--out", out / "trace.json")
    events = json.loads((out / "trace.json").read_text())["traceEvents"]
    for core in (0, 1):
        seen = {(event["ph"], event["name"]) for event in events if event["tid"] == core}
        expect({("B", "guest"), ("E", "guest"), ("B", "reset"), ("E", "reset")} <= seen, f"core {core} traced {seen}")


def logged(bugs, path, folder=BUILD):
    """The serial log, as it came over the line, of a boot of the test kernel with each of these injected bugs."""
    path.parent.mkdir(parents=True)
    with path.open("wb") as log:
        for bug in bugs:
            row = scenario.Scenario(bug, options={"inject": bug}, folder=folder)
            session = Session(scenario.contents(row), row.machine, serial_log=log, deadline=row.timeout)
            expect(list(session.events()) and session.status == SYSTEM_FAILED, f"{bug}: {session.why}")


def the_log_of_a_real_failure_is_explained(out):
    """One failure twice and another one: grouped by hash, each frame with its line, each address with its function."""
    logged(("write-past-end-1-page", "vmrun", "write-past-end-1-page"), out / "serial.log")
    output = build_py(OK, "explain", out / "serial.log")
    heads = re.findall(r"^([0-9a-f]{16})  (.*), first in line \d+: error (\S+) on core 0,", output, re.MULTILINE)
    expect([head[1:] for head in heads] == [("2 times", "mm.out_of_bounds"), ("once", "svm.vmrun_refused")] and
           heads[0][0] != heads[1][0] and output.endswith("\n3 errors, 2 different\n"), f"grouped as {heads}")
    # A frame, who made the block, where the fault was, a caller in assembly, and the other failure's origin.
    # Lines around one that is marked.
    marked = r"\n(?:        .*\n)*      > +\d+ \| +"
    for pattern in (rf"^  mm/explain\.cpp:\d+ +range_chain +.*<- origin{marked}.*FAIL\(\*what\.code, ",
                    rf"^      tests/kernel/faults/bugs_heap\.cpp:\d+{marked}.*make_block\(",
                    r"^  at 0x\w+  (kernel\+0x\w+)\n      \1  .*kernel::touch_byte<.*  "
                    rf"tests/kernel/faults/inject\.h:\d+:\d+{marked}\*byte = 1;$",
                    rf"^      kernel\+0x\w+  kernel_entry  kernel/entry/entry\.asm:\d+{marked}call +kernel_main$",
                    rf"^  svm/machine_run\.h:\d+ .*<- origin{marked}return FAIL\(vmrun_refused, "):
        expect(re.search(pattern, output, re.MULTILINE), f"no line like {pattern}: {output[:6000]}")
    expect("(the log" not in output, "its build or the kernel's place is not known")


def a_log_of_the_development_build_is_resolved_with_its_symbols(out):
    logged(("vmrun",), out / "serial.log", DEBUG)
    with (out / "serial.log").open() as log:
        resolved = build_py(OK, "symbolize", stdin=log)
    explained = build_py(OK, "explain", out / "serial.log")
    line = next(number for number, text in enumerate((ROOT / "kernel/entry/entry.asm").read_text().splitlines(), 1)
                if re.search(r"call +kernel_main", text))
    for name, output in (("symbolize", resolved), ("explain", explained)):
        expect(re.search(rf"^ +kernel\+0x\w+  kernel_entry  kernel/entry/entry\.asm:{line}$", output, re.MULTILINE) and
               "(the log is of build" not in output, f"{name}: {output[-3000:]}")


def image_makes_every_artefact_of_one_build(_out):
    """The command's output, then each artefact's parts as its loader reads them; a listing for every program."""
    output = build_py(OK, "image")
    build = re.search(r"raclette\.img: \d+ bytes, build ([0-9a-f]{16}), target stb_image$", output, re.MULTILINE)
    expect(build, f"it does not name the build: {output}")
    disk = IMAGE.read_bytes()
    layouts = {kind: artefacts.layout_of(kind, artefacts.path(kind).read_bytes())
               for kind in ("img", "iso", "efi", "lkrn", "elf")}
    layouts["the EFI program on the disk"] = artefacts.layout_of("efi", disk_image.efi_of(disk))
    for kind, layout in layouts.items():
        expect(f"{layout.build_id:016x}" == build[1], f"{kind} is of build {layout.build_id:016x}, not {build[1]}")
    for name in ("kernel", "bundle"):       # stage2's digest is of whole sectors on a disk
        digests = {kind: part.digest for kind, layout in layouts.items() for part in layout.parts if part.name == name}
        expect(len(digests) == len(layouts) and len(set(digests.values())) == 1, f"{name} differs: {digests}")
    boot_file, at = artefacts.path("pxe").read_bytes(), PXE_BUILD_ID
    expect(boot_file[at:at + 8] == bytes.fromhex(build[1])[::-1], "raclette.pxe is of another build")
    expect(disk_image.efi_of(disk) in artefacts.path("iso").read_bytes(), "the CD's EFI program is not the disk's")
    for kind in (*artefacts.MAKERS, "img", "iso", "pxe"):
        expect(f"  {artefacts.path(kind).relative_to(ROOT)}\n" in output, f"it does not say how to start {kind}")
    for program in programs(Graph().ninja.outputs):
        for ending in ("asm", "sym", "map"):
            expect((ROOT / f"{program}.{ending}").stat().st_size > 0, f"{program}.{ending} is empty")


def image_carries_another_target_and_a_corpus(out):
    """One of the artefacts is booted: it fuzzes that target, from an input that is no seed of the target."""
    (out / "inputs").mkdir(parents=True)
    (out / "inputs/mine").write_bytes(b"an input of mine")
    build_py(OK, "image", "--target", "cxx_example", "--max-len", "99", "--corpus", out / "inputs")
    folder = BUILD / "images/cxx_example"
    layouts = [artefacts.layout_of(kind, artefacts.path(kind, folder).read_bytes())
               for kind in ("img", "iso", *artefacts.MAKERS)]
    digests = {part.digest for layout in layouts for part in layout.parts if part.name == "bundle"}
    expect(len(digests) == 1, f"they carry different bundles: {digests}")
    session = Session(artefacts.path("elf", folder).read_bytes(), Machine(disk="kernel"))
    for _, event in session.events():
        if session.heard["stats"]:
            session.kill("it fuzzes")
    expect(any(line.startswith("7 fuzzing cxx_example") for line in session.recent), f"it said {list(session.recent)}")
    expect(session.latest["stats"]["corpus"] > 0, f"nothing was kept: {session.latest['stats']}")
    refused = build_py(USAGE, "image", "--target", "cxx_example", "--corpus", out / "inputs/mine")
    expect("is not a folder" in refused, f"it says {refused}")


def a_watching_build_builds_at_a_change(out):
    """README.md is the input of no build step: the build runs, and is short."""
    out.mkdir(parents=True)
    readme, built = ROOT / "README.md", r"\d\d:\d\d:\d\d built; waiting for a change, Ctrl-C ends$"
    with (out / "log").open("w") as log:
        process = start("build", "--watch", stdout=log)
    was = readme.stat()
    try:
        wait_for_line(out / "log", built)
        readme.touch()
        wait_for_line(out / "log", rf"{built}[\s\S]*{built}")
        process.send_signal(signal.SIGINT)
        expect(process.wait(PATIENCE) == OK, f"status {process.returncode} after Ctrl-C")
    finally:
        process.kill()
        process.wait()
        os.utime(readme, ns=(was.st_atime_ns, was.st_mtime_ns))
    said = (out / "log").read_text()
    expect(said.count("kernel   text ") == said.count(" built; "), f"a build without its sizes: {said}")


def function_by_address_sanitizer(native, crash):
    """The function in which the real AddressSanitizer sees the crash, or None when it sees none."""
    # What a crash reads of fresh memory differs from run to run there: other fills may be needed to see it. And an
    # address that is off by a whole image may lie in another live block there: another spacing moves the blocks.
    depends = json.loads((crash / "crash.json").read_text())["uninitialised"]
    for fill, spacing in itertools.product((0xbe, 0x00, 0xff, 0x5a) if depends else (0xbe,), (16, 128, 512, 2048)):
        options = (f"malloc_fill_byte={fill}:max_malloc_fill_size=1048576:redzone={spacing}:max_redzone={spacing}:"
                   "detect_leaks=0:symbolize=1")
        done = subprocess.run([str(ROOT / native), str(crash / "input")], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, errors="replace", timeout=PATIENCE, env=dict(os.environ, ASAN_OPTIONS=options))
        found = re.search(r"^SUMMARY: \w+: \S+ .* in (\S+)", done.stderr, re.MULTILINE)
        if found:
            return found.group(1)
    return None


def replays_the_same(crash, times):
    for _ in range(times):
        output = build_py(CRASHED, "replay", crash / "input")
        hashes = set(re.findall(r"hash ([0-9a-f]{16})", output.replace("0x", "")))
        expect(hashes == {crash.name}, f"replayed as {hashes}, found as {crash.name}")


def the_published_bug_is_found_repeats_and_is_what_address_sanitizer_says(out, times=5):
    native = targets.libfuzzer(BUILTIN_TARGET)
    run_ninja([native])
    function = "stbi__gif_load_next"
    words = ("--cpus", 2, "--seed", 1, "--cases", 2000000, f"--until-crash={function}", "--out", out)
    finish(start("run", "--plain", *words), CRASHED, LONG_PATIENCE)
    check_results(out)
    crashes = sorted((out / "crashes").glob("[!.]*"))
    seen = {crash: json.loads((crash / "crash.json").read_text())["function"] for crash in crashes}
    expect(function in seen.values(), f"two million cases found {sorted(seen.values())} only")
    for crash, ours in seen.items():
        theirs = function_by_address_sanitizer(native, crash)
        expect(theirs == ours, f"{crash.name} is in {ours} here, in {theirs} for AddressSanitizer")
        replays_the_same(crash, times)


def every_crash_replays_the_same_twenty_times(out):
    the_published_bug_is_found_repeats_and_is_what_address_sanitizer_says(out, times=20)


def booted_with(size):
    """The boot record of a machine with so much memory, of which the host gives only what is touched."""
    backend = ["-object", f"memory-backend-ram,id=m,size={size},reserve=off"]
    machine = Machine(cpus=1, memory=size, machine="pc,memory-backend=m", icount=True, extra=backend)
    outcome = scenario.boot(scenario.Scenario(f"memory of {size}", machine, options={"seed": 1, "cases": 1}))
    expect(outcome.status == OK and not outcome.why, f"{size}: status {outcome.status}, {outcome.why}")
    return outcome.of_type("boot")[0]


def memory_of_64_gib_boots_like_512_mib(_out):
    """In instructions, which an emulator counts exactly, and in frames; only the number of page tables differs."""
    small, large = booted_with("512M"), booted_with("64G")
    expect(large["memory_mib"] > 65000, f"only {large['memory_mib']} MiB were found")
    for key, share in (("boot_us", 0.02), ("frames_used", 0.1)):
        expect(abs(large[key] - small[key]) <= share * small[key], f"{key}: {small[key]} grew to {large[key]}")


def marked_line(crash):
    """What the report marks of the source of a crash: its line's number and text, or nothing when it has none."""
    if not crash["file"] or not crash["line"]:
        return None
    return f"{crash['line']:6}  {(ROOT / crash['file']).read_text(errors='replace').splitlines()[crash['line'] - 1]}"


def fits_the_window(page):
    """What is to be seen in a window of one width."""
    for curves in (page["curves"], page["curves_of_log_scale"]):
        expect(len(curves) >= 5 and all(width > 100 and count > 1 for width, _, count in curves),
               f"curves without an extent: {curves}")
    expect(not page["outside"] and page["wide"] <= page["width"], f"wider than {page['width']}: {page['outside'][:9]}")
    expect(not page["covered"] and not page["covered_of_log_scale"],
           f"figures over each other: {page['covered'] + page['covered_of_log_scale']}")
    expect(all(opened[1] > folded[1] + 50 for folded, opened in zip(page["folded"], page["opened"])),
           f"a crash does not open: {page['folded']}, {page['opened']}")
    expect(page["fetched"] == 0, "the page fetches something")


def the_report_of_a_run_is_a_page_that_a_browser_shows(out):
    build_py(OK, "run", "--plain", "--target", "injected_bugs", "--cpus", 2, "--seed", 1, "--cases", 800,
             "--exit-zero", "--out", out)
    report = (out / "report.html").read_text()
    light, dark = browser.seen(report, out), browser.seen(report, out, browser.DARK)
    for page in (*light, *dark):
        fits_the_window(page)
    page = light[-1]
    expect(page["colours"][0] > 600 > page["colours"][1] and dark[-1]["colours"][0] < 200 < dark[-1]["colours"][1],
           f"not light and dark: {page['colours']}, {dark[-1]['colours']}")
    found = [crash for part in ("crashes", "timeouts", "oom")
             for crash in sorted((json.loads(file.read_text()) for file in (out / part).glob("[!.]*/crash.json")),
                                 key=lambda crash: (crash["seen_at"], crash["hash"]))]
    expect(page["open_first"] == [n == 0 for n in range(len(found))], f"open at first: {page['open_first']}")
    wrong = [(marked, marked_line(crash)) for marked, crash in zip(page["marked"], found)
             if marked_line(crash) and marked != marked_line(crash)]     # without one, a caller's line is marked
    expect(not wrong and any(map(marked_line, found)), f"other source lines than those of the crashes: {wrong}")
    expect(all(re.search(r"^    #0 0x\w+ in ", stack, re.M) for stack in page["stacks"]), "a crash without its stack")
    expect(page["rows"] > 10 and page["hits"] > 10, "the functions or the hits are missing")
    pasted = subprocess.run(page["commands"][0], shell=True, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    expect(pasted.returncode == CRASHED,
           f"{page['commands'][0]} ended with {pasted.returncode}: {pasted.stdout[-500:]}")


SHORT = (memory_of_64_gib_boots_like_512_mib, a_number_of_cases_ends_the_run_and_the_next_one_resumes,
         a_number_of_seconds_ends_the_run,
         ctrl_c_ends_the_run_cleanly, a_killed_run_loses_nothing_and_leaves_no_machine,
         killed_runs.runs_killed_at_random_moments_lose_nothing,
         a_killed_qemu_is_one_clear_line_and_loses_nothing, a_missing_qemu_is_named,
         a_folder_that_cannot_be_written_is_refused, an_empty_input_is_an_input, an_input_that_is_too_long_is_refused,
         leaks_are_listed_and_a_timeout_is_saved_and_replays,
         the_map_of_a_live_run_has_both_spaces, *debugger.TESTS, *terminal.TESTS, *hostile_names.TESTS,
         *shared_corpus.TESTS, *peers.TESTS, *corpus_commands.TESTS,
         *hostile_inputs.TESTS,
         image_makes_every_artefact_of_one_build, image_carries_another_target_and_a_corpus,
         a_watching_build_builds_at_a_change,
         the_log_of_a_real_failure_is_explained, a_log_of_the_development_build_is_resolved_with_its_symbols,
         a_machine_at_a_serial_line_is_shown_saved_asked_and_traced,
         the_published_bug_is_found_repeats_and_is_what_address_sanitizer_says)
LONG = (killed_runs.fifty_runs_killed_at_random_moments_lose_nothing,
        the_report_of_a_run_is_a_page_that_a_browser_shows, every_crash_replays_the_same_twenty_times,
        libraries.twenty_libraries_run_a_campaign_each_and_make_the_table,
        *(lan.TESTS if lan.can_be_had() else ()))
# Long ones that this machine cannot run: (function, why). They are listed, so that they do not count as passed.
UNTRIED = () if lan.can_be_had() else tuple(
    (function, "a tap device takes root and /dev/net/tun") for function in lan.TESTS)
