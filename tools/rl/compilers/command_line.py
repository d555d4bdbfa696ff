"""Reads a compiler's command line as far as a wrapper around clang must understand it."""
import glob
import os
import shlex
from pathlib import Path

from tools.rl.building.description import ASSEMBLY, CXX, kind_of

# Options whose value is the next word.
WITH_VALUE = {"-o", "-x", "-I", "-D", "-U", "-L", "-l", "-T", "-u", "-z", "-e", "-A", "-B", "-F", "-include",
              "-imacros", "-isystem", "-iquote", "-idirafter", "-iprefix", "-iwithprefix", "-isysroot", "-MF", "-MT",
              "-MQ", "-Xclang", "-Xlinker", "-Xassembler", "-Xpreprocessor", "-mllvm", "-arch", "-target", "--sysroot",
              "--param", "-working-directory", "-rpath", "-soname", "-h", "-framework", "-install_name"}
# Commands that make no object and no program, or not of machine code.
OTHER_WORK = {"-E", "-S", "-M", "-MM", "-fsyntax-only", "--version", "-v", "-###", "-dumpmachine", "-dumpversion",
              "-emit-llvm", "-emit-ast", "--help", "--analyze", "-P"}
SOURCES = (".i", ".ii")                     # besides those that a target.json may name
OBJECTS = (".o", ".a", ".lo", ".obj", ".la")
COVERAGE = ("fuzzer", "fuzzer-no-link")     # sanitizers by name that are ours to replace
LIBCXX = "/usr/lib/llvm-*/lib/libc++.a"
LTO = ("-flto", "-fno-lto", "-fwhole-program", "-ffat-lto-objects", "-fno-fat-lto-objects", "-fuse-linker-plugin")


def expanded(words):
    """The words, with those of response files in place of their names."""
    found = []
    for word in words:
        path = Path(word[1:])
        if word.startswith("@") and path.is_file():
            found += expanded(shlex.split(path.read_text(errors="replace"), comments=False))
        else:
            found.append(word)
    return found


class CommandLine:
    """One command line: `options` in their order, what is compiled, what is linked, and what is wanted."""

    def __init__(self, words):
        self.words = []                 # without what is ours to decide
        self.sources, self.objects, self.libraries = [], [], []
        self.output = None
        self.sanitizers, self.unsanitized = [], []
        self.compile_only = False
        self.other_work = not words
        self._read(expanded(words))
        self.is_fuzzer = "fuzzer" in self.sanitizers or "-lFuzzingEngine" in self.libraries

    def _read(self, words):
        language, at = None, 0
        while at < len(words):
            word, value = words[at], words[at + 1] if at + 1 < len(words) else None
            at += 1
            taken = [word]
            if word in WITH_VALUE and value is not None:
                at += 1
                taken.append(value)
                if word == "-o":
                    self.output = value
                elif word == "-x":
                    language = value
                elif word == "-l":
                    self.libraries.append(f"-l{value}")
            elif word == "-" or not word.startswith("-"):
                self._file(word, language)
            else:
                taken = self._option(word)
            self.words += taken

    def _file(self, word, language):
        known = language not in (None, "none") or kind_of(word) in ("c", CXX, ASSEMBLY) or word.endswith(SOURCES)
        (self.sources if known or word == "-" else self.objects).append(word)

    def _option(self, word):
        """The words that stay of an option."""
        self.compile_only |= word == "-c"
        self.other_work |= word in OTHER_WORK or word.startswith(("-print-", "--print-", "-dump"))
        if word.startswith("-l"):
            self.libraries.append(word)
            return [] if word == "-lFuzzingEngine" else [word]
        if word.startswith(("-fsanitize-coverage", "-fno-sanitize-coverage")) or word.split("=")[0] in LTO:
            return []
        if word == "-stdlib=libc++" and not glob.glob(LIBCXX):
            return []                   # the build's other half uses what there is
        if word in ("-march=native", "-mtune=native", "-mcpu=native"):
            return []                   # the machine that fuzzes is another one
        if word.startswith("-fsanitize="):
            names = word.split("=", 1)[1].split(",")
            self.sanitizers += names
            kept = [name for name in names if name not in COVERAGE]
            return [f"-fsanitize={','.join(kept)}"] if kept else []
        if word.startswith("-fno-sanitize="):
            self.unsanitized += word.split("=", 1)[1].split(",")
        return [word]

    def without(self, *dropped):
        """The words without these; an option that has a value goes with it."""
        found, at = [], 0
        while at < len(self.words):
            size = 2 if self.words[at] in WITH_VALUE and at + 1 < len(self.words) else 1
            if self.words[at] not in dropped:
                found += self.words[at:at + size]
            at += size
        return found

    def outputs(self):
        """The objects that -c makes."""
        if self.output is not None:
            return [self.output]
        return [f"{Path(source).stem}.o" for source in self.sources]

    def has(self, *options):
        return any(word in options for word in self.words)

    def shared_objects(self):
        return [path for path in self.objects if ".so" in os.path.basename(path)]
