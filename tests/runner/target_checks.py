"""Checks of the targets and their runtime without the virtual machine.

    python3 -m tests.runner.target_checks [GROUP...]

The launcher host_run plays the hypervisor under Linux: every injected bug must be found as what it is, where it is.
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.runner import compiler_checks, filesystem_checks, interface_checks
from tests.runner.expect import Failure, expect, launch_elf
from tools.rl.building import builder, targets
from tools.rl.building.description import Target
from tools.rl.building.graph import Graph
from tools.rl.building.ninja import run_ninja
from tools.rl.common import ROOT, Stop
from tools.rl.results.elf import Elf
from tools.rl.results.symbols import Symbolizer

# System calls of static programs of both C libraries before the snapshot point; the hypervisor emulates no other there.
START_CALLS = {9: "mmap", 10: "mprotect", 12: "brk", 13: "rt_sigaction", 14: "rt_sigprocmask", 63: "uname",
               89: "readlink", 158: "arch_prctl", 218: "set_tid_address", 228: "clock_gettime", 273: "set_robust_list",
               302: "prlimit64", 318: "getrandom", 334: "rseq"}


def built():
    """The targets that are there: one that cannot be built has failed by its name."""
    return [name for name in targets.names() if (ROOT / targets.elf(name)).exists()]


def launch(name, data, *options):
    return launch_elf(targets.elf(name), data, *options)


def injected_bug(name, bug, symbolizer):
    said = launch(name, bytes([bug["byte"]]) + b"0123456789")[-1]
    for key in ("outcome", "kind", "region", "access", "offset"):
        expect(key not in bug or said.get(key) == bug[key], f"{key} is {said.get(key)!r}, not {bug.get(key)!r}")
    if bug["outcome"] == "crash":
        # Inlined frames come with their address; the function that a symbol table would name is the last of them.
        frames = [f for f in symbolizer.frames([int(a, 16) for a in said["frames"]]) if not f.inlined]
        functions = [frame.function for frame in frames]
        found = functions[bug.get("frame", 0)] if functions else None
        expect(found == bug["function"], f"the function is {found}, not {bug['function']} (stack: {functions})")


def injected_bugs(name):
    """One check for each line of the target's bugs.json."""
    symbolizer = Symbolizer(ROOT / targets.elf(name))
    for bug in json.loads((ROOT / "targets" / name / "bugs.json").read_text()):
        yield f"{name}: {bug['name']}", lambda bug=bug: injected_bug(name, bug, symbolizer)


def seed_runs(name, seed):
    """A seed is done without a system call, and again the same."""
    data = (ROOT / seed).read_bytes()
    first, second = launch(name, data, "--repeat", "2")
    expect(first["outcome"] == second["outcome"] == "done", f"{seed}: {first['outcome']}, then {second['outcome']}")
    expect(not first["system_calls"], f"{seed}: {first['system_calls']} system calls in a case")
    expect(first["passed"] == second["passed"], f"{seed}: {first['passed']} edges passed, then {second['passed']}")
    expect(first["edges"] > 10, f"{seed}: only {first['edges']} edges")


def start_calls(name):
    said = launch(name, b"", "--start")[0]
    others = sorted(set(said["system_calls"]) - set(START_CALLS))
    expect(not others, f"system calls {others} before the snapshot point")


def seeds_reproduce(script):
    folder = script.parent / "seeds"
    with tempfile.TemporaryDirectory() as copy:
        (Path(copy) / script.name).write_text(script.read_text())
        subprocess.run([sys.executable, str(Path(copy) / script.name)], check=True)
        made = {path.name: path.read_bytes() for path in (Path(copy) / "seeds").iterdir()}
    kept = {path.name: path.read_bytes() for path in folder.iterdir()}
    different = sorted(name for name in set(made) | set(kept) if made.get(name) != kept.get(name))
    expect(not different, f"{script.name} does not make {different} as they are")


def seeds():
    for name in built():
        yield f"{name}: start-up", lambda name=name: start_calls(name)
        for seed in targets.load(name).seeds:
            yield f"{name}: {Path(seed).name}", lambda name=name, seed=seed: seed_runs(name, seed)
    for script in sorted((ROOT / "targets").glob("*/make_seeds.py")):
        yield f"{script.parent.name}: make_seeds.py", lambda script=script: seeds_reproduce(script)


def comparison_operands():
    compare = bytes([81]) + b"input that is long enough"
    operands = {(b, size) for _, b, size, _ in launch("injected_bugs", compare, "--compare")[0]["operands"]}
    magic = int.from_bytes(b"MAGIC!!", "little") & 0xffffffff
    for constant in (0xfeedface, 1000, 70000, 123456):
        expect(any(b == constant for b, _ in operands), f"{constant:#x} is not among the operands {operands}")
    expect(any(b & 0xffffffff == magic for b, _ in operands), "memcmp's operand is missing")
    expect(launch("injected_bugs", compare)[0]["comparisons"] == 0, "operands are recorded without --compare")


def counters_have_places():
    """Each edge's counter has a pc in the same order, and each pc lies in the target's code."""
    for name in built():
        file = Elf((ROOT / targets.elf(name)).read_bytes())
        table, text = file.section("__sancov_pcs"), file.section(".text")
        count = launch(name, b"")[0]["counters"]
        expect(table.size == count * 16, f"{name}: {table.size // 16} places for {count} counters")
        for at in range(table.offset, table.offset + table.size, 16):
            pc = int.from_bytes(file.data[at:at + 8], "little")
            expect(pc == 1 or text.address <= pc < text.address + text.size, f"{name}: an edge at {pc:#x}")


def budget_is_exact():
    """A case may pass as many edges as its budget says, not one more."""
    data = (ROOT / targets.load("stb_image").seeds[0]).read_bytes()
    needed = launch("stb_image", data)[0]["passed"]
    for budget, outcome in ((needed, "done"), (needed - 1, "timeout")):
        said = launch("stb_image", data, "--budget", str(budget))[0]["outcome"]
        expect(said == outcome, f"{said} with {budget} edges for {needed}")


def fill_byte():
    """The fresh memory that sound_heap looks at is filled with what the case asks for."""
    said = launch("injected_bugs", bytes([78]), "--fill", "0x00")[0]
    expect(said["outcome"] == "crash" and said["kind"] == "assertion-failure", "fresh memory ignores the case's fill")


def hooks():
    yield "comparison operands", comparison_operands
    yield "edges and their places", counters_have_places
    yield "edge budget", budget_is_exact
    yield "fill byte", fill_byte


def refused(source, language, wanted):
    """A harness that cannot work is refused at build time, with a reason."""
    with tempfile.TemporaryDirectory(dir=str(ROOT / "build")) as folder:
        relative = str(Path(folder).relative_to(ROOT))
        harness = f"{relative}/harness.{'cpp' if language == 'c++' else 'c'}"
        (ROOT / harness).write_text(source)
        libc = "glibc" if language == "c++" else "musl"
        target = Target("wrong", relative, language, libc, (harness,), build_dir=relative)
        for edge in targets.edges(target):
            (ROOT / edge["outputs"][0]).parent.mkdir(parents=True, exist_ok=True)
            done = subprocess.run(edge["command"], cwd=ROOT, shell=True, stderr=subprocess.PIPE)
            if done.returncode:
                break
        said = done.stderr.decode(errors="replace").strip()
        expect(done.returncode != 0 and wanted in said, f"it said: {said or 'nothing'}")
        expect(not (ROOT / target.elf).exists(), "the ELF is still there")


STOCK = """
#include <stdlib.h>
#include <string.h>
static char *volatile block;
static volatile char table[8];
static int (*volatile called)(const char *, const char *) = strcmp;
int stock(const unsigned char *data, unsigned long size) {
    char local[16] = {0};
    if (size < 2) return 0;
    if (data[0] == 'h') { block = malloc(4); block[4 + data[1] % 2] = 1; }
    if (data[0] == 'g') return table[8 + data[1] % 2];
    if (data[0] == 's') return local[16 + data[1] % 2];
    if (data[0] == 'l')
        for (volatile int i = 1; i != data[1] - 256; i += 2)
            if (i == 70000) local[3]++;
    if (data[0] == 'd') return 100 / data[1] + called("a", "b");
    switch (data[1]) {
    case 3: memcpy(local, data, size < 16 ? size : 16); break;
    case 70: local[1] = 2; break;
    case 9: local[2] = 1;
    }
    return local[0];
}
"""
STOCK_HARNESS = """
int stock(const unsigned char *data, unsigned long size);
int LLVMFuzzerTestOneInput(const unsigned char *data, unsigned long size) { return stock(data, size) > 1000; }
"""
STOCK_ENDINGS = {b"hx": "heap-buffer-overflow", b"gx": "global-buffer-overflow", b"sx": "stack-buffer-overflow",
                 b"lx": "timeout", b"dx": "done", b"m\3": "done"}
STOCK_OPTIONS = {
    "as for libFuzzer": "-fsanitize=address,fuzzer-no-link",
    "with checks by call": "-fsanitize=address,fuzzer-no-link -mllvm -asan-instrumentation-with-call-threshold=0",
    "that goes on after a report": "-fsanitize=address,fuzzer-no-link -fsanitize-recover=address",
    "with frames on the heap, as a position-independent object":
        "-fsanitize=address,fuzzer-no-link -fsanitize-address-use-after-return=always -fPIC",
    "with every callback": "-fsanitize=address -fsanitize-coverage=trace-pc-guard,trace-pc,trace-cmp,trace-div,"
                           "trace-gep,indirect-calls,stack-depth,trace-loads,trace-stores",
}


def stock_archive(options):
    """An archive that clang made with these options alone: its bugs are found, its loops end."""
    with tempfile.TemporaryDirectory(dir=str(ROOT / "build")) as folder:
        relative = str(Path(folder).relative_to(ROOT))
        (Path(folder) / "stock.c").write_text(STOCK)
        (Path(folder) / "harness.c").write_text(STOCK_HARNESS)
        for command in (f"clang -O1 -g {options} -c stock.c -o stock.o", "ar rcs stock.a stock.o"):
            subprocess.run(command, cwd=folder, shell=True, check=True)
        target = Target("stock", relative, "c", "musl", (f"{relative}/harness.c",), build_dir=relative,
                        objects=(f"{relative}/stock.a",))
        for edge in targets.edges(target):
            (ROOT / edge["outputs"][0]).parent.mkdir(parents=True, exist_ok=True)
            done = subprocess.run(edge["command"], cwd=ROOT, shell=True, stderr=subprocess.PIPE, text=True)
            expect(done.returncode == 0, f"{edge['outputs'][0]}: {done.stderr}")
        for data, ending in STOCK_ENDINGS.items():
            said = launch_elf(target.elf, data, "--compare")[0]
            found = said["kind"] if said["outcome"] == "crash" else said["outcome"]
            expect(found == ending, f"{data} ends as {found}, not {ending}")
        expect(said["edges"] > 0 or "fuzzer" not in options, "its edges are not counted")
        expect(any(constant and b == 70 for _, b, _, constant in said["operands"]), f"operands are {said['operands']}")


def builds():
    for how, options in STOCK_OPTIONS.items():
        yield f"an archive of stock clang {how}", lambda options=options: stock_archive(options)
    parameters = "(const unsigned char *data, unsigned long size) { return data && size ? 0 : 1; }\n"
    yield "a harness without an entry", lambda: refused(
        "int other" + parameters, "c", "target wrong: its harness defines no LLVMFuzzerTestOneInput; see")
    yield 'a harness without extern "C"', lambda: refused(
        "int LLVMFuzzerTestOneInput" + parameters, "c++", 'write extern "C" before it')


GROUPS = {"injected_bugs": lambda: injected_bugs("injected_bugs"),
          "injected_bugs_cxx": lambda: injected_bugs("injected_bugs_cxx"), "seeds": seeds, "hooks": hooks,
          "builds": builds, "compilers": compiler_checks.checks, **interface_checks.GROUPS, **filesystem_checks.GROUPS}


def commands():
    """(group, command) for each group of checks."""
    return [(group, [sys.executable, "-m", "tests.runner.target_checks", group]) for group in GROUPS]


def run(groups=tuple(GROUPS)):
    """Runs the groups, prints what fails; (passed, failed)."""
    graph = Graph()
    run_ninja([targets.host_run(), *(f"build/bin/{name}" for name in targets.COMPILERS)])
    passed = failed = 0
    for name, complaint in builder.build_targets(graph).items():
        failed += 1
        print(f"FAILED target {name}: {complaint}")
    for group in groups:
        for name, check in GROUPS[group]():
            try:
                check()
                passed += 1
            except (Failure, compiler_checks.Failed, subprocess.SubprocessError, ValueError) as failure:
                failed += 1
                print(f"FAILED {name}: {failure}")
    return passed, failed


def main(words):
    try:
        passed, failed = run(words or tuple(GROUPS))
    except Stop as stop:
        print(stop)
        return stop.status
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
