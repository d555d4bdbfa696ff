"""What a run was made with, a line of JSON for each start of a machine: runs.jsonl in the output folder."""
import json
import os
import platform
import re
import subprocess
import time

from tools.rl.common import ROOT, VERSION
from tools.rl.machines.record_types import Bad, Fields, checked, figure, number, text
from tools.rl.results import saved_results

FILE = "runs.jsonl"
OF_BOOT = ("version", "build", "cores", "memory_mib")       # what the machine says of itself
FIELDS = Fields({}, {**dict.fromkeys(("target", "version", "build", "commit", "machine", "host", "tools"), text),
                     **dict.fromkeys(("seed", "seeds", "corpus", "cores", "memory_mib"), number()), "started": figure})


def _said_by(*argv):
    """The first line that a command prints; nothing where it fails."""
    try:
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.split("\n")[0].strip() if done.returncode == 0 else ""


def commit():
    """The commit that this tree is at, and whether files differ from it."""
    return _said_by("git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")


def host():
    """The processor and the system that the emulator runs on."""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            model = re.search(r"^model name\s*: (.*)$", file.read(), re.M)
    except OSError:
        model = None
    name = model[1] if model else platform.machine()
    return f"{name}, {os.cpu_count()} processors, {platform.system()} {platform.release()}"


def of_run(target, arguments, seeds, corpus):
    """The facts that the host knows."""
    qemu = re.search(r"version ([\w.]+)", _said_by("qemu-system-x86_64", "--version"))
    clang = re.search(r"version ([\w.]+)", _said_by("clang", "--version"))
    return {"target": target, "seed": arguments.seed, "seeds": seeds, "corpus": corpus, "commit": commit(),
            "version": VERSION, "host": host(), "machine": f"QEMU {qemu[1] if qemu else '?'}, emulated",
            "tools": f"clang {clang[1] if clang else '?'}, Python {platform.python_version()}"}


def line(facts, boot):
    """A line for a machine that has said this boot record."""
    known = {"target": boot.get("target"), **facts, **{key: boot[key] for key in OF_BOOT if key in boot},
             "started": time.time()}
    return json.dumps({key: value for key, value in known.items() if value is not None}) + "\n"


def load(folder, damaged):
    """The starts of a folder's runs; what is no such line is left out and named."""
    path, found, bad = folder / FILE, [], 0
    if not path.exists():
        return []
    try:
        for one in saved_results.lines(path):
            try:
                found.append(checked(saved_results.parsed(one), FIELDS))
            except Bad:
                bad += 1
    except (saved_results.Damaged, OSError) as problem:
        damaged.append(str(problem))
    if bad:
        damaged.append(f"{path}: {bad} lines are no facts of a run")
    return found
