"""What is in targets/: reads each folder's target.json and says how its ELF, and a native libFuzzer of it, are built.

    python3 -m tools.rl.building.targets check ELF NAME     can the hypervisor run this ELF? (the build asks)
"""
import glob
import json
import os
import sys
from pathlib import Path
from typing import List, NamedTuple, Optional

from tools.rl.common import ROOT, Stop, USAGE
from tools.rl.results import elf as elf_file

FOLDER = "targets"
RUNTIME = "targets/runtime"
RUNTIME_PARTS = ("asan", "compare", "fake_stack", "globals", "heap", "interface_common", "interface_heap",
                 "interface_report", "leaks", "memory", "mutate", "mutator", "number", "options", "report", "stop",
                 "string", "text", "ubsan", "ubsan_type", "ubsan_value")
LINUX_PARTS = ("answer", "clock", "descriptors", "directories", "files", "identity", "mappings", "output", "paths",
               "pipes", "proc", "signals", "status", "threads", "transfer")
MUSL = {"include": "/usr/include/x86_64-linux-musl", "lib": "/usr/lib/x86_64-linux-musl"}
MUSL_TRIPLE = "x86_64-linux-musl"
BREAK_BASE = 0x08000000  # break_base of guest/layout.h: the ELF must end below it

REPRODUCIBLE = "-I. -g -ffile-compilation-dir=."
# The runtime must not be instrumented, nor its loops turned into calls of the functions that they implement. Unwind
# tables: exceptions pass through operator new.
LARGEST_MAX_LEN = 2 * 1024 * 1024 - 8192      # what the target's runtime has room for (targets/runtime/abi.h)
RUNTIME_FLAGS = (f"-std=c17 -O2 {REPRODUCIBLE} -ffreestanding -fno-builtin -fno-omit-frame-pointer "
                 "-fno-stack-protector -fno-pic -funwind-tables -ffunction-sections -fdata-sections "
                 "-Wall -Wextra -Wconversion -Wshadow -Werror")
# The library that answers system calls keeps the target's vector registers; the compiler may still call memcpy and
# memset there, which must not be the runtime's checked ones.
LINUX_FLAGS = RUNTIME_FLAGS + " -mgeneral-regs-only"
PLAIN_MEMORY = "--redefine-sym memcpy=rl_plain_copy --redefine-sym memset=rl_plain_fill"
# Bitcode for the linker to inline. Without line numbers: the calls that it replaces have none either.
HOOK_FLAGS = RUNTIME_FLAGS.replace("-g ", "") + " -flto"
TARGET_FLAGS = f"-O2 {REPRODUCIBLE} -fno-optimize-sibling-calls -fno-omit-frame-pointer -fno-stack-protector"
# C functions keep their names in traces, and their counters stay few, when only what the source calls inline is
# inlined; C++ would drown in its accessors.
BY_LANGUAGE = {"c": " -fno-inline-functions", "c++": ""}
INSTRUMENTED = ("-flto -fno-pic -fsanitize=address -mllvm -asan-mapping-offset=0x7fff8000 "
                "-fsanitize-address-use-after-return=never "
                "-fsanitize-coverage=inline-8bit-counters,trace-pc,trace-cmp,pc-table,no-prune")
WRAPPED = ("strtol", "strtoul", "strtoll", "strtoull", "strtof", "strtod", "strtold")
LINK_FLAGS = ("--image-base=0x400000 -z noexecstack --gc-sections --undefined=rl_syscall_entry --build-id=none "
              "--lto-O2 -T targets/runtime/rl.ld " +
              " ".join(f"--wrap={function}" for function in WRAPPED))


class Target(NamedTuple):
    name: str
    folder: str                 # relative to the root
    language: str               # "c" or "c++"
    libc: str                   # "musl" or "glibc"
    sources: List[str]          # relative to the root
    packages: List[str]         # Debian's, beyond the compiler and the libc
    cflags: List[str]
    ldflags: List[str]
    max_len: int
    dictionary: Optional[str]
    seeds: List[str]


def names():
    return sorted(path.parent.name for path in (ROOT / FOLDER).glob("*/target.json"))


def _check_values(name, values):
    known = {"language", "libc", "sources", "packages", "cflags", "ldflags", "max_len", "dict"}
    complaint = None
    if set(values) - known:
        complaint = f"unknown key {sorted(set(values) - known)[0]!r}"
    elif (values.get("language"), values.get("libc")) not in (("c", "musl"), ("c", "glibc"), ("c++", "glibc")):
        complaint = "language and libc must be c with musl or glibc, or c++ with glibc"
    elif not values.get("sources"):
        complaint = "it names no sources"
    elif not isinstance(values.get("max_len", 1), int) or not 0 < values.get("max_len", 1) <= LARGEST_MAX_LEN:
        complaint = f"max_len must be from 1 to {LARGEST_MAX_LEN}"
    if complaint:
        raise Stop(USAGE, f"targets/{name}/target.json: {complaint}")


def load(name):
    """The target of that name; a Stop says what is wrong with its description."""
    folder = ROOT / FOLDER / name
    try:
        values = json.loads((folder / "target.json").read_text())
    except FileNotFoundError:
        raise Stop(USAGE, f"there is no target {name!r}; there is: {', '.join(names())}")
    except ValueError as error:
        raise Stop(USAGE, f"targets/{name}/target.json: {error}")
    _check_values(name, values)
    relative = f"{FOLDER}/{name}"
    seed_files = sorted(str(path.relative_to(ROOT)) for path in (folder / "seeds").glob("*") if path.is_file())
    return Target(name, relative, values["language"], values["libc"], [f"{relative}/{s}" for s in values["sources"]],
                  values.get("packages", []), values.get("cflags", []), values.get("ldflags", []),
                  values.get("max_len", 4096), f"{relative}/{values['dict']}" if values.get("dict") else None,
                  seed_files)


def _compile(driver, flags, source, output):
    return {"outputs": [output], "inputs": [source], "depfile": f"{output}.d",
            "command": f"{driver} {flags} -MD -MF {output}.d -c {source} -o {output}"}


def _triple(libc):
    return f"--target={MUSL_TRIPLE}" if libc == "musl" else "--target=x86_64-pc-linux-gnu"


def _flags(target):
    return TARGET_FLAGS + BY_LANGUAGE[target.language]


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


def _runtime_edges(target, build_dir):
    """Shared by all targets, but for what knows the target's name; edges that two targets return are the same."""
    shared = f"{build_dir}/{RUNTIME}"
    parts = RUNTIME_PARTS + (("cxx",) if target.language == "c++" else ())
    made = [_compile("clang", RUNTIME_FLAGS, f"{RUNTIME}/{part}.c", f"{shared}/{part}.o") for part in parts]
    made.append({"outputs": [f"{shared}/hypercall.o"], "inputs": [f"{RUNTIME}/hypercall.asm"], "depfile": None,
                 "command": f"nasm -Werror -f elf64 -g -F dwarf {RUNTIME}/hypercall.asm -o {shared}/hypercall.o"})
    made += _linux_edges(build_dir)
    made.append(_compile("clang", f"{_triple(target.libc)} {HOOK_FLAGS}", f"{RUNTIME}/edges.c",
                         f"{shared}/edges.{target.libc}.o"))
    made.append(_compile("clang", f"{RUNTIME_FLAGS} -DRL_TARGET_NAME='\"{target.name}\"'", f"{RUNTIME}/main.c",
                         f"{build_dir}/{target.folder}/main.o"))
    return made


def _link_command(target, objects, output):
    inputs = " ".join(objects)
    extra = " ".join(target.ldflags)
    if target.libc == "musl":
        lib = MUSL["lib"]
        builtins = sorted(glob.glob("/usr/lib/gcc/x86_64-linux-gnu/*/libgcc.a"))[-1:]
        libraries = " ".join([f"{lib}/libc.a", *builtins])
        return (f"ld.lld -static {LINK_FLAGS} {lib}/crt1.o {lib}/crti.o {inputs} {extra} --start-group {libraries} "
                f"--end-group {lib}/crtn.o -o {output}")
    driver = "clang++" if target.language == "c++" else "clang"
    # glibc's abort.o holds more than abort, so the linker meets ours and theirs; the first, ours, is taken.
    flags = " ".join(f"-Wl,{flag}" for flag in LINK_FLAGS.replace(" noexecstack", ",noexecstack").replace(
        "-T ", "-T,").split() + ["-z,muldefs"])
    return f"{driver} -static -fuse-ld=lld -flto {flags} {inputs} {extra} -o {output}"


def edges(target, build_dir="build"):
    """Steps that make build_dir/targets/NAME/target.elf and target.stripped.elf: outputs, inputs, command, depfile."""
    folder = f"{build_dir}/{target.folder}"
    made = _runtime_edges(target, build_dir)
    runtime = [edge["outputs"][0] for edge in made if f"{RUNTIME}/linux/" not in edge["outputs"][0]]
    headers = ""
    if target.libc == "musl":
        headers = f"-nostdlibinc -isystem {MUSL['include']} -isystem /usr/include "
    flags = f"{_triple(target.libc)} {headers}{_flags(target)} {INSTRUMENTED} {' '.join(target.cflags)}"
    driver = "clang++" if target.language == "c++" else "clang"
    own = [_compile(driver, flags, source, f"{folder}/{Path(source).name}.o") for source in target.sources]
    objects = [edge["outputs"][0] for edge in own]
    # The hooks come first: their fences must precede the target's own variables.
    ordered = sorted(runtime, key=lambda name: "/edges." not in name)
    elf_path = f"{folder}/target.elf"
    link = _link_command(target, ordered[:1] + objects + ordered[1:], elf_path)
    check = f"python3 -m tools.rl.building.targets check {elf_path} {target.name}"
    linked = {"outputs": [elf_path], "inputs": runtime + objects, "depfile": None, "command": f"{link} && {check}",
              "implicit": [f"{RUNTIME}/rl.ld", "tools/rl/building/targets.py"]}
    stripped_path = f"{folder}/target.stripped.elf"
    strip = {"outputs": [stripped_path], "inputs": [elf_path], "depfile": None,
             "command": f"llvm-objcopy --strip-debug {elf_path} {stripped_path}"}
    return made + own + [linked, strip]


def native_asan_edges(target, build_dir="build"):
    """The same harness with the real AddressSanitizer and libFuzzer: build_dir/targets/NAME/libfuzzer."""
    output = libfuzzer(target.name, build_dir)
    driver = "clang++" if target.language == "c++" else "clang"
    flags = f"{_flags(target)} {' '.join(target.cflags)} -fsanitize=address,fuzzer"
    return [{"outputs": [output], "inputs": target.sources, "depfile": None,
             "command": f"{driver} {flags} {' '.join(target.sources)} {' '.join(target.ldflags)} -lm -o {output}"}]


def host_run_edge(build_dir="build"):
    """The launcher that runs a target under Linux, for checks without the virtual machine."""
    return _compile("clang", f"-std=gnu17 -O1 {REPRODUCIBLE} -Wall -Wextra -Werror", f"{RUNTIME}/host_run.c",
                    f"{build_dir}/{FOLDER}/host_run.o"), {
        "outputs": [host_run(build_dir)], "inputs": [f"{build_dir}/{FOLDER}/host_run.o"], "depfile": None,
        "command": f"clang {build_dir}/{FOLDER}/host_run.o -o {host_run(build_dir)}"}


def write_edges(ninja):
    """Adds all targets to the build; what only tests and benchmarks want is built when they ask for it."""
    for suffix, extra in (("", {}), ("_with_depfile", {"depfile": "$out.d"})):
        ninja.rule(f"target{suffix}", "$command", "$out", **extra)
    seen = set()
    for name in names():
        target = load(name)
        for default, steps in ((True, edges(target)), (False, native_asan_edges(target)), (False, host_run_edge())):
            for edge in steps:
                if edge["outputs"][0] not in seen:
                    seen.add(edge["outputs"][0])
                    rule = "target_with_depfile" if edge["depfile"] else "target"
                    ninja.build(edge["outputs"], rule, edge["inputs"], implicit=edge.get("implicit", ()),
                                default=default, command=edge["command"])


def elf(name, build_dir="build"):
    return f"{build_dir}/{FOLDER}/{name}/target.elf"


def stripped(name, build_dir="build"):
    return f"{build_dir}/{FOLDER}/{name}/target.stripped.elf"


def libfuzzer(name, build_dir="build"):
    return f"{build_dir}/{FOLDER}/{name}/libfuzzer"


def host_run(build_dir="build"):
    return f"{build_dir}/{FOLDER}/host_run"


def seeds(name):
    return load(name).seeds


def dictionary(name):
    return load(name).dictionary


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
                      f"; see the sources that targets/{name}/target.json names"))
    if any(segment.kind == 3 for segment in file.segments):
        found.append(f"target {name}: it wants a dynamic loader; targets are linked statically")
    end = max((s.address + s.memory_size for s in file.segments if s.kind == 1), default=0)
    if end > BREAK_BASE:
        found.append(f"target {name}: it ends at {end:#x}, but the program break begins at {BREAK_BASE:#x}")
    return found


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
