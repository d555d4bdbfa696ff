"""Every injected bug has its boot row, every row its bug, and the pages hold the table and the count."""
import re

from tests.checks.pages import pages, table_complaints
from tests.qemu import injected_bugs, scenarios
from tools.rl.common import ROOT

COMMAND = "python3 -m tests.qemu.injected_bugs"
COUNTED = re.compile(r"^(\d+) bugs are (?:planted|injected) in the (?:test )?kernel", re.MULTILINE)
LEAST_BUGS = 50


def in_the_kernel():
    """The names of the injected bugs, from the tables at the ends of tests/kernel/faults/bugs_*.cpp."""
    text = "".join(path.read_text() for path in sorted((ROOT / "tests/kernel/faults").glob("bugs_*.cpp")))
    return re.findall(r'^    \{"([a-z0-9-]+)",', text, re.MULTILINE)


def booted():
    return {row.options["inject"].split("@")[0] for row in scenarios.SCENARIOS if "inject" in (row.options or {})}


def repeated(names):
    return sorted({name for name in names if names.count(name) > 1})


def rows():
    names, known = [bug.name for bug in injected_bugs.BUGS], in_the_kernel()
    yield from (f"{name}: no boot row injects this bug" for name in sorted(set(known) - booted()))
    yield from (f"{name}: a boot row injects it, the kernel has no such bug" for name in sorted(booted() - set(known)))
    yield from (f"{name}: more than one bug has this name" for name in repeated(names) + repeated(known))
    if len(names) < LEAST_BUGS:
        yield f"there are {len(names)} bugs, fewer than {LEAST_BUGS}"


def each_bug():
    for bug in injected_bugs.BUGS:
        unnoticed = str(bug.error) == str(injected_bugs.unnoticed(bug.name))
        if unnoticed != (bug.when == injected_bugs.MISSED):
            yield f"{bug.name}: found {bug.when}, expected {bug.error}"
        core = int(bug.name.split("@")[1]) if "@" in bug.name else 0
        if max(core, bug.error.core) >= bug.cpus:
            yield f"{bug.name}: its machine has {bug.cpus} cores only"


def counts():
    for page in pages():
        for number in COUNTED.findall(page.read_text()):
            if int(number) != len(injected_bugs.BUGS):
                yield f"{page.relative_to(ROOT)}: counts {number} injected bugs of {len(injected_bugs.BUGS)}"


def check():
    table = table_complaints(ROOT / "docs/bugs.md", COMMAND, injected_bugs.table())
    return [f"injected bugs: {complaint}" for complaint in (*rows(), *each_bug(), *counts(), *table)]
