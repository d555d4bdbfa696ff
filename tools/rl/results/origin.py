"""Which target an input is of, as the folder it lies in says, and the command that runs it again."""
import shlex
from pathlib import Path

from tools.rl.building import target_files, targets
from tools.rl.common import ROOT, Stop, USAGE
from tools.rl.results import saved_results

CAMPAIGN = "campaign.json"      # in an output folder
LEVELS = 3                      # of folders between an input and its output folder


def _read(path, key):
    try:
        return saved_results.json_in(path)[key]
    except (saved_results.Damaged, KeyError, TypeError):
        return None


def _named_in(path):
    """The target's name in targets/, or the whole path of one elsewhere: what a run writes, and no other word."""
    target = _read(path, "target")
    known = isinstance(target, str) and target.isprintable() and (target in targets.names() or target.startswith("/"))
    return target if known else None


def target_of_folder(out):
    """The target whose results an output folder holds, or None."""
    return _named_in(Path(out) / CAMPAIGN)


def target_of(path):
    """(the word for --target, why that one) of the input at this path; a Stop where nothing says it."""
    path = Path(path).resolve()
    named = _named_in(path.parent / "crash.json")
    if named:
        return named, "named by crash.json beside the input"
    for folder in path.parents[:LEVELS]:
        named = target_of_folder(folder)
        if named:
            return named, f"named by {folder / CAMPAIGN}"
        if (folder / "target.json").is_file():
            return str(folder), "in whose folder the input lies"
    raise Stop(USAGE, f"nothing near {path} says which target it is of: pass --target TARGET (a name of targets/: "
                      f"{', '.join(targets.names())}; a folder, or an ELF file)")


def schedule_of(path):
    """The seed of the order of threads in the run that found the input at this path."""
    path = Path(path).resolve()
    for file in (path.parent / "crash.json", *(folder / CAMPAIGN for folder in path.parents[:LEVELS])):
        seed = _read(file, "schedule")
        if type(seed) is int and 0 <= seed < 2**64:
            return seed
    return 0


def again(path, from_anywhere=False):
    """The command that replays this input, from where this command was typed, or from any folder."""
    path, program = Path(path).resolve(), ROOT / "build.py"
    if Path.cwd() == ROOT and not from_anywhere:
        program = Path("build.py")
        path = path.relative_to(ROOT) if ROOT in path.parents else path
    text = str(path)
    return f"python3 {shlex.quote(str(program))} replay {shlex.quote(text if text[0] != '-' else f'./{text}')}"


def default_out(target):
    """Where a run of this target keeps its results when --out names no place."""
    return ROOT / "out" / target_files.find(target).name
