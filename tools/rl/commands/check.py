"""`build.py check`: format, tidy, include layers, the files' own habits, stage sizes, ELF lint."""
import subprocess

from tools.rl.building import builder, layers
from tools.rl.building.graph import LAYERS
from tools.rl.building.ninja import run_ninja
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


def check_format():
    files = own_files(*FORMATTED)
    complaints = []
    for start in range(0, len(files), 100):
        names = [str(path.relative_to(ROOT)) for path in files[start:start + 100]]
        argv = ["clang-format", "--dry-run", "-Werror", *names]
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True)
        badly = {line.split(":", 1)[0] for line in done.stderr.splitlines() if ": error:" in line}
        complaints += [f"{name}: as clang-format -i would write it?" for name in sorted(badly)]
    return complaints


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


def main(_arguments):
    graph = builder.build()
    builder.print_ledger()
    failed = []
    checks = (("layers", layers.check), ("files", check_files), ("format", check_format), ("elf", check_elf))
    for name, function in checks:
        complaints = function()
        print(f"{name:8} {'ok' if not complaints else f'{len(complaints)} complaints'}", flush=True)
        for complaint in complaints:
            print(f"  {complaint}")
        failed += [name] if complaints else []
    try:
        run_ninja(graph.tidied_objects, keep_going=True)
        run_ninja(keep_going=True, folder=BUILD / "tidy")
        print("tidy     ok")
    except Stop:
        failed.append("tidy")
    if failed:
        raise Stop(TESTS_FAILED, f"check failed: {', '.join(failed)}")
    return OK
