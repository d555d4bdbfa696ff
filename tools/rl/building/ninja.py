"""Collects rules and edges, writes build/build.ninja, runs ninja. Ninja tracks what is stale; nothing here does."""
import contextlib
import os
import re
import subprocess

from tools.rl.building.progress import Progress
from tools.rl.common import BUILD, ROOT, Stop, TESTS_FAILED, write_if_changed
from tools.rl.locks import Lock
from tools.rl.printable import printable

PROGRESS = re.compile(r"\[(\d+)/(\d+)\] ")


def _escape(path):
    return str(path).replace("$", "$$").replace(" ", "$ ").replace(":", "$:")


def _words(value):
    return [value] if isinstance(value, (str, os.PathLike)) else list(value)


class Ninja:
    """Rules and edges; every path is relative to the repository's root, every output lies under build/."""

    def __init__(self, folder="build"):
        self.file = ROOT / folder / "build.ninja"
        self.lines = ["ninja_required_version = 1.8", f"builddir = {folder}", ""]
        self.defaults = []
        self.rules = set()
        self.outputs = set()

    def rule(self, name, command, description="", depfile=None, pool=None, restat=False):
        if name in self.rules:
            raise AssertionError(f"rule {name} is written twice")
        self.rules.add(name)
        self.lines.append(f"rule {name}")
        self.lines.append(f"  command = {command}")
        self.lines.append(f"  description = {description or name + ' $out'}")
        if depfile:
            self.lines += [f"  depfile = {depfile}", "  deps = gcc"]
        if pool:
            self.lines.append(f"  pool = {pool}")
        if restat:
            self.lines.append("  restat = 1")
        self.lines.append("")

    def build(self, outputs, rule, inputs=(), implicit=(), order_only=(), also=(), default=True, **variables):
        """`also`: outputs that $out does not name."""
        outputs, also = _words(outputs), _words(also)
        for output in outputs + also:
            if str(output) in self.outputs:
                raise AssertionError(f"two edges make {output}")
            self.outputs.add(str(output))
        line = f"build {' '.join(map(_escape, outputs))}"
        line += f" | {' '.join(map(_escape, also))}: {rule}" if also else f": {rule}"
        line += "".join(" " + _escape(path) for path in _words(inputs))
        for mark, paths in ((" |", _words(implicit)), (" ||", _words(order_only))):
            if paths:
                line += mark + "".join(" " + _escape(path) for path in paths)
        self.lines.append(line)
        self.lines += [f"  {name} = {value}" for name, value in variables.items()]
        if default:
            self.defaults += outputs
        return outputs[0]

    def default(self, *outputs):
        self.defaults += outputs

    def text(self):
        text = "\n".join(self.lines) + "\n"
        if self.defaults:
            text += "build all: phony " + " ".join(map(_escape, self.defaults)) + "\ndefault all\n"
        return text

    def write(self):
        write_if_changed(self.file, self.text())


@contextlib.contextmanager
def locked(folder, doing):
    """One ninja at a time in a folder: two build.py in one tree wait for each other instead of overwriting."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = Lock(folder / ".lock")
    try:
        if not lock.take(doing):
            waits = f"waits for {lock.holder()}"
            print(f"build.py: {doing} {waits}", flush=True)
            with Progress(waits):
                lock.take(doing, wait=True)
        yield
    finally:
        lock.close()


def what_was_said(output):
    """Ninja's output without its progress and the commands' words: what compilers and linkers complain about."""
    lines = iter(output.splitlines())
    for line in lines:
        if line.startswith("FAILED: "):
            next(lines, None)               # the command
        elif not PROGRESS.match(line) and not line.startswith("ninja: build stopped"):
            yield line


def _heard(argv, environment, quiet):
    """Runs ninja, whose lines are the progress; in a log all of them are shown unless `quiet`. (Status, output)."""
    output = []
    heard = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "encoding": "utf-8", "errors": "backslashreplace"}
    ninja = subprocess.Popen(argv, cwd=ROOT, env=environment, **heard)
    with Progress("build") as progress, ninja:
        for line in ninja.stdout:
            output.append(line)
            if PROGRESS.match(line):
                progress.say(printable(line.strip()))
                if not quiet and not progress.screen.rewrite:
                    print(printable(line.strip()), flush=True)
    return ninja.returncode, "".join(output)


def is_made(output, folder=BUILD):
    """Whether this output is there and newer than all that it is made of."""
    argv = ["ninja", "-f", str((folder / "build.ninja").relative_to(ROOT)), "-n", str(output)]
    return "no work to do" in subprocess.run(argv, cwd=ROOT, capture_output=True, text=True).stdout


def run_ninja(targets=(), quiet=True, keep_going=False, folder=BUILD):
    """Brings the outputs up to date; the compiler's own messages are shown when an edge fails."""
    argv = ["ninja", "-f", str((folder / "build.ninja").relative_to(ROOT)), "-j", str(max(1, os.cpu_count() or 1))]
    argv += ["-k", "0"] if keep_going else []
    argv += map(str, targets)
    environment = dict(os.environ, NINJA_STATUS="[%f/%t] ")
    what = f"{len(targets)} files" if len(targets) > 3 else ", ".join(map(str, targets)) or "everything"
    with locked(folder, f"building {what} in {folder}"):
        status, output = _heard(argv, environment, quiet)
    if status != 0:
        print("\n".join(map(printable, what_was_said(output))))
        raise Stop(TESTS_FAILED, "the build failed")
