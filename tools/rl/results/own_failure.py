"""What to show when Raclette itself failed: its last chain, and where in the kernel its addresses are."""
import re

from tools.rl.common import BUILD, kernel_elf
from tools.rl.printable import printable
from tools.rl.results.symbols import kernel_places

LAST_LINES = 20


# Codes of the kernel that are about the target, not about us: what it did.
OF_THE_TARGET = {
    "guest.ended_early": "it ended before its first case",
    "guest.crashed_early": "it crashed before its first case",
    "guest.snapshot_point_not_reached": "its start takes too long",
    "fuzz.no_counters": "nothing in it counts edges: is the harness empty, or not compiled by raclette-cc?",
}
ADDRESS = re.compile(r"\bpc (0x[0-9a-f]{1,16})\b")


def about_the_target(lines, symbolizer):
    """What the target did that it cannot be fuzzed, in one line; None when the failure is ours."""
    about = about_our_failure(lines)
    code = re.match(r"error (\S+) ", about[0]) if about else None
    if not code or code[1] not in OF_THE_TARGET:
        return None
    found = next(filter(None, map(ADDRESS.search, about)), None)
    frames = symbolizer.frames([int(found[1], 16)], True) if found else []
    where = f", in {frames[0].function} at {frames[0].file}:{frames[0].line}" if frames and frames[0].file else ""
    return printable(f"the target cannot be fuzzed: {OF_THE_TARGET[code[1]]}{where}")


def about_our_failure(lines):
    """The console's lines from its last chain on: what there is to say when the machine failed."""
    chains = [number for number, line in enumerate(lines) if line.startswith("error ")]
    return lines[chains[-1]:] if chains else lines[-LAST_LINES:]


def places_in_kernel(lines, folder=BUILD):
    """Functions and lines for the backtrace among these lines."""
    return kernel_places("\n".join(lines), kernel_elf(folder))
