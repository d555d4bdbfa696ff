"""Checks of raclette-cc and raclette-c++ on a small library that is built as a library's own build system would."""
import json
import subprocess
import tempfile
from pathlib import Path

from tools.rl.building import targets
from tools.rl.building.targets import COMPILERS
from tools.rl.common import BUILD, ROOT

CC, CXX = (BUILD / "bin" / name for name in COMPILERS)
PARTS = {
    "parse.c": """
#include <stdlib.h>
#include "parse.h"
int shared_count;                       /* common, where -fcommon says so */
__asm__(".globl from_assembly\\nfrom_assembly: mov $7, %eax\\nret");
int from_assembly(void);
static char *volatile block;
static __thread int depth;
int parse(const unsigned char *data, unsigned long size) {
    shared_count++;
    if (size < 2) return from_assembly();
    if (data[0] == 'h') { block = malloc(4); block[4 + data[1] % 2] = 1; }
    if (data[0] == 'l') for (volatile int i = 1; i; i |= 1) {}
    return ++depth;
}
""",
    "parse.h": """
#ifdef __cplusplus
extern "C"
#endif
int parse(const unsigned char *data, unsigned long size);
""",
    "text.cpp": """
#include <stdexcept>
#include <string>
#include <vector>
struct Shape { virtual ~Shape() {} virtual int sides() const { return 0; } };
struct Square : Shape { int sides() const override { return 4; } };
std::vector<std::string> words = {"one", "two"};        // a constructor that runs before main
extern "C" int text(const unsigned char *data, unsigned long size) {
    Square square;
    const Shape &shape = square;
    try {
        if (size && data[0] == 't') throw std::runtime_error(words.at(0));
    } catch (const std::exception &) { return shape.sides(); }
    return words.at(size > 1 && data[0] == 'x' ? 2 : 1).size();
}
""",
    "harness.c": """
#include "parse.h"
int text(const unsigned char *, unsigned long);
int LLVMFuzzerTestOneInput(const unsigned char *data, unsigned long size) {
    return parse(data, size) + text(data, size) > 100;
}
""",
    "program.c": """
#include <stdlib.h>
#include "parse.h"
int main(void) { char *lost = malloc(10); return parse((const unsigned char *)"", 0) == 7 && lost ? 0 : 1; }
""",
    "leaks.c": """
#include <stdlib.h>
static char *volatile lost;
int main(void) { lost = malloc(10); lost = 0; return 0; }
""",
    "probe.c": "int main(void) { return 0; }\n",
}
ENDINGS = {b"hx": "heap-buffer-overflow", b"lx": "timeout", b"tx": "done", b"xx": "uncaught-exception", b"": "done"}


class Failed(Exception):
    """What a command of the build said."""


class Library:
    """A scratch folder with the sources; commands run in it."""

    def __init__(self, folder):
        self.folder = Path(folder)
        for name, text in PARTS.items():
            (self.folder / name).write_text(text)

    def sh(self, command, status=0):
        command = f"CC='{CC}' CXX='{CXX}'; {command}"
        done = subprocess.run(["sh", "-c", command], cwd=self.folder, capture_output=True, text=True)
        if (done.returncode == 0) != (status == 0):
            raise Failed(f"{command}: status {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def ending(self, elf, data):
        path = self.folder / "input"
        path.write_bytes(data)
        argv = [str(ROOT / targets.host_run()), "--budget", "300000", str(self.folder / elf), str(path)]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise Failed(done.stderr)
        said = json.loads(done.stdout.splitlines()[-1])
        return said["kind"] if said["outcome"] == "crash" else said["outcome"]

    def expect_target(self, elf):
        for data, ending in ENDINGS.items():
            found = self.ending(elf, data)
            if found != ending:
                raise Failed(f"{elf}: {data} ends as {found}, not {ending}")


ARCHIVE = ("$CC {flags} -c parse.c && $CXX {flags} -c text.cpp && ar rcs lib.a parse.o text.o && ranlib lib.a && "
           "nm lib.a")
HARNESS = "$CC {flags} -c harness.c"
OPTIONS = {"without options": "",
           "with OSS-Fuzz's options": "-O1 -fsanitize=address,fuzzer-no-link -gline-tables-only",
           "as position-independent code": "-fPIC -O0", "with common symbols": "-fcommon -O3 -g",
           "with link-time optimisation asked for": "-flto=thin -O2",
           "with undefined behaviour": "-fsanitize=undefined",
           "with _FORTIFY_SOURCE": "-D_FORTIFY_SOURCE=2 -O2"}


def archive(library, flags):
    library.sh(ARCHIVE.format(flags=flags))
    library.sh(HARNESS.format(flags=flags))
    library.sh("$CXX harness.o lib.a -fsanitize=fuzzer -o fuzzer")
    library.expect_target("fuzzer")


def each_edge_is_inlined(library):
    library.sh("$CC -c parse.c")
    code = library.sh("objdump -dr parse.o")
    if "rl_hot" not in code or "call" in "".join(line for line in code.splitlines() if "trace_pc" in line):
        raise Failed("the hook is not inlined")


def one_step(library):
    """Sources and archives in one command, through a response file, with a harness in an archive."""
    library.sh(ARCHIVE.format(flags=""))
    library.sh("printf '%s' '-DX=\"a\ b\" harness.c' > words && "
               "$CC -fsanitize=address,fuzzer @words lib.a -lm -o fuzzer")
    library.expect_target("fuzzer")
    library.sh("$CC -c harness.c && ar rcs all.a harness.o parse.o text.o && $CXX -fsanitize=fuzzer all.a -o other")
    library.expect_target("other")


def ordinary_program(library):
    """What a build makes for itself runs here, of instrumented objects too, and may leak."""
    library.sh("$CC probe.c -o probe && ./probe && $CC -static probe.c -o probe && ./probe")
    library.sh("$CC -fsanitize=address,fuzzer-no-link leaks.c -o leaks && ./leaks")     # a generator, in one step
    library.sh(ARCHIVE.format(flags="-fsanitize=undefined"))
    library.sh("$CC -c program.c && $CXX program.o lib.a -o program && ./program")
    library.sh("$CXX program.c lib.a -o program && ./program", status=1)     # C++ has no parse(): named as clang does
    library.sh("$CC program.c lib.a -lstdc++ -static -o program && ./program")


def shared_library(library):
    library.sh("$CC -fPIC -c parse.c && $CC -shared -Wl,-z,defs parse.o -o libparse.so")
    library.sh("$CC program.c -L. -lparse -Wl,-rpath,. -o program && ./program")
    library.sh("$CXX -fPIC -c text.cpp && ar rcs libparse.a parse.o text.o && $CC -c harness.c")
    library.sh("$CXX -fsanitize=fuzzer harness.o libparse.so -o fuzzer")      # the static one beside it
    library.expect_target("fuzzer")
    library.sh("mv libparse.a hidden.a; $CXX -fsanitize=fuzzer harness.o libparse.so -o fuzzer", status=1)


def probes(library):
    """A build may ask whether -fsanitize=fuzzer works with a main of its own, and read the compiler's version."""
    library.sh("$CC -fsanitize=fuzzer probe.c -o probe && ./probe")
    library.sh("$CC --version && $CC -dumpmachine && $CC -E probe.c && $CC -print-prog-name=ld && $CC -v")
    library.sh("echo 'int x;' | $CC -x c -c - -o /dev/null && echo 'int x;' | $CC -x c -c - -o x.o && nm x.o")
    library.sh("$CC nothing.c -c", status=1)
    library.sh("$CC", status=1)
    library.sh("$CC -fsanitize=memory -c probe.c", status=1)
    library.sh("$CC -fsanitize=fuzzer parse.c -o fuzzer", status=1)      # neither a harness nor a main


def objects_and_dependencies(library):
    library.sh("$CC -MD -c parse.c probe.c && test -s parse.o && test -s probe.o && grep -q '^parse.o:' parse.d")
    library.sh("mkdir sub; $CC -MMD -MP -MF sub/d -MT x -c parse.c -o sub/parse.o && grep -q '^x:' sub/d")
    library.sh("echo 'nop' > a.s && $CC -c a.s && $CC -S probe.c && test -s a.o && test -s probe.s")


def checks():
    found = {f"an archive {how}": lambda library, flags=flags: archive(library, flags)
             for how, flags in OPTIONS.items()}
    for check in (each_edge_is_inlined, one_step, ordinary_program, shared_library, probes, objects_and_dependencies):
        found[check.__name__.replace("_", " ")] = check
    for name, check in found.items():
        yield f"raclette-cc: {name}", lambda check=check: in_scratch(check)


def in_scratch(check):
    with tempfile.TemporaryDirectory(prefix="raclette cc ") as folder:
        check(Library(folder))
