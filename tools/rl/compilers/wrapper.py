"""raclette-cc and raclette-c++, used as clang and clang++ are.

-c makes machine code that is instrumented as a target's is: the runtime's hook is inlined behind each edge, one
object at a time, so that ar, ranlib, nm and strip take the object for what it is. A link with -fsanitize=fuzzer makes
a target for --target; every other link makes an ordinary program or library for this machine.
"""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.rl.building import targets
from tools.rl.common import BUILD, ROOT
from tools.rl.compilers.command_line import CommandLine
from tools.rl.results.elf import Elf

RUNTIME = BUILD / targets.RUNTIME
HOOKS = RUNTIME / "edges.glibc.o"
NATIVE = [RUNTIME / "native_options.o", RUNTIME / "libnative.a"]
FOLDER = BUILD / "compilers"
BITCODE = b"BC\xc0\xde"
# Before the user's own words, which may say otherwise.
DEFAULTS = ["-O2", "-gline-tables-only", "-fno-stack-protector", "-fsanitize-address-use-after-return=never"]
# Behind them. _FORTIFY_SOURCE would lead calls around the checks of memcpy and its like.
FORCED = ["-fno-omit-frame-pointer", "-fno-optimize-sibling-calls", "-U_FORTIFY_SOURCE", targets.COVERED,
          *targets.EVERY_ALLOCATION.split(), "-Wno-unused-command-line-argument"]
REFUSED = {"memory": "uninitialised memory is found by the fill byte of each case (docs/targets.md)",
           "thread": "it has no counterpart here", "dataflow": "it has no counterpart here",
           "hwaddress": "-fsanitize=address does its work"}
NOT_LINKED = ("-pie", "-fPIE", "-fpie", "-rdynamic", "-static", "-static-pie", "-Wl,-Bdynamic", "-shared-libsan",
              "-static-libsan", "-Wl,-pie", "-Wl,--no-undefined", "-Wl,-z,defs")


def complain(text):
    print(f"raclette-cc: {text}", file=sys.stderr)


def run(words):
    return subprocess.run([str(word) for word in words]).returncode


def replace_by(driver, words):
    """Becomes clang, with these words."""
    os.execvp(driver, [driver, *map(str, words)])


def sanitizing(line):
    """The words that make AddressSanitizer's checks, and UBSan's, where they are wanted, end at a trap."""
    words = []
    if not {"address", "all"} & set(line.unsanitized):
        words += targets.SANITIZED.split()
    if any(name not in ("address", "leak", "fuzzer", "fuzzer-no-link") for name in line.sanitizers):
        words.append("-fsanitize-trap=undefined")
    return words


def is_bitcode(path):
    try:
        with open(path, "rb") as file:
            return file.read(4) == BITCODE
    except OSError:
        return False


def inline_hooks(path):
    """Makes machine code of an object of bitcode, with the runtime's hooks inlined; false when the linker cannot."""
    path = Path(path)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".raclette-") as folder:
        made, linked = Path(folder) / path.name, Path(folder) / "linked"
        done = subprocess.run(["ld.lld", "-r", "--lto-O2", f"--lto-obj-path={made}", path, HOOKS, "-o", linked],
                              capture_output=True, text=True)
        if done.returncode or not made.exists():
            return False
        os.replace(made, path)
    return True


def compile_objects(driver, line):
    """-c: one object for each source."""
    base = [driver, *DEFAULTS, *line.words, *FORCED, *sanitizing(line)]
    status = run([*base, "-flto"])
    if status:
        return status
    for path in line.outputs():
        if os.path.isfile(path) and is_bitcode(path) and not inline_hooks(path):
            return run(base)            # each edge then calls the runtime, which costs more and does the same
    return 0


def archive_of(path):
    """The static library that was built beside a shared one."""
    name = Path(path).name.split(".so", 1)[0]
    return next((str(found) for found in (Path(path).with_name(f"{name}.a"), Path(path).parent.parent / f"{name}.a")
                 if found.is_file()), None)


def link_words(line):
    """The user's words for the link of a target, with static libraries for shared ones."""
    shared = {path: archive_of(path) for path in line.shared_objects()}
    for path, archive in shared.items():
        if archive is None:
            raise SystemExit(f"raclette-cc: a target is linked statically: there is no static library for {path}")
    return [shared.get(word, word) for word in line.without(*NOT_LINKED, "-o", *line.sources)
            if not word.startswith(("-fsanitize", "-fno-sanitize", "-x"))]


def runtime_objects():
    parts = [f"{part}.o" for part in (*targets.RUNTIME_PARTS, "cxx", "hypercall", "linux")]
    return [FOLDER / "main.o", *(RUNTIME / part for part in parts)]


def link_target(driver, line, output):
    """A target's ELF, of objects and of sources, which are compiled first; false when it would have no harness."""
    with tempfile.TemporaryDirectory(prefix="raclette-cc-") as folder:
        objects = []
        for number, source in enumerate(line.sources):
            objects.append(f"{folder}/{number}.o")
            others = [path for path in (*line.sources, *line.objects) if path != source]
            one = CommandLine([*line.without("-o", *others, *line.libraries), "-c", "-o", objects[-1]])
            one.sanitizers, one.unsanitized = line.sanitizers, line.unsanitized
            status = compile_objects(driver, one)
            if status:
                return status
        flags = [f"-Wl,{flag}" for flag in targets.link_flags(ROOT)]
        status = run(["clang++", "-static", "-fuse-ld=lld", *flags, RUNTIME / "fences.o", *objects, *link_words(line),
                      *runtime_objects(), "-lm", "-Wno-unused-command-line-argument", "-o", output])
    return status


def has_harness(path):
    try:
        return any(symbol == "LLVMFuzzerTestOneInput" and index for symbol, _, index in
                   Elf(Path(path).read_bytes()).symbols())
    except (OSError, ValueError, IndexError):
        return False


def link_program(driver, line):
    """An ordinary program or library. What is made of sources alone needs of our runtime the options at most."""
    words, instrumented = line.words, line.objects or any(word.startswith("-L") for word in line.words)
    if line.has("-r", "-Wl,-r", "-nostdlib"):
        replace_by(driver, words)
    if not instrumented:
        checked = "address" in line.sanitizers and not line.has("-shared")
        replace_by(driver, [*words, *(["-Wl,-z,muldefs", *NATIVE[:1]] if checked else [])])
    dropped = ("-static", "-static-pie", "-Wl,-z,defs", "-Wl,--no-undefined", "-Wl,-no-undefined")
    # muldefs: a program may have sanitizer options of its own, which come first.
    added = ["-fsanitize=address", "-Wl,-z,muldefs", "-Wno-unused-command-line-argument"]
    files = NATIVE[1:] if line.has("-shared") else NATIVE
    replace_by(driver, [*line.without(*dropped), *added, *files])


def link(driver, line):
    output = line.output or "a.out"
    if line.is_fuzzer and not line.has("-shared", "-r"):
        status = link_target(driver, line, output)
        if status or has_harness(output):
            found = [] if status else targets.complaints(Path(output).read_bytes(), Path(output).name)
            for text in found:
                complain(text)
            return status or len(found)
        os.remove(output)               # a program with a main of its own, as a build's probes are
        complain('no object defines LLVMFuzzerTestOneInput (in C++: extern "C"), so this links an ordinary program')
    return link_program(driver, line)


def main(name, words):
    driver = "clang++" if name.endswith("++") else "clang"
    line = CommandLine(words)
    for sanitizer in line.sanitizers:
        if sanitizer in REFUSED:
            complain(f"-fsanitize={sanitizer} is not supported: {REFUSED[sanitizer]}")
            return 1
    if line.other_work or not (line.sources or line.objects):
        replace_by(driver, line.words)
    if line.compile_only:
        return compile_objects(driver, line) if line.sources else run([driver, *line.words])
    return link(driver, line)
