"""`build.py replay`: exactly one input, its chain and its trace; the status says how it ended."""
import json
import os
import shlex
import stat
from pathlib import Path

from tools.rl.building import builder, description, target_files
from tools.rl.building.progress import Progress
from tools.rl.common import (CRASHED, OK, ROOT, SYSTEM_FAILED, Stop, TIMED_OUT, USAGE, folder_of, refuse_unreadable,
                             refuse_unwritable)
from tools.rl.images.boot_image import boot_image, refuse_too_long, target_entries
from tools.rl.machines.session import BOOT_SILENCE, Chains, Session
from tools.rl.printable import printable
from tools.rl.results import debugger, origin
from tools.rl.results.crash_text import describe, trace_text
from tools.rl.results.outdir import FINDINGS, OutDir
from tools.rl.results.own_failure import about_our_failure, about_the_target, places_in_kernel
from tools.rl.results.refused import Refused
from tools.rl.results.symbols import Symbolizer

MEANING = {OK: "no crash", CRASHED: "the target crashed", TIMED_OUT: "the target timed out"}
STARVED = "the target ran out of memory"
LEAK = "memory-leak"
MOST_FINDINGS = 100

PRINTED = "target: "            # before each line that the target printed


def read_input(path, max_len):
    try:
        most = max_len or description.LARGEST_MAX_LEN
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            about = os.fstat(file.fileno())     # what is there now: it may have become a pipe
            if not stat.S_ISREG(about.st_mode):
                raise ValueError("it is no file")
            data = file.read(most + 1)
            refuse_too_long(path, max(len(data), about.st_size), most)
    except (OSError, ValueError) as error:      # ValueError: a zero byte in the name
        raise Stop(USAGE, f"{path} cannot be read: {getattr(error, 'strerror', None) or error}")
    return data


def timeout_options(arguments, target):
    """As asked for; an input of a timeout that was found gets the edges that it had when it was called one."""
    found = Path(arguments.input).with_name("crash.json")
    if arguments.timeout is None and found.is_file():
        try:
            about = json.loads(found.read_text())
        except (OSError, ValueError):
            about = None
        edges = about.get("edges") if isinstance(about, dict) and about.get("type") == "timeout" else None
        if isinstance(edges, int) and 0 < edges < 1 << 62:
            return {"edge_budget": edges}
    return target_files.timeout_options(target, arguments.timeout)


class Replay:
    """What one replayed input printed: its chains, and what was found: a crash, or several leaks."""

    def __init__(self, symbolizer, show_output=False):
        self.show_output = show_output
        self.symbolizer = symbolizer
        self.refused = Refused()
        self.text = []
        self.chains = Chains()
        self.found = []                 # (record, described)

    def feed(self, event):
        if isinstance(event, str):
            self.text.append(event)
            if self.show_output and event.startswith(PRINTED):
                print(event)
            self.chains.feed(event)
        elif event and event["type"] == "refused":
            self.refused.add(event, self.symbolizer)
        elif event and event["type"] in FINDINGS and len(self.found) < MOST_FINDINGS:
            self.found.append((event, describe(event, self.symbolizer)))

    def chain(self, finding=None):
        """The chain about this finding, else the last one printed."""
        self.chains.finish()
        about = [c for c in self.chains.done if finding and f"hash {finding['hash']}" in c[0]]
        return (about or self.chains.done or [[]])[-1]


def which_target(arguments):
    """The target that was asked for, else the one whose input it is; says which."""
    word, why = (arguments.target, "") if arguments.target else origin.target_of(arguments.input)
    target = target_files.find(word)
    print(printable(f"target {target_files.spelled(target)}" + (f" ({why})" if why else "")), flush=True)
    return target


def longest(arguments, target):
    """What has been an input once is one, also when the run that found it took longer ones than usual."""
    usual = target_files.max_len(target, arguments.max_len)
    if usual is not None and arguments.max_len is None and Path(arguments.input).is_file():
        return min(max(usual, Path(arguments.input).stat().st_size), description.LARGEST_MAX_LEN)
    return usual


def machine_options(arguments, target):
    return {"target": target.name, "cpus": 1, "seed": 0, "max_len": arguments.max_len, "replay": 1, "exit": 1,
            "leaks": 1 if arguments.leaks else None, "hold": 1 if arguments.gdb or arguments.core else None,
            "threads": arguments.threads,
            "target_output": int(arguments.target_output),
            **timeout_options(arguments, target)}


def verdict(status, found):
    """How it ended, in one line."""
    if not found:
        return MEANING[status]
    first = found[0][0]
    if first["kind"] == LEAK:
        return f"the target leaks {len(found)} block{'s' if len(found) > 1 else ''}"
    return f"{STARVED if first['type'] == 'out_of_memory' else MEANING[status]}, hash {first['hash']}"


def refuse(arguments):
    if os.path.isdir(arguments.input):
        raise Stop(USAGE, f"{arguments.input} is a folder, and replay runs one input{_inputs_below(arguments.input)}")
    refuse_unreadable(arguments.input, is_input=True)
    if arguments.core:
        refuse_unwritable(arguments.core, "--core")
    if not arguments.target:
        origin.target_of(arguments.input)


def _inputs_below(folder):
    """What to run instead of a folder."""
    one = Path(folder) / "input"
    if one.is_file():
        return f": build.py replay {shlex.quote(str(one))}"
    files = sorted(Path(folder).glob("**/input")) or sorted(Path(folder).glob("**/corpus/[!.]*"))
    first = f": build.py replay {shlex.quote(str(files[0]))}, and so on" if files else ""
    return f"{first}; to run many inputs and go on from them: build.py run, with them in DIR/corpus and --out DIR"


def main(arguments):
    target = which_target(arguments)
    arguments.max_len = longest(arguments, target)
    data = read_input(arguments.input, arguments.max_len)
    if arguments.threads is None:
        arguments.threads = origin.schedule_of(arguments.input)
    out = OutDir(Path(arguments.out), target_files.spelled(target), arguments.threads) if arguments.out else None
    if out:
        print("".join(printable(line) + "\n" for line in out.set_aside), end="")
    folder = folder_of(arguments)
    builder.build_for(target, folder)
    entries = target_entries(target, machine_options(arguments, target), [("replay", data)], with_seeds=False)
    replay = Replay(Symbolizer(ROOT / target.elf), arguments.target_output)
    with debugger.Debugger(arguments, ROOT / target.elf) as held, Progress("replaying"):
        session = Session(boot_image(entries, folder=folder), held.machine, serial_log=out and out.serial,
                          silence=BOOT_SILENCE)
        for _, event in session.events():
            replay.feed(event)
            held.feed(event, session)
    for line in session.records.summary():
        print(line)
    if session.status == SYSTEM_FAILED or session.status not in MEANING:
        target_did = about_the_target(replay.text, replay.symbolizer)
        if target_did:
            raise Stop(USAGE, target_did)
        about = about_our_failure(replay.text)
        print("\n".join(about + places_in_kernel(about, folder)))
        raise Stop(SYSTEM_FAILED, session.why or "Raclette itself failed, see above")
    for record, described in replay.found:
        print(trace_text(described, replay.chain(described)), end="")
        if out:
            out.add_crash(record, described, replay.chain(described))
    if not replay.found and replay.chain():
        print("\n".join(replay.chain()))
    for line in replay.refused.lines():
        print(printable(line))
    print(printable(f"{arguments.input}: {verdict(session.status, replay.found)}"), flush=True)
    if arguments.gdb:
        held.run_gdb()
    if out:
        out.close()
        if out.unsaved:
            raise Stop(SYSTEM_FAILED, f"no space left for {out.path}: {out.unsaved} are not saved")
    return session.status
