"""Checks of what harnesses call of the sanitizers' and libFuzzer's runtimes, in samples built as every target is."""
import re
import subprocess
import tempfile
from pathlib import Path

from tests.qemu import sample_targets
from tests.runner.expect import expect, launch_elf

SAMPLES = Path(__file__).parent / "samples"
HEADERS = ("allocator_interface.h", "asan_interface.h", "common_interface_defs.h", "coverage_interface.h",
           "lsan_interface.h", "ubsan_interface.h")
# What a macro of the header is for, or what the target may define and the runtime only calls.
NO_FUNCTIONS = {"__sanitizer_return_address", "__sanitizer_malloc_hook", "__sanitizer_free_hook"}


class Sample:
    """A built sample; launch runs one input."""

    def __init__(self, name, **how):
        source = (SAMPLES / name).read_text() if (SAMPLES / name).exists() else name
        self.folder = tempfile.TemporaryDirectory()
        self.elf = Path(self.folder.name) / "sample.elf"
        self.elf.write_bytes(sample_targets.built(source, **how)())
        self.elf.chmod(0o755)

    def launch(self, data, *options):
        return launch_elf(str(self.elf), data, *options)


def headers():
    """The folder of the compiler's own sanitizer headers."""
    resources = subprocess.run(["clang", "-print-resource-dir"], stdout=subprocess.PIPE, check=True, text=True)
    return Path(resources.stdout.strip()) / "include/sanitizer"


def declared(header):
    """The functions that a header declares; comments and macros apart."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", "", header.read_text(), flags=re.S)
    text = re.sub(r"^\s*#[^\n]*(\\\n[^\n]*)*", "", text, flags=re.M)
    return set(re.findall(r"\b(__(?!builtin)[a-z]+_\w+)\s*\(", text)) - NO_FUNCTIONS


def every_declared_function():
    """A target that refers to every function of the headers links, without any runtime but ours."""
    names = sorted(set().union(*(declared(headers() / header) for header in HEADERS)))
    expect(len(names) > 70, f"the headers declare only {names}")
    lines = [f"#include <sanitizer/{header}>" for header in HEADERS]
    lines += ["void *const all[] = {", *(f"    (void *){name}," for name in names), "};"]
    lines += ["int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {",
              "    return size && all[data[0] % (sizeof all / sizeof all[0])] == 0;", "}"]
    said = Sample("\n".join(lines)).launch(b"\x05")[0]
    expect(said["outcome"] == "done" and said["value"] == 0, f"it ends as {said}")


def answers(api):
    for byte in range(1, 9):
        said = api.launch(bytes([byte]) + b"0123456789")[0]
        expect(said["outcome"] == "done" and said["value"] == 100 + byte, f"group {byte} ends as {said}")


def findings(api):
    wanted = {20: ("heap-buffer-overflow", "write", 8), 21: ("heap-buffer-overflow", "write", 3),
              22: ("heap-buffer-overflow", "read", 6), 23: ("invalid-free", "", 1)}
    for byte, (kind, access, offset) in wanted.items():
        said = api.launch(bytes([byte]))[0]
        found = said.get("kind"), said.get("access"), said.get("offset")
        expect(found == (kind, access, offset), f"group {byte} ends as {said}")


def sanitizer_api():
    yield "every function of the sanitizers' headers links", every_declared_function
    api = Sample("sanitizer_api.c")
    yield "the sanitizers' functions answer", lambda: answers(api)
    yield "the sanitizers' functions find bugs", lambda: findings(api)


UNDEFINED = "undefined,nullability,float-cast-overflow,unsigned-integer-overflow,implicit-conversion"
# Addresses differ between the two programs; so does the function's name in one message: ours is an address.
APART = ((r"0x[0-9a-f]{12,}", "ADDRESS"), (r"call to function \S+ through", "call to function F through"))
# Checks of what the language defines: the program goes on where it may.
DEFINED = ("unsigned integer overflow", "implicit conversion", "negation of 4294967295")


def message(line):
    """The message without the file's folder."""
    text = line[line.rfind("/") + 1:] if "/" in line.split(": runtime error")[0] else line
    text = re.sub(r"^\w+\.c\w*:", "", text)
    for pattern, general in APART:
        text = re.sub(pattern, general, text)
    return text


class Native:
    """The same source with UBSan's own runtime."""

    def __init__(self, name, flags):
        self.folder = tempfile.TemporaryDirectory()
        self.program = f"{self.folder.name}/native"
        driver = "clang++" if name.endswith("pp") else "clang"
        subprocess.run([driver, "-O2", "-w", "-DNATIVE", *flags, str(SAMPLES / name), "-o", self.program], check=True)

    def said(self, byte):
        done = subprocess.run([self.program, str(byte)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        lines = [line for line in done.stderr.decode(errors="replace").splitlines() if ": runtime error: " in line]
        return message(lines[0]) if lines else ""


def same_message(byte, native, ours, form):
    wanted = native.said(byte)
    said = ours.launch(bytes([byte]))[0]
    goes_on = form == "recover" and any(text in wanted for text in DEFINED)
    if not wanted or goes_on:
        return expect(said["outcome"] == "done", f"{wanted or 'sound'}: it ends as {said}")
    expect(said.get("kind") == "undefined-behaviour", f"{wanted}: it ends as {said}")
    return expect(message(said["text"]) == wanted, f"it says {message(said['text'])!r}, not {wanted!r}")


def undefined(name, bytes_, form, **how):
    checks = UNDEFINED + (",function" if name.endswith("pp") else "")
    may = "no-" if form == "abort" else ""
    flags = (f"-fsanitize={checks}", f"-f{may}sanitize-recover={checks}")
    native, ours = Native(name, flags), Sample(name, cflags=flags, **how)
    return [(f"{name}, {form} form, {byte}", lambda byte=byte: same_message(byte, native, ours, form))
            for byte in bytes_]


def ubsan():
    for form in ("abort", "recover"):
        yield from undefined("ubsan.c", range(1, 47), form)
        yield from undefined("ubsan.cpp", range(1, 12), form, language="c++", libc="glibc")


LEAKS = {1: [(1, 24)], 2: [(1, 24), (1, 100), (1, 50)], 3: [], 4: [], 5: [], 6: [(1, 48)], 7: [], 8: [], 9: [(1, 24)],
         10: [], 11: [], 15: [(300, 44850)], 16: [(1, 0)]}


def leaks_are_found(sample, byte):
    """One finding for each place that allocates what nothing reaches; then the case is done."""
    for number, (blocks, size) in enumerate(LEAKS[byte], 1):
        said = sample.launch(bytes([byte]), "--leak", str(number))[0]
        wanted = f"{size} bytes leaked in {blocks} block"
        expect(said.get("kind") == "memory-leak" and said["text"].startswith(wanted), f"{wanted}: it ends as {said}")
        expect(len(said["alloc"]) >= 2, f"the stack is {said['alloc']}")
    said = sample.launch(bytes([byte]), "--leak", str(len(LEAKS[byte]) + 1))[0]
    expect(said["outcome"] == "done", f"after {len(LEAKS[byte])} leaks: {said}")


def leak_functions(sample):
    for byte, outcome, value in ((12, "crash", None), (13, "done", 1), (14, "done", 0)):
        said = sample.launch(bytes([byte]))[0]
        expect((said["outcome"], said.get("value")) == (outcome, value), f"{byte} ends as {said}")
    expect(sample.launch(b"\x01")[0]["outcome"] == "done", "a case that does not ask for leaks has one")


def leaks():
    for how in ({}, {"libc": "glibc"}, {"cflags": ("-fsanitize-address-use-after-return=always",)}):
        sample = Sample("leaks.c", **how)
        for byte in LEAKS:
            yield f"leaks {how}, {byte}", lambda sample=sample, byte=byte: leaks_are_found(sample, byte)
        yield f"leaks {how}, functions", lambda sample=sample: leak_functions(sample)


def extra_counters():
    sample = Sample("extra_counters.c")

    def count():
        one, four, none = (sample.launch(data)[0]["edges"] for data in (b"aaaa", b"abcd", b""))
        expect(four == one + 3 and one > none, f"{none}, {one}, {four} counters are not zero")
    yield "a target's own counters", count


def mutants(sample, data, seed, *options):
    said = sample.launch(data, "--mutate", str(seed), *options)[0]
    return said["outcome"], [bytes.fromhex(mutant) for mutant in said["mutants"]]


def custom_mutator():
    sample = Sample("custom_mutator.c")

    def makes():
        outcome, made = mutants(sample, b"start", 7)
        expect(outcome == "mutated" and len(made) == 8 and len(set(made)) == 8, f"it makes {made}")
        expect(all(24 <= len(mutant) <= 32 for mutant in made), f"the sizes are {[len(m) for m in made]}")
        expect(any(len(mutant) > 24 for mutant in made), "LLVMFuzzerMutate adds nothing")
        again, other = mutants(sample, b"start", 7)[1], mutants(sample, b"start", 8)[1]
        expect(again == made and other != made, "mutants do not follow from the seed")
        said = sample.launch(made[0])[0]
        expect(said.get("kind") == "abort", f"a mutant ends as {said}")

    def refuses():
        expect(mutants(sample, b"start", 7, "--max-len", "8") == ("mutated", []), "mutants that do not fit are kept")
        expect(mutants(sample, b"?", 7) == ("mutated", []), "mutants of no bytes are kept")
        expect(mutants(sample, b"!", 7) == ("failed", []), "a mutator that writes too much is not found")
    yield "a custom mutator's mutants", makes
    yield "a custom mutator that makes nothing", refuses


GROUPS = {"custom_mutator": custom_mutator, "leaks": leaks, "extra_counters": extra_counters, "ubsan": ubsan,
          "sanitizer_api": sanitizer_api}
