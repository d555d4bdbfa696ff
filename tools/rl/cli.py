"""The command line: what each command takes, and which module does it."""
import argparse
import importlib
import os
import random
import re
import sys

from tools.rl.building import packages, target_files
from tools.rl.building.description import LARGEST_MAX_LEN
from tools.rl.building.progress import watched
from tools.rl.common import BUILTIN_TARGET, INTERRUPTED, MOST_CPUS, SYSTEM_FAILED, Stop, VERSION
from tools.rl.printable import printable, printable_lines
from tools.rl.suggest import meant

CHOSEN = object()               # the command chooses the target
LEAST_MEMORY = 18               # MiB: what tests/qemu/scenarios.py boots with "the least memory"


def _integer(low, high):
    def parse(text):
        try:
            value = int(text, 0)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number")
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{value} is not from {low} to {high}")
        return value
    return parse


def _seconds(text):
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return value


def _cpus(text):
    try:
        return _integer(1, MOST_CPUS)(text)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}; this computer has {os.cpu_count() or 1} cores")


def _memory(text):
    size = re.fullmatch(r"([1-9][0-9]{0,6})([MG]?)", text)
    if not size:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 512M or 2G")
    mib = int(size[1]) << (10 if size[2] == "G" else 0)
    here = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20
    if not LEAST_MEMORY <= mib <= max(here, LEAST_MEMORY):
        raise argparse.ArgumentTypeError(f"{text} is not from {LEAST_MEMORY}M to the {here}M of this computer; "
                                         "512M suits most targets")
    return text


PC_PORTS = {"com1": 0x3f8, "com2": 0x2f8, "com3": 0x3e8, "com4": 0x2e8}
MOST_PORT = 0xfff8              # a UART has eight


def _serial_port(text):
    """An I/O port: a name of a PC's, or hexadecimal digits as firmware and `lspci` print them."""
    if text.lower() in PC_PORTS:
        return PC_PORTS[text.lower()]
    digits = re.fullmatch(r"(?:0x)?([0-9a-f]{1,4})", text.lower())
    if not digits or not 0x100 <= int(digits[1], 16) <= MOST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a serial port: com1 to com4, or its I/O port in "
                                         f"hexadecimal, 100 to {MOST_PORT:x}")
    return int(digits[1], 16)


def _debug_build(sub):
    sub.add_argument("--debug", action="store_true", help="the development build: every check is on")


def _which_target(sub, default=BUILTIN_TARGET):
    if default is not CHOSEN:
        _target(sub, default)
    sub.add_argument("--max-len", type=_integer(1, LARGEST_MAX_LEN), metavar="N",
                     help="longest input in bytes (default: what the target says, else as the longest seed, at least "
                          "4096)")


def _timeout(text):
    """(the machine's option, its value) of seconds, or of a number of edges."""
    match = re.fullmatch(r"([1-9][0-9]{0,17})(s|e|edges)?", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is neither seconds (25) nor edges (5000000edges)")
    if match[2] in ("e", "edges"):
        return "edge_budget", int(match[1])
    if int(match[1]) > 1_000_000:
        raise argparse.ArgumentTypeError(f"{text} seconds are more than a million; edges are written {match[1]}edges")
    return "timeout_s", int(match[1])


def _timeout_option(sub):
    sub.add_argument("--timeout", type=_timeout, metavar="SECONDS|EDGES",
                     help="when a case is a timeout: 25 (seconds), or 5000000edges (repeats exactly; default: what the "
                          "target's target.json says, else 1000 times the edges of the longest seed)")


def _target(sub, default):
    said = "default %(default)s" if default else "default: as the input's folder says"
    sub.add_argument("--target", default=default, metavar="TARGET",
                     help=f"a folder in targets/, a folder anywhere, or an ELF file of raclette-cc ({said})")


def _target_options(sub, default=BUILTIN_TARGET):
    _which_target(sub, default)
    sub.add_argument("--memory", type=_memory, default="512M", metavar="SIZE",
                     help="the machine's memory (default %(default)s)")


def _schedule(sub, said):
    sub.add_argument("--threads", type=_integer(0, 2**64 - 1), metavar="N",
                     help=f"seed of the order in which the target's threads run ({said})")


def _run(sub, target=BUILTIN_TARGET):
    _target_options(sub, target)
    _timeout_option(sub)
    sub.add_argument("--cpus", type=_cpus, default=max(1, min(os.cpu_count() or 1, 8)), metavar="N",
                     help="cores of the machine (default: as many as here, at most 8)")
    sub.add_argument("--seconds", type=_seconds, metavar="S", help="stop after so many seconds of fuzzing")
    sub.add_argument("--cases", type=_integer(1, 2**63), metavar="N", help="stop after so many cases")
    sub.add_argument("--until-crash", nargs="?", const="", metavar="FUNCTION",
                     help="stop at a crash, or at one whose trace names FUNCTION (write --until-crash=FUNCTION)")
    sub.add_argument("--seed", type=_integer(0, 2**64 - 1), default=None, metavar="N",
                     help="of the mutations; with --cpus 1 the run repeats (default: random, printed)")
    _schedule(sub, "default: 0")
    sub.add_argument("--out", metavar="DIR",
                     help="for corpus, crashes, statistics (default out/NAME); its corpus is where a run begins")
    sub.add_argument("--sync", metavar="DIR",
                     help="share the corpus with AFL++ (its -o DIR) or libFuzzer (DIR as its corpus) while they run")
    sub.add_argument("--plain", action="store_true", help="plain lines instead of the live view")
    sub.add_argument("--target-output", action="store_true", help="show what the target prints; each line costs time")
    sub.add_argument("--leaks", action=_Leaks, nargs=0, help=argparse.SUPPRESS)
    sub.add_argument("--exit-zero", action="store_true", help="status 0 also when crashes were found, or after Ctrl-C")
    _debug_build(sub)


def _replay(sub):
    sub.add_argument("input", metavar="INPUT", help="the file to run")
    sub.add_argument("--leaks", action="store_true", help="list the heap blocks that nothing reaches at the end")
    _target_options(sub, default=None)
    _timeout_option(sub)
    _schedule(sub, "default: as the input's folder says, else 0")
    sub.add_argument("--out", metavar="DIR", help="also save the console and the crash there")
    sub.add_argument("--gdb", action="store_true", help="then open gdb on the target's state at the end of the case")
    sub.add_argument("--core", metavar="FILE", help="write that state as a core file, for gdb and other tools")
    sub.add_argument("--target-output", action=argparse.BooleanOptionalAction, default=True,
                     help="show what the target prints (the default)")
    _debug_build(sub)


def _examine(sub, default=BUILTIN_TARGET):
    """Of commands that run inputs once each."""
    _target_options(sub, default)
    _timeout_option(sub)
    _schedule(sub, "default: 0" if default else "default: as the input's folder says, else 0")
    _debug_build(sub)


def _merge(sub):
    sub.add_argument("places", nargs="+", metavar="DIR",
                     help="inputs: a folder of AFL++, libFuzzer or a run of ours, a zip archive, a file")
    sub.add_argument("--out", required=True, metavar="DIR", help="where the smallest set goes: a new or empty folder")
    _examine(sub)


def _coverage(sub):
    sub.add_argument("places", nargs="*", metavar="DIR",
                     help="inputs as `merge` takes them (default: corpus/ of the run in --out)")
    sub.add_argument("--out", metavar="DIR", help="a run's folder (default out/NAME)")
    sub.add_argument("--lcov", metavar="FILE", help="write lcov's tracefile, for genhtml")
    sub.add_argument("--drcov", metavar="FILE", help="write a drcov file, for Lighthouse")
    sub.add_argument("--html", metavar="DIR", help="write the sources with counts, by genhtml")
    _examine(sub, default=None)


def _minimize(sub):
    sub.add_argument("input", metavar="INPUT", help="the file to make smaller")
    sub.add_argument("--out", metavar="FILE", help="the smaller input (default INPUT.min)")
    sub.add_argument("--cases", type=_integer(1, 2**63), metavar="N", help="most runs of the target")
    _examine(sub, default=None)


def _triage(sub):
    sub.add_argument("places", nargs="+", metavar="DIR",
                     help="crashes of AFL++, libFuzzer or a run of ours: a folder, a zip archive, a file")
    sub.add_argument("--out", metavar="FILE", help="the JSON (default: triage.json in the first DIR)")
    _examine(sub, default=None)


def _explain(sub):
    sub.add_argument("log", nargs="?", default="-", metavar="FILE", help="a serial log (default: what is piped in)")


def _test(sub):
    sub.add_argument("--host", action="store_true", help="only the host's tests")
    sub.add_argument("--boot", action="store_true", help="only the tests that boot QEMU")
    sub.add_argument("--long", action="store_true", help="also the long ones")
    sub.add_argument("filter", nargs="?", default="", metavar="FILTER",
                     help="only tests whose name contains this, in small or capital letters")


def _bench(sub):
    sub.add_argument("filter", nargs="?", default="", metavar="FILTER",
                     help="only benchmarks whose name contains this; peers: Raclette beside libFuzzer and AFL++, on "
                          "the same harness, with these options:")
    _target(sub, BUILTIN_TARGET)
    sub.add_argument("--seeds", type=_integer(2, 100), default=5, metavar="N",
                     help="random seeds of each fuzzer (default %(default)s)")
    sub.add_argument("--cases", type=_integer(100, 2**40), default=100_000, metavar="N",
                     help="executions of each run (default %(default)s)")
    sub.add_argument("--write", action="store_true", help="measure all, or the peers, and write docs/measured.md")


def _build(sub):
    sub.add_argument("--watch", action="store_true", help="build again at each change of a source, until Ctrl-C")
    sub.add_argument("--debug", action="store_true",
                     help="the development build instead, into build/debug/: every check is on, -O1")


def _check(sub):
    sub.add_argument("--quick", action="store_true",
                     help="only what takes seconds: layers, files, texts, pyflakes, format; no build, no clang-tidy")


def _debug(sub):
    sub.add_argument("--stage", choices=("0", "1", "2", "3", "loader"),
                     help="run to the beginning of a stage, or of the loader; 3: the kernel")
    sub.add_argument("--way", choices=("img", "elf"), default="img",
                     help="img: by the BIOS, stage0 and stage1; elf: by PVH and the loader (default %(default)s)")
    sub.add_argument("--commands", metavar="FILE", help="gdb commands to run instead of a prompt")
    _debug_build(sub)


def _console(sub):
    sub.add_argument("device", metavar="DEVICE", help="a serial device, a pseudo-terminal, a socket or HOST:PORT")
    sub.add_argument("--target", default=BUILTIN_TARGET, metavar="NAME",
                     help="whose symbols name a crash, until the machine says what it fuzzes (default %(default)s)")
    sub.add_argument("--out", metavar="DIR", help="for corpus, crashes, statistics, the console (default out/NAME)")
    sub.add_argument("--plain", action="store_true", help="plain lines instead of the live view")


def _symbolize(sub):
    sub.add_argument("text", nargs="*", metavar="TEXT", help="addresses or lines; without any, standard input")
    sub.add_argument("--slide", type=_integer(0, 2**64 - 1), metavar="ADDRESS",
                     help='where the kernel lies, of its line "6 kernel at 0x..." (found in the text by itself)')
    sub.add_argument("--target", default=BUILTIN_TARGET, metavar="NAME",
                     help='whose addresses "target 0x..." are (default %(default)s)')
    _debug_build(sub)


def _maps(sub):
    _target_options(sub)
    sub.add_argument("--cpus", type=_cpus, default=1, metavar="N", help="cores (default %(default)s)")
    sub.add_argument("--log", metavar="FILE", help="the answer to `maps` in a saved console, instead of a new run")


def _image(sub):
    _which_target(sub)
    sub.add_argument("--corpus", metavar="DIR", help="inputs to begin with besides the seeds, such as out/NAME/corpus")
    sub.add_argument("--serial", type=_serial_port, metavar="PORT",
                     help="the machine's serial line: com1 to com4, or an I/O port in hexadecimal such as 2f8 "
                          "(default: the first of com1 to com4 that is there)")


def _oss_fuzz(sub):
    sub.add_argument("folder", metavar="FOLDER", help="a project's folder, as oss-fuzz/projects/NAME")
    sub.add_argument("--source", action="append", default=[], metavar="DIR",
                     help="sources that its Dockerfile clones; once for each")
    sub.add_argument("--fuzzer", metavar="NAME", help="which of the fuzzers that it builds (default: the first)")
    _run(sub, CHOSEN)


def _new_target(sub):
    sub.add_argument("folder", metavar="DIR", help="where it is written; nothing that is there is touched")
    sub.add_argument("--language", choices=("c", "c++"), default="c", help="of the harness (default %(default)s)")


def _trace(sub):
    sub.add_argument("file", metavar="FILE", help="a saved console with an answer to `trace`, or a panic's end")
    sub.add_argument("--out", metavar="FILE", help="the JSON (default FILE.trace.json)")


# command: what it does, an example, its options; the module of its name in commands/ does it
COMMANDS = {
    "build": ("build everything into build/", "build.py build --watch", _build),
    "run": ("boot QEMU and fuzz a target: status 0 nothing found, 10 crashes found, 130 interrupted",
            "build.py run --cpus 2 --until-crash=stbi__gif_load_next", _run),
    "replay": ("run one input: status 0 no crash, 10 crash, 11 timeout",
               "build.py replay out/stb_image/crashes/HASH/input", _replay),
    "merge": ("the few and small inputs that reach all edges and hit counts of many",
              "build.py merge afl/queue libfuzzer_corpus seeds.zip --out corpus", _merge),
    "minimize": ("a smaller input with the same crash hash; of one that does not crash, with the same edges",
                 "build.py minimize out/stb_image/crashes/HASH/input", _minimize),
    "triage": ("run every file of a folder, group what crashes, say why the others may not",
               "build.py triage afl/default --target NAME", _triage),
    "coverage": ("which lines a corpus reaches, and how many inputs each; for genhtml and Lighthouse",
                 "build.py coverage --out out/stb_image --html coverage", _coverage),
    "explain": ("the errors in a serial log: grouped, with source lines and addresses resolved",
                "build.py explain out/stb_image/serial.log", _explain),
    "test": ("run the tests, all or a part", "build.py test --host window", _test),
    "bench": ("run the benchmarks", "build.py bench reset", _bench),
    "check": ("include layers, files, texts, pyflakes, format, stage sizes, ELF lint, tidy",
              "build.py check --quick", _check),
    "debug": ("QEMU stopped before its first instruction, and gdb", "build.py debug --stage 2", _debug),
    "console": ("show and save what a machine at a serial line says; what is typed goes to it",
                "build.py console /dev/ttyUSB0", _console),
    "symbolize": ("functions and lines for addresses of the kernel or the target",
                  "build.py symbolize kernel+0x3166", _symbolize),
    "maps": ("what the kernel's tables and a virtual machine's nested tables map, from a live run",
             "build.py maps", _maps),
    "trace": ("a trace in a saved console as JSON for Perfetto and Chrome's trace viewer",
              "build.py trace out/stb_image/serial.log", _trace),
    "image": ("every artefact that boots, with a target of your choice, and how to start each",
              "build.py image --target NAME --corpus out/NAME/corpus", _image),
    "oss-fuzz": ("build an OSS-Fuzz project by its own build.sh, and fuzz a target of it",
                 "build.py oss-fuzz oss-fuzz/projects/expat --source libexpat --seconds 60", _oss_fuzz),
    "new-target": ("write a harness, its target.json and seeds to begin with",
                   "build.py new-target ~/my_target --language c++", _new_target),
    "clean": ("remove build/ (out/ stays)", "build.py clean", None),
}


class _Leaks(argparse.Action):
    """Of `run`, where somebody may look for it."""

    def __call__(self, parser, *_):
        parser.error("a run does not look for leaks, which would cost each case the time to search all its memory; "
                     "replay does, for one input: build.py replay out/NAME/corpus/HASH --leaks")


class _Parser(argparse.ArgumentParser):
    """Names what a word that it does not know may have been meant to be."""
    known = ()

    def error(self, message):
        unknown = re.search(r"(?:unrecognized arguments: |invalid choice: ')([^\s'=]+)", message)
        super().error(message + (meant(unknown[1], self.known) if unknown else ""))


def parser():
    top = _Parser(prog="build.py", allow_abbrev=False, epilog="example: python3 build.py run --yes",
                  description="Builds, runs, tests and debugs Raclette. Without a command: build.")
    yes = {"action": "store_true", "help": "install what is missing without asking"}
    top.add_argument("--yes", **yes)
    top.add_argument("--version", action="version", version=f"raclette {VERSION}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND")
    for name, (text, example, add_options) in COMMANDS.items():
        sub = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".", allow_abbrev=False,
                                  epilog=f"example: python3 {example}")
        sub.add_argument("--yes", default=argparse.SUPPRESS, **yes)
        if add_options:
            add_options(sub)
        sub.known = [option for action in sub._actions for option in action.option_strings]
    top.known = sorted({*COMMANDS, *(option for sub in commands.choices.values() for option in sub.known)})
    return top


def refuse(module, arguments):
    """What cannot work ends the command before anything is installed, built or booted."""
    if isinstance(getattr(arguments, "target", None), str):
        target_files.refuse_unknown(arguments.target)
    getattr(module, "refuse", lambda _: None)(arguments)


def run(command, arguments, elsewhere):
    module = importlib.import_module(elsewhere.get(command, f"tools.rl.commands.{command.replace('-', '_')}"))
    refuse(module, arguments)
    packages.ensure(arguments.yes, command, *([packages.LONG_TEST] if getattr(arguments, "long", False) else []))
    return module.main(arguments)


def main(words, elsewhere):
    """`elsewhere`: {command: the module that does it}, of those that are not in commands/; "texts": see check.py."""
    for stream in (sys.stdout, sys.stderr):     # a name that the terminal's encoding has not is no reason to fail
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    arguments = parser().parse_args(words)
    arguments.text_checks = elsewhere.get("texts")
    command = arguments.command or "build"
    if getattr(arguments, "seed", 0) is None:
        arguments.seed = random.SystemRandom().randrange(1 << 32)
    try:
        with watched(f"build.py {command}"):
            return run(command, arguments, elsewhere)
    except Stop as stop:
        print(printable_lines(f"build.py: {stop}"), file=sys.stderr)
        return stop.status
    except BrokenPipeError:
        sys.stdout = None           # the reader of our output has gone; what was found is in --out
        return SYSTEM_FAILED
    except OSError as error:        # a full disk, a folder that was removed meanwhile
        print(printable(f"build.py: {error.filename or 'an operation'}: {error.strerror or error}"), file=sys.stderr)
        return SYSTEM_FAILED
    except KeyboardInterrupt:
        print("build.py: interrupted", file=sys.stderr)
        return INTERRUPTED
