"""What is in targets/: how the ELF of each, and a native libFuzzer of it, are built.

    python3 -m tools.rl.building.targets check ELF NAME     can the hypervisor run this ELF? (the build asks)
"""
import glob
import os
import shlex
import sys
from pathlib import Path

from tools.rl.building import description
from tools.rl.building.description import ASSEMBLY, C, CXX, FOLDER, Broken, kind_of
from tools.rl.common import ROOT, Stop, USAGE
from tools.rl.results import elf as elf_file
from tools.rl.suggest import meant

RUNTIME = "targets/runtime"
RUNTIME_PARTS = ("asan", "callbacks", "compare", "cpuid", "fake_stack", "globals", "heap", "interface_common",
                 "interface_heap", "interface_report", "leaks", "memory", "mutate", "mutator", "number", "options",
                 "report", "spin", "stop", "string", "text", "ubsan", "ubsan_type", "ubsan_value")
LINUX_PARTS = ("answer", "clock", "descriptors", "directories", "files", "identity", "mappings", "output", "paths",
               "pipes", "proc", "signals", "slices", "status", "threads", "transfer", "vectors")
BITCODE_PARTS = ("fences", "edges")         # the first of the linked module: the fences precede its variables
MUSL = {"include": "/usr/include/x86_64-linux-musl", "lib": "/usr/lib/x86_64-linux-musl"}
MUSL_TRIPLE = "x86_64-linux-musl"
BREAK_BASE = 0x08000000  # break_base of guest/layout.h: the ELF must end below it

REPRODUCIBLE = "-g -ffile-compilation-dir=."
# The runtime must not be instrumented, nor its loops turned into calls of the functions that they implement. Unwind
# tables: exceptions pass through operator new.
RUNTIME_FLAGS = (f"-std=c17 -O2 -I. {REPRODUCIBLE} -ffreestanding -fno-builtin -fno-omit-frame-pointer "
                 "-fno-stack-protector -fno-pic -funwind-tables -ffunction-sections -fdata-sections "
                 "-Wall -Wextra -Wconversion -Wshadow -Werror")
# The library that answers system calls keeps the target's vector registers; the compiler may still call memcpy and
# memset there, which must not be the runtime's checked ones.
LINUX_FLAGS = RUNTIME_FLAGS + " -mgeneral-regs-only"
PLAIN_MEMORY = "--redefine-sym memcpy=rl_plain_copy --redefine-sym memset=rl_plain_fill"
# Bitcode to inline. Without line numbers: the calls that it replaces have none either.
HOOK_FLAGS = RUNTIME_FLAGS.replace("-g ", "") + " -flto"
# A block that the optimizer sees no use for would not be allocated, so that its leak, or its failure, is not seen.
EVERY_ALLOCATION = "-fno-builtin-malloc -fno-builtin-calloc -fno-builtin-realloc"
TARGET_FLAGS = (f"-O2 {REPRODUCIBLE} -fno-optimize-sibling-calls -fno-omit-frame-pointer -fno-stack-protector "
                f"{EVERY_ALLOCATION}")
# C functions keep their names in traces, and their counters stay few, when only what the source calls inline is
# inlined; C++ would drown in its accessors.
BY_LANGUAGE = {C: "-fno-inline-functions -include targets/runtime/allocation.h", CXX: "", ASSEMBLY: ""}
SANITIZED = "-fsanitize=address -mllvm -asan-mapping-offset=0x7fff8000"
COVERED = "-fsanitize-coverage=inline-8bit-counters,trace-pc,trace-cmp,pc-table,no-prune"
INSTRUMENTED = f"-flto -fno-pic {SANITIZED} -fsanitize-address-use-after-return=never {COVERED}"
COMPILERS = ("raclette-cc", "raclette-c++")
WRAPPED = ("strtol", "strtoul", "strtoll", "strtoull", "strtof", "strtod", "strtold")
# undefined-glob: the harness may be in an archive.
LINK_WORDS = ("--undefined-glob=LLVMFuzzerTestOneInput", "--image-base=0x400000", "-z noexecstack", "--gc-sections",
              "--undefined=rl_syscall_entry", "--build-id=none", "--lto-O2",
              *(f"--wrap={function}" for function in WRAPPED))
LINK_SCRIPT = f"{RUNTIME}/rl.ld"


def names():
    return sorted(path.parent.name for path in (ROOT / FOLDER).glob("*/target.json"))


def in_one_build():
    """The targets that are built together; those of source packages are built on request."""
    return [name for name in names() if not _has_source(name)]


def _has_source(name):
    try:
        return load(name).source is not None
    except description.Broken:
        return False


def load(name):
    """The target of that name; a Stop says what is wrong with its description."""
    if name not in names():
        raise Stop(USAGE, f"there is no target {name!r}{meant(name, names())} "
                          f"(there is: {', '.join(names()) or 'none'})")
    return description.read(ROOT / FOLDER / name)


def _words(words):
    return " ".join(map(shlex.quote, words))


def _compile(driver, flags, source, output):
    return {"outputs": [output], "inputs": [source], "depfile": f"{output}.d",
            "command": f"{driver} {flags} -MD -MF {output}.d -c {shlex.quote(source)} -o {output}"}


def _triple(libc):
    return f"--target={MUSL_TRIPLE}" if libc == "musl" else "--target=x86_64-pc-linux-gnu"


def driver_of(kind):
    return "clang++" if kind == CXX else "clang"


def _linux_edges(build_dir):
    """The library that answers system calls, as one object: build_dir/targets/runtime/linux.o comes last."""
    folder = f"{build_dir}/{RUNTIME}/linux"
    made = [_compile("clang", LINUX_FLAGS, f"{RUNTIME}/linux/{part}.c", f"{folder}/{part}.o") for part in LINUX_PARTS]
    made.append({"outputs": [f"{folder}/entry.o"], "inputs": [f"{RUNTIME}/linux/entry.asm"], "depfile": None,
                 "command": f"nasm -Werror -f elf64 -g -F dwarf {RUNTIME}/linux/entry.asm -o {folder}/entry.o"})
    parts = [edge["outputs"][0] for edge in made]
    made.append({"outputs": [linux_library(build_dir)], "inputs": parts, "depfile": None,
                 "command": f"ld.lld -r {' '.join(parts)} -o {folder}/joined.o && "
                            f"llvm-objcopy {PLAIN_MEMORY} {folder}/joined.o {linux_library(build_dir)}"})
    return made


def linux_library(build_dir="build"):
    return f"{build_dir}/{RUNTIME}/linux.o"


def language_flags(target, kind):
    """The target's own flags for one language: a language standard of the other one is none of it."""
    words = target.cflags + (target.cxxflags if kind == CXX else ())
    return [word for word in words if not word.startswith("-std=") or ("++" in word) == (kind == CXX)]


def _flags(target, kind, added):
    """Every flag of one source: the target's own come last, so that they decide."""
    return f"{TARGET_FLAGS} {BY_LANGUAGE[kind]} {'' if kind == ASSEMBLY else added} " + _words(
        language_flags(target, kind))


def _object_of(target, source, folder):
    """Where a source's object goes: sources of one name lie in different folders."""
    inside = os.path.relpath(ROOT / source, ROOT / target.folder)
    name = inside if not inside.startswith("..") else f"outside/{str(ROOT / source).lstrip('/')}"
    return f"{folder}/{description.plain_path(name)}.o"


def runtime_edges(build_dir, language, libc):
    """The runtime's objects that know no target; edges that two targets return are the same."""
    shared = f"{build_dir}/{RUNTIME}"
    parts = RUNTIME_PARTS + (("cxx",) if language == CXX else ())
    made = [_compile("clang", f"{_triple(libc)} {HOOK_FLAGS}", f"{RUNTIME}/{part}.c", f"{shared}/{part}.{libc}.o")
            for part in BITCODE_PARTS]
    made += [_compile("clang", RUNTIME_FLAGS, f"{RUNTIME}/{part}.c", f"{shared}/{part}.o") for part in parts]
    made.append({"outputs": [f"{shared}/hypercall.o"], "inputs": [f"{RUNTIME}/hypercall.asm"], "depfile": None,
                 "command": f"nasm -Werror -f elf64 -g -F dwarf {RUNTIME}/hypercall.asm -o {shared}/hypercall.o"})
    made += _linux_edges(build_dir)
    return made


def main_edge(name, output):
    """The runtime's main, which knows the target's name."""
    return _compile("clang", f"{RUNTIME_FLAGS} -DRL_TARGET_NAME='\"{name}\"'", f"{RUNTIME}/main.c", output)


def _link_words(flags):
    """Options for the linker itself, of options for a compiler that links."""
    found = []
    for word in flags:
        if word.startswith("-Wl,"):
            found += word[len("-Wl,"):].split(",")
        elif not word.startswith(("-pthread", "-stdlib=", "-std=", "-static", "-f")):
            found.append(word)
    return found


def link_flags(root=""):
    """For a compiler that links with glibc. Its abort.o holds more than abort: of two, the first one, ours, counts."""
    return [word.replace(" ", ",") for word in LINK_WORDS] + [f"-T,{Path(root) / LINK_SCRIPT}", "-z,muldefs"]


def _link_command(target, objects, output):
    inputs = _words(objects)
    if target.libc == "musl":
        lib = MUSL["lib"]
        builtins = sorted(glob.glob("/usr/lib/gcc/x86_64-linux-gnu/*/libgcc.a"))[-1:]
        libraries = " ".join([f"{lib}/libc.a", *builtins])
        return (f"ld.lld -static {' '.join(LINK_WORDS)} -T {LINK_SCRIPT} -L{lib} {lib}/crt1.o {lib}/crti.o {inputs} "
                f"{_words(_link_words(target.ldflags))} --start-group {libraries} --end-group {lib}/crtn.o -o {output}")
    flags = " ".join(f"-Wl,{flag}" for flag in link_flags())
    library = "".join(f" {word}" for word in target.cflags + target.cxxflags if word.startswith("-stdlib="))
    # libc++ finds its half of the C++ run time only when told so.
    library += " -Wl,--push-state -lc++ -lc++abi -Wl,--pop-state" if library.endswith("=libc++") else ""
    return (f"{driver_of(target.language)} -static -fuse-ld=lld -flto {flags} {inputs} {_words(target.ldflags)}"
            f"{library} -lm -o {output}")


def _own_edges(target, folder):
    """An object for each source, each compiled by its own language."""
    headers = f"-nostdlibinc -isystem {MUSL['include']} -isystem /usr/include " if target.libc == "musl" else ""
    made = []
    for source in target.sources:
        kind = kind_of(source)
        flags = f"{_triple(target.libc)} {headers}{_flags(target, kind, INSTRUMENTED)}"
        made.append(_compile(driver_of(kind), flags, source, _object_of(target, source, folder)))
    return made


def linked_outputs(edges_of_runtime):
    """Of the runtime's steps those outputs that are linked: the library of system calls is one object."""
    outputs = [edge["outputs"][0] for edge in edges_of_runtime]
    return [output for output in outputs if f"/{RUNTIME}/linux/" not in f"/{output}"]


def edges(target):
    """Steps that make the target's ELF, with its symbols and without: outputs, inputs, command, depfile."""
    runtime = runtime_edges(target.build_dir, target.language, target.libc) + [main_edge(target.name,
                                                                                       target.built("main.o"))]
    shared = linked_outputs(runtime)
    own = _own_edges(target, target.built("objects"))
    objects = [edge["outputs"][0] for edge in own]
    first = len(BITCODE_PARTS)
    link = _link_command(target, shared[:first] + objects + list(target.objects) + shared[first:], target.elf)
    check = f"python3 -m tools.rl.building.targets check {target.elf} {target.name}"
    linked = {"outputs": [target.elf], "inputs": shared + objects + list(target.objects), "depfile": None,
              "command": f"{link} && {check}", "implicit": [f"{RUNTIME}/rl.ld", "tools/rl/building/targets.py"]}
    return runtime + own + [linked, strip_edge(target.elf, target.stripped)]


def strip_edge(elf_path, stripped_path):
    return {"outputs": [stripped_path], "inputs": [elf_path], "depfile": None,
            "command": f"llvm-objcopy --strip-debug {shlex.quote(elf_path)} {stripped_path}"}


def native_asan_edges(target):
    """The same harness with the real AddressSanitizer and libFuzzer: build/targets/NAME/libfuzzer."""
    output, made = target.built("libfuzzer"), []
    for source in target.sources:
        kind = kind_of(source)
        flags = _flags(target, kind, "-fsanitize=address,fuzzer-no-link")
        made.append(_compile(driver_of(kind), flags, source, _object_of(target, source, target.built("native"))))
    objects = [edge["outputs"][0] for edge in made] + list(target.objects)
    return made + [{"outputs": [output], "inputs": objects, "depfile": None,
                    "command": f"{driver_of(target.language)} -fsanitize=address,fuzzer {_words(objects)} "
                               f"{_words(target.ldflags)} -lm -o {output}"}]


def host_run_edge(build_dir="build"):
    """The launcher that runs a target under Linux, for checks without the virtual machine."""
    return _compile("clang", f"-std=gnu17 -O1 -I. {REPRODUCIBLE} -Wall -Wextra -Werror", f"{RUNTIME}/host_run.c",
                    f"{build_dir}/{FOLDER}/host_run.o"), {
        "outputs": [host_run(build_dir)], "inputs": [f"{build_dir}/{FOLDER}/host_run.o"], "depfile": None,
        "command": f"clang {build_dir}/{FOLDER}/host_run.o -o {host_run(build_dir)}"}


def compiler_edges():
    """What raclette-cc and raclette-c++ are, and what they link: build/bin, build/compilers and the runtime."""
    shared = f"build/{RUNTIME}"
    made = runtime_edges("build", CXX, "glibc") + [main_edge("target", "build/compilers/main.o")]
    made.append(_compile("clang", RUNTIME_FLAGS, f"{RUNTIME}/fences.c", f"{shared}/fences.o"))
    # Position-independent: they are part of shared libraries and of whatever the build machine's programs are.
    made += [_compile("clang", RUNTIME_FLAGS.replace("-fno-pic", "-fPIC"), f"{RUNTIME}/{part}.c", f"{shared}/{part}.o")
             for part in ("native", "native_options")]
    made.append({"outputs": [f"{shared}/libnative.a"], "inputs": [f"{shared}/native.o"], "depfile": None,
                 "command": f"rm -f {shared}/libnative.a && llvm-ar rcsD {shared}/libnative.a {shared}/native.o"})
    scripts = [f"build/bin/{name}" for name in COMPILERS]
    return made + [{"outputs": scripts, "inputs": [edge["outputs"][0] for edge in made], "depfile": None,
                    "command": "python3 -m tools.rl.compilers.install build/bin " + " ".join(COMPILERS),
                    "implicit": ["tools/rl/compilers/install.py"]}]


def write_rules(ninja):
    for suffix, extra in (("", {}), ("_with_depfile", {"depfile": "$out.d"})):
        ninja.rule(f"target{suffix}", "$command", "$out", **extra)


def write(ninja, steps):
    """Adds steps that are not there yet. None is built unless it is asked for."""
    for edge in steps:
        if edge["outputs"][0] not in ninja.outputs:
            ninja.build(edge["outputs"], "target_with_depfile" if edge["depfile"] else "target", edge["inputs"],
                        implicit=edge.get("implicit", ()), default=False, command=edge["command"].replace("$", "$$"))


def write_edges(ninja):
    """Adds all targets of the tree to the build; {name: what is wrong} of those whose description is."""
    write_rules(ninja)
    write(ninja, host_run_edge())
    write(ninja, compiler_edges())
    ninja.default(*(f"build/bin/{name}" for name in COMPILERS))
    broken = {}
    for name in in_one_build():
        try:
            target = load(name)
        except Broken as problem:
            broken[name] = str(problem)
            continue
        write(ninja, edges(target))
        write(ninja, native_asan_edges(target))
    return broken


def elf(name, build_dir="build"):
    return f"{build_dir}/{FOLDER}/{name}/target.elf"


def stripped(name, build_dir="build"):
    return f"{build_dir}/{FOLDER}/{name}/target.stripped.elf"


def libfuzzer(name, build_dir="build"):
    return f"{build_dir}/{FOLDER}/{name}/libfuzzer"


def host_run(build_dir="build"):
    return f"{build_dir}/{FOLDER}/host_run"


def complaints(data, name):
    """What keeps this ELF from being a target, as one line each."""
    try:
        file = elf_file.Elf(data)
    except (ValueError, IndexError) as error:
        return [f"target {name}: {error}"]
    found = []
    symbols = {symbol: value for symbol, value, index in file.symbols() if index}
    if "LLVMFuzzerTestOneInput" not in symbols:
        mangled = any("LLVMFuzzerTestOneInput" in symbol for symbol in symbols)
        found.append(f"target {name}: its harness defines no LLVMFuzzerTestOneInput" +
                     (' with C linkage; write extern "C" before it' if mangled else
                      "; see the sources that its target.json names"))
    if any(segment.kind == 3 for segment in file.segments):
        found.append(f"target {name}: it wants a dynamic loader; targets are linked statically")
    end = max((s.address + s.memory_size for s in file.segments if s.kind == 1), default=0)
    if end > BREAK_BASE:
        found.append(f"target {name}: it ends at {end:#x}, but the program break begins at {BREAK_BASE:#x}")
    return found


def has_runtime(data):
    """Whether this ELF is linked with the target's runtime: only that makes it one."""
    return any(symbol == "rl_snapshot_point" and index for symbol, _, index in elf_file.Elf(data).symbols())


def main(words):
    if len(words) != 3 or words[0] != "check":
        print(__doc__, file=sys.stderr)
        return USAGE
    found = complaints(Path(words[1]).read_bytes(), words[2])
    print("\n".join(found), end="\n" if found else "", file=sys.stderr)
    if found:
        os.remove(words[1])
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
