"""Which target an input is of, as the folder it lies in says, and the command that runs it again."""
import json
import shlex
from pathlib import Path

from tools.rl.building import target_files
from tools.rl.common import BUILTIN_TARGET, ROOT

CAMPAIGN = "campaign.json"      # in an output folder
LEVELS = 3                      # of folders between an input and its output folder


def _named_in(path):
    try:
        target = json.loads(path.read_text())["target"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return target if isinstance(target, str) and target else None


def target_of_folder(out):
    """The target whose results an output folder holds, or None."""
    return _named_in(Path(out) / CAMPAIGN)


def target_of(path):
    """(the word for --target, why that one) of the input at this path."""
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
    return BUILTIN_TARGET, "nothing near the input names another"


def again(path):
    """The command that replays this input, from where this command was typed."""
    path, program = Path(path).resolve(), ROOT / "build.py"
    if Path.cwd() == ROOT:
        program = Path("build.py")
        path = path.relative_to(ROOT) if ROOT in path.parents else path
    text = str(path)
    return f"python3 {shlex.quote(str(program))} replay {shlex.quote(text if text[0] != '-' else f'./{text}')}"


def default_out(target):
    """Where a run of this target keeps its results when --out names no place."""
    return ROOT / "out" / target_files.find(target).name
