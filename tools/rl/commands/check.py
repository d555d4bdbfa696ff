"""`build.py check`: include layers, the files' own habits, texts, pyflakes, format, stage sizes, ELF lint, tidy."""
import importlib
import importlib.util
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from tools.rl.building import builder, layers, tidy
from tools.rl.building.graph import LAYERS
from tools.rl.building.progress import Progress
from tools.rl.common import BUILD, OK, ROOT, Stop, TESTS_FAILED
from tools.rl.results import elf

FOLDERS = (*LAYERS, "stage0", "stage1", "stage2", "loader", "targets", "tests", "tools")
FORMATTED = (".h", ".cpp", ".c")
COMMENT = {".h": "//", ".cpp": "//", ".c": "//", ".asm": ";", ".py": '"""', ".ld": "/*"}
MOST_LINES = 600
MOST_COLUMNS = 120              # clang-format holds C++ to 110; this is for what it does not see


def own_files(*endings):
    found = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*")]
    return sorted(path for path in found if path.suffix in endings and path.is_file())


def _badly_formatted(names):
    done = subprocess.run(["clang-format", "--dry-run", "-Werror", *names], cwd=ROOT, capture_output=True, text=True)
    found = {line.split(":", 1)[0] for line in done.stderr.splitlines() if ": error:" in line}
    if done.returncode != 0 and not found:
        return [f"clang-format failed: {done.stderr.strip()}"]
    return [f"{name}: as clang-format -i would write it?" for name in sorted(found)]


def check_format():
    names = [str(path.relative_to(ROOT)) for path in own_files(*FORMATTED)]
    print(f"format: {len(names)} files", flush=True)
    cores = max(1, os.cpu_count() or 1)
    parts = [names[core::cores] for core in range(cores)]
    with ThreadPoolExecutor(cores) as pool:
        return sorted(line for found in pool.map(_badly_formatted, filter(None, parts)) for line in found)


def file_complaints(name, text, ending):
    """A file says first what it is for, and is short enough to be read whole."""
    complaints = []
    lines = text.splitlines()
    if not lines or not lines[0].startswith(COMMENT[ending]) and not lines[0].startswith("#!"):
        complaints.append(f"{name}:1: the first line does not say what the file is for")
    if len(lines) > MOST_LINES:
        complaints.append(f"{name}: {len(lines)} lines, the limit is {MOST_LINES}")
    wide = [number for number, line in enumerate(lines, 1) if len(line) > MOST_COLUMNS]
    complaints += [f"{name}:{number}: wider than {MOST_COLUMNS} columns" for number in wide if ending != ".ld"]
    return complaints


def check_python():
    """Names that are not defined, imports that nothing uses."""
    done = subprocess.run(["pyflakes3", "build.py", "tools", "tests"], cwd=ROOT, capture_output=True, text=True)
    found = (done.stdout + done.stderr).splitlines()
    return found if found or done.returncode == 0 else [f"pyflakes3 ended with status {done.returncode}"]


def check_files():
    return [complaint for path in own_files(*COMMENT)
            for complaint in file_complaints(str(path.relative_to(ROOT)), path.read_text(), path.suffix)]


def check_elf():
    complaints = []
    for name in ("kernel.elf", "stage2.elf", "loader.elf", "efi.elf"):
        path = BUILD / name
        if path.exists():
            complaints += elf.lint(path.read_bytes(), name, relocatable=True)
    return complaints


def check_texts(package):
    """Runs what compares texts with texts: `package` names the modules, each with a check() that returns complaints."""
    if not package or importlib.util.find_spec(package) is None:
        return []
    return [complaint for module in importlib.import_module(package).MODULES for complaint in module.check()]


def check_tidy(graph):
    complaints, tidied, every = tidy.check(graph.commands, graph.host_variants)
    print(f"tidy: {tidied} of {every} files had changed", flush=True)
    return complaints


class Report:
    """Prints what each check found, and how long it took; remembers which failed."""

    def __init__(self):
        self.failed = []

    def run(self, name, check, *arguments):
        start = time.monotonic()
        with Progress(name):
            complaints = check(*arguments)
        verdict = f"{len(complaints)} complaints" if complaints else "ok"
        print(f"{name:8} {verdict} ({time.monotonic() - start:.1f} s)", flush=True)
        for complaint in complaints:
            print(f"  {complaint}", flush=True)
        self.failed += [name] if complaints else []


def main(arguments):
    report = Report()
    report.run("layers", layers.check)
    report.run("files", check_files)
    report.run("texts", check_texts, arguments.text_checks)
    report.run("python", check_python)
    report.run("format", check_format)
    if not arguments.quick:
        start = time.monotonic()
        graph = builder.build()
        builder.print_ledger()
        print(f"build    ok ({time.monotonic() - start:.1f} s)", flush=True)
        report.run("elf", check_elf)
        report.run("tidy", check_tidy, graph)
    if report.failed:
        raise Stop(TESTS_FAILED, f"check failed: {', '.join(report.failed)}")
    return OK
