"""What is built from what: the edges of kernel, stages, image, host tests and fuzz entries."""
import json
from pathlib import Path
from typing import NamedTuple

from tools.rl.building import font, target_files, targets
from tools.rl.building.ninja import Ninja
from tools.rl.common import BUILD, BUILTIN_TARGET, DEBUG, ROOT, test_folder, write_if_changed
from tools.rl.images import artefacts

LAYERS = ("base", "rstate", "cpu", "hw", "mm", "boot", "dev", "vm", "svm", "guest", "fuzz", "kernel")
STAGE2_LAYERS = ("base", "rstate", "cpu", "hw", "mm", "boot", "dev")
STAGE2_IN_THE_KERNEL = ("stage2/kernel_file.cpp",)      # a reboot undoes what it did
STAGE2_IN_THE_LOADER = ("stage2/console.cpp", "stage2/exceptions.cpp", "stage2/exceptions.asm",
                        "stage2/relocate.cpp")
NOT_ON_THE_HOST = ("hw", "kernel")
# What touches no machine.
RUN_BY_HOST_TESTS = ("cxx_example", "injected_bugs", "injected_bugs_cxx", "stb_image")    # targets
STAGE2_ON_THE_HOST = ("stage2/clock.cpp", "stage2/kernel_file.cpp", "stage2/memory_split.cpp", "stage2/world.cpp")

WARNINGS = "-Wall -Wextra -Wconversion -Wshadow -Werror"
CXX_ONLY = "-std=c++20 -fno-exceptions -fno-rtti -Wold-style-cast -Wthread-safety"
CXX_FREESTANDING = f"{CXX_ONLY} -fno-threadsafe-statics"
# The compilation directory and every path are relative, so two checkouts give the same bytes.
COMMON = "-I. -g -ffile-compilation-dir=. -fdiagnostics-color"
BACKTRACES = "-fno-omit-frame-pointer"
FREESTANDING = (f"--target=x86_64-linux-gnu -ffreestanding -mno-red-zone -mgeneral-regs-only -fpie -fvisibility=hidden "
                f"-fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables {COMMON} {WARNINGS}")
# Stage2 has 72 sectors: optimised as one program, without frame pointers, it is a sixth smaller. Of two strings that
# end alike the linker's -O2 keeps one.
STAGE2 = f"-Oz -flto -ffunction-sections -fdata-sections {FREESTANDING}"
# fuzzer-no-link: the same objects serve the tests and, linked with libFuzzer, the parsers' fuzz entries.
SANITIZE = "-fsanitize=address,undefined -fno-sanitize-recover=all"
# RL_DEBUG: base/check.h promises that DCHECK is on in host tests.
HOST = f"-O1 -DRL_DEBUG {BACKTRACES} {COMMON} {WARNINGS} {SANITIZE} -fsanitize=fuzzer-no-link"

# One program, built in each of these ways, must print its injected failures alike.
CHAINS = {"O0": "-O0", "O1": "-O1", "O2": "-O2", "Oz": "-Oz", "lto": "-O2 -flto"}
CHAINS_NEED = ("base", "rstate")

# Both move themselves to where they are loaded; relative relocations, packed, are all their relocators know.
PIE = "-pie --no-dynamic-linker -z text -z noexecstack --pack-dyn-relocs=relr --build-id=none --fatal-warnings"


class Flavour(NamedTuple):
    """One of the two ways the kernel is built; the stages, which have no room for more, are the same in both."""
    part: str                   # its objects' folder
    folder: Path
    flags: str

    def file(self, name):
        return str((self.folder / name).relative_to(ROOT))


class Kernel(NamedTuple):
    """One of a flavour's two links: the product, or the same objects with tests, benchmarks and injected bugs."""
    flavour: Flavour
    name: str                   # of the ELF file, without its ending
    images: Path                # the folder of the images that boot it
    link_flags: str = ""

    def file(self, ending):
        return self.flavour.file(f"{self.name}.{ending}")


# What runs in each case is built for speed. Of the rest smaller is better than faster; so is what runs once in a crash.
HOT = ("base/", "cpu/lock", "cpu/ticks", "cpu/trace", "hw/", "mm/tlb_shootdown", "mm/window", "rstate/error", "vm/",
       *(f"svm/{file}" for file in ("decode", "enter", "guest_state", "instruction")),
       *(f"guest/{file}" for file in ("crash_hash", "fault", "instruction", "services", "stack_walk")),
       *(f"fuzz/{file}" for file in (
           "corpus", "corpus_sync", "coverage", "crash_dedup", "mutators/", "outbox", "scheduler", "target_mutator",
           "worker.", "worker_evaluate", "worker_overrun")),
       "kernel/campaign/target", "kernel/campaign/worker_core", "tests/",
       "kernel/instances")      # all machine templates
SECTIONS = "-ffunction-sections -fdata-sections"        # so that the linker drops what nothing reaches
RELEASE = Flavour("kernel", BUILD, f"-O2 {BACKTRACES} {SECTIONS} {FREESTANDING}")
# RL_DEBUG: every DCHECK is on, and a machine checks its VMCB before each VMRUN (svm/vmcb_audit.h).
DEVELOPMENT = Flavour("kernel-debug", DEBUG, f"-O1 -DRL_DEBUG {BACKTRACES} {SECTIONS} {FREESTANDING}")
# --wrap=trap: tests/kernel/interrupt_hook.cpp stands between the entry stubs and the kernel's trap().
KERNELS = [kernel for flavour in (RELEASE, DEVELOPMENT) for kernel in (
    Kernel(flavour, "kernel", flavour.folder),
    Kernel(flavour, "test_kernel", test_folder(flavour.folder), " --wrap=trap"))]
PRODUCT = KERNELS[0]


def flags_of(flavour, source):
    return flavour.flags if source.startswith(HOT) else flavour.flags.replace("-O2", "-Oz")


IMAGE_TOOLS = [f"tools/rl/images/{name}.py" for name in ("disk_image", "fat", "gpt", "xxhash")]


def sources(folder, *endings, pattern="**/*"):
    """The files in and below the folder, sorted, relative to the root."""
    found = [path for path in (ROOT / folder).glob(pattern) if path.suffix in endings and path.is_file()]
    return sorted(str(path.relative_to(ROOT)) for path in found)


def own_sources(folder, *endings):
    """The folder's own files, without its subfolders'."""
    return sources(folder, *endings, pattern="*")


def kernel_sources(kernel):
    """What a kernel is made of: the test kernel is the product and what tests/kernel holds."""
    files = [f for layer in LAYERS for f in sources(layer, ".cpp", ".c", ".asm")] + [*STAGE2_IN_THE_KERNEL]
    return files + (sources("tests/kernel", ".cpp", ".asm") if kernel.name == "test_kernel" else [])


class Graph:
    """Fills a Ninja with what the tree has now; remembers every compile command for compile_commands.json."""

    def __init__(self):
        self.ninja = Ninja()
        self.commands = {}
        self.host_variants = {}         # of sources that the kernel or a stage has too
        self.listings = []              # of the stages: code and symbols
        self._rules()
        self._offsets()
        self.made = {kernel.images: self._kernel(kernel) for kernel in KERNELS}
        self.stage2 = self._stage2()
        self.loader = self._loader()
        self.efi = self._efi()
        self.stages = [self._linked_stage("stage0/stage0.asm", 0x7C00), self._linked_stage("stage1/stage1.asm", 0x7E00)]
        self.tests = self._host_tests()
        self.fuzzers = self._fuzz_entries()
        self.chains = self._chains()
        self.broken_targets = targets.write_edges(self.ninja)
        self.images = self._images()
        self.ninja.write()
        compile_commands = sorted(self.commands.values(), key=lambda entry: entry["file"])
        write_if_changed(BUILD / "compile_commands.json", json.dumps(compile_commands, indent=1) + "\n")

    def _rules(self):
        rule = self.ninja.rule
        for name, driver in (("cc", "clang"), ("cxx", "clang++")):
            rule(name, f"{driver} $flags -MD -MF $out.d -c $in -o $out", f"{driver} $in ($part)", depfile="$out.d")
        rule("nasm", "nasm -Werror -i ./ -i build/ $flags -MD $out.d -MQ $out -o $out $in", "nasm $in",
             depfile="$out.d")
        rule("link", "ld.lld $flags -Map=$map $in -o $out", "link $out")
        rule("objcopy", "llvm-objcopy $flags $in $out", "objcopy $out")
        rule("host_link", "clang++ $flags $in $libraries -o $out", "link $out")
        rule("run_to", "./$in > $out", "run $in")
        rule("disassemble", "llvm-objdump -d -l -C --no-show-raw-insn $in > $out", "disassemble $in")
        rule("symbols", "llvm-nm -n -C $in > $out", "symbols of $in")
        rule("bundle", "python3 -m tools.rl.images.bundle $out $arguments", "bundle $out")
        rule("font", "python3 -m tools.rl.building.font $out $in", "make $out")
        rule("artefact", "python3 -m tools.rl.images.artefacts $kind $out $in", "make $out", restat=True)
        rule("image", "python3 -m tools.rl.images.disk_image $out $in", "image $out", restat=True)

    def _compile(self, part, source, flags, default=True):
        output = f"build/obj/{part}/{source}.o"
        if output in self.ninja.outputs:        # the two kernels share their objects
            return output
        if source.endswith(".asm"):
            return self.ninja.build(output, "nasm", source, order_only=["build/offsets.inc", "build/font.bin"],
                                    flags="-f elf64 -g -F dwarf", default=default)
        is_c = source.endswith(".c")
        if is_c:
            flags = f"-std=c17 {flags}"
        elif part in (RELEASE.part, DEVELOPMENT.part, "stage2"):
            flags = f"{CXX_FREESTANDING} {flags}"
        else:
            flags = f"{CXX_ONLY} {flags}"
        self.ninja.build(output, "cc" if is_c else "cxx", source, flags=flags, part=part, default=default)
        command = f"{'clang' if is_c else 'clang++'} {flags} -c {source} -o {output}"
        entry = {"directory": str(ROOT), "file": source, "output": output, "command": command}
        if self.commands.setdefault(source, entry) is not entry and part == "host":
            self.host_variants[source] = entry
        return output

    def _offsets(self):
        flags = f"{CXX_ONLY} -O0 {COMMON} {WARNINGS}"
        self.ninja.build("build/offsets.o", "cxx", "tools/offsets.cpp", flags=flags, part="host")
        self.ninja.build("build/offsets", "host_link", "build/offsets.o")
        self.ninja.build("build/offsets.inc", "run_to", "build/offsets")
        self.ninja.build("build/font.bin", "font", font.FONT, implicit=["tools/rl/building/font.py"])

    def _kernel(self, kernel):
        """What the link makes: the ELF file, and what is read off it."""
        flavour, default = kernel.flavour, kernel is PRODUCT
        objects = [self._compile(flavour.part, f, flags_of(flavour, f), default) for f in kernel_sources(kernel)]
        script, elf, map_file = "kernel/kernel.ld", kernel.file("elf"), kernel.file("map")
        self.ninja.build(elf, "link", objects, implicit=[script], also=[map_file], map=map_file, default=default,
                         flags=f"{PIE} --gc-sections -z separate-code -T {script} -e kernel_entry{kernel.link_flags}")
        return [elf, *(self.ninja.build(kernel.file(ending), rule, elf, default=default, **options)
                       for ending, rule, options in (("stripped.elf", "objcopy", {"flags": "--strip-all"}),
                                                     ("asm", "disassemble", {}), ("sym", "symbols", {})))]

    def _stage2(self):
        own = [self._compile("stage2", f, STAGE2) for f in sources("stage2", ".cpp", ".c", ".asm")]
        files = [f for layer in STAGE2_LAYERS for f in sources(layer, ".cpp", ".c", ".asm")]
        self.shared = [self._compile("stage2", f, STAGE2) for f in files]
        flags = f"{PIE} --gc-sections --icf=all -O2 --lto-O2"
        # As from a library: only the layers' files that are reached are linked at all.
        self.ninja.rule("link_flat", f"ld.lld {flags} -T $script -Map=$map $own --start-lib $shared --end-lib -o $out",
                        "link $out")
        return self._flat_program("stage2", own, self.shared)

    def _loader(self):
        own = [self._compile("stage2", f, STAGE2) for f in own_sources("loader", ".cpp", ".asm")]
        used = [f"build/obj/stage2/{f}.o" for f in STAGE2_IN_THE_LOADER]     # compiled for stage2 already
        # A loader's memory is not cleared before it runs: its zeros are in the file.
        return self._flat_program("loader", own, used + self.shared, "--set-section-flags .bss=alloc,load,contents ")

    def _efi(self):
        own = [self._compile("stage2", f, STAGE2) for f in sources("loader/efi", ".cpp", ".asm")]
        used = ["build/obj/stage2/stage2/relocate.cpp.o"]
        return self._flat_program("loader/efi", own, used + self.shared,
                                  "--set-section-flags .bss=alloc,load,contents ")

    def _flat_program(self, name, own, shared, flags=""):
        folder, name = name, Path(name).name
        script, elf = f"{folder}/{name}.ld", f"build/{name}.elf"
        self.ninja.build(elf, "link_flat", own + shared, implicit=[script], also=[f"build/{name}.map"],
                         own=" ".join(own), shared=" ".join(shared), script=script, map=f"build/{name}.map")
        self.listings += [self.ninja.build(f"build/{name}.asm", "disassemble", elf),
                          self.ninja.build(f"build/{name}.sym", "symbols", elf)]
        return self.ninja.build(f"build/{name}.bin", "objcopy", elf, flags=flags + "-O binary")

    def _linked_stage(self, source, at):
        """A flat stage by way of an ELF file, from which gdb has the lines of the very bytes that run."""
        folder, name = Path(source).parent, Path(source).stem
        elf, listing = f"build/{name}.elf", f"build/{name}.asm"
        # Its own listing: a disassembler takes a stage to be all in one mode. It is linked at its place: `org` is moot.
        flags = f"-f elf64 -g -F dwarf -i {folder}/ -l {listing} --before '%imacro org 1' --before '%endmacro'"
        assembled = self.ninja.build(f"build/obj/{name}.o", "nasm", source, also=[listing], flags=flags,
                                     order_only=["build/offsets.inc"])
        self.ninja.build(elf, "link", assembled, also=[f"build/{name}.map"], map=f"build/{name}.map",
                         flags=f"--fatal-warnings -Ttext={at:#x} -e {at:#x}")
        self.listings.append(self.ninja.build(f"build/{name}.sym", "symbols", elf))
        return self.ninja.build(f"build/{name}.bin", "objcopy", elf, flags="-O binary")

    def _images(self):
        """The disk image in each folder."""
        files = target_files.bundle_files(BUILTIN_TARGET)
        arguments = [f"target={BUILTIN_TARGET}"] + [f"--file={name}:{path}" for name, path in files]
        self.ninja.build("build/bundle.bin", "bundle", [path for _, path in files], arguments=" ".join(arguments),
                         implicit=[f"tools/rl/images/{name}.py" for name in ("bundle", "dictionary", "xxhash")])
        self.pxe = self._linked_stage("loader/pxe/pxe.asm", 0x7C00)
        self.lkrn = self._linked_stage("loader/linux/lkrn.asm", 0)
        return {kernel.images: self._artefacts(kernel) for kernel in KERNELS}

    def _artefacts(self, kernel):
        """Everything that boots this kernel; the disk image is what is returned."""
        default, folder = kernel is PRODUCT, kernel.images.relative_to(ROOT)
        parts = [self.stage2, kernel.file("stripped.elf"), "build/bundle.bin"]
        tools = ["tools/rl/images/artefacts.py", "tools/rl/images/package.py", *IMAGE_TOOLS]
        package = self.ninja.build(f"{folder}/package.bin", "artefact", [self.loader, *parts], kind="package",
                                   implicit=tools, default=default)
        made = {kind: self.ninja.build(str(artefacts.path(kind, folder)), "artefact", [*heads, package], kind=kind,
                                       implicit=tools, default=default)
                for kind, heads in (("elf", []), ("efi", [self.efi]), ("lkrn", [self.lkrn]), ("pxe", [self.pxe]))}
        image = self.ninja.build(f"{folder}/raclette.img", "image", [*self.stages, *parts, made["efi"]],
                                 implicit=IMAGE_TOOLS, default=default)
        self.made[kernel.images] += [*made.values(), image]
        return image

    def _host_tests(self):
        layers = [layer for layer in LAYERS if layer not in NOT_ON_THE_HOST]
        tests = [f for f in sources("tests/unit", ".cpp") if f.endswith("_test.cpp")]
        if not tests:
            self.host_objects = []
            return None
        files = [f for layer in layers for f in sources(layer, ".cpp", ".c")]
        files += [*STAGE2_ON_THE_HOST, *sources("tests/sim", ".cpp")]
        self.host_objects = [self._compile("host", f, HOST, default=False) for f in files]
        objects = [self._compile("host", f, HOST, default=False) for f in tests]
        return self.ninja.build("build/host/tests", "host_link", self.host_objects + objects, flags=SANITIZE,
                                libraries="-lgtest_main -lgtest -lpthread -lZydis", default=False,
                                order_only=[targets.elf(name) for name in RUN_BY_HOST_TESTS])

    def _chains(self):
        files = [f for layer in CHAINS_NEED for f in sources(layer, ".cpp", ".c")] + ["tests/chains/chains.cpp"]
        made = []
        for name, flags in CHAINS.items():
            objects = [self._compile(f"chains-{name}", f, f"{flags} {COMMON} {WARNINGS}", default=False) for f in files]
            made.append(self.ninja.build(f"build/chains/{name}", "host_link", objects, flags=f"{flags} -fuse-ld=lld",
                                         default=False))
        return made

    def _fuzz_entries(self):
        made = []
        for source in sources("tests/fuzz_entries", ".cpp"):
            name = Path(source).stem
            entry = self._compile("host", source, HOST, default=False)
            made.append(self.ninja.build(f"build/fuzz/{name}", "host_link", [entry, *self.host_objects],
                                         flags=f"{SANITIZE} -fsanitize=fuzzer", default=False))
        return made
