"""docs/measured.md: the benchmarks' rows as tables, each with its command, its commit and its machine."""
import platform
import re
import subprocess
from pathlib import Path
from typing import NamedTuple, Tuple

from tools.rl.common import ROOT, VERSION, write_atomically

DOCUMENT = ROOT / "docs/measured.md"

COUNTED = "instructions are counted (`-icount shift=0`): exact, the same on every host"
CLOCK = "by the host's clock: only rows of one table say something about each other"


class Row(NamedTuple):
    """What one benchmark measured."""
    name: str
    value: float
    unit: str
    compared: str               # with what; recorded constants and other sides of the same run


class Section(NamedTuple):
    """One table: the rows whose names begin so, and what `build.py bench` takes to measure them again."""
    title: str
    filter: str
    beginnings: Tuple[str, ...]
    how: str
    text: str = ""


class About(NamedTuple):
    """Where the rows come from; the same for every table."""
    commit: str
    qemu: str
    host: str


TIME = ".time"                  # ends the names of rows that are measured by the clock
SECTIONS = (
    Section("Into the guest, and resets", "vm.", ("vm.",), COUNTED),
    Section("A case of stb_image, in its parts", "case.", ("case.",), COUNTED),
    Section("Mutation", "fuzz.mutate", ("fuzz.mutate",), COUNTED),
    Section("Physical memory without a linear map", "mm.", ("mm.",), COUNTED,
            "Both sides of a row run the same code over the same frames, through windows and through a linear map."),
    Section("The same by the clock", "mm.window.time", ("mm.",), CLOCK),
    Section("Errors and traces", "rstate", ("rstate.",), COUNTED,
            "A chain beside what other ways to return an error cost in the same program."),
    Section("The trace that is always on", "trace", ("trace.",), COUNTED),
    Section("Booting", "boot.counted", ("boot.counted",), COUNTED,
            "From stage2's first instruction to the kernel's boot record; one counted instruction is a nanosecond."),
    Section("From QEMU's start to the first case", "boot.first_case", ("boot.first_case",), CLOCK),
    Section("What a random address finds", "layout", ("layout.",), "pages are counted in a live run",
            "Mapped pages of the kernel's address space when two cores are about to fuzz, and how many random\n"
            "canonical addresses it takes to hit one; and the same without the window slots that are in use."),
    Section("Cases a second", "fuzz.cases_per_s", ("fuzz.cases_per_s",), CLOCK),
    Section("Coverage", "fuzz.coverage", ("fuzz.coverage",), "counted by a libFuzzer build of the same harness"),
)
PEERS = "## Beside libFuzzer and AFL++"
PEERS_TEXT = """\
The same harness, the same seeds, dictionary and longest input, and as many executions, for each fuzzer with several
random seeds. libFuzzer and AFL++ (persistent, with cmplog) run natively, with AddressSanitizer. One program counts the
edges of what each run leaves: libFuzzer's build of the harness. A12 is the probability that a run of Raclette reaches
more than a run of the other, p is of the Mann-Whitney U test. Executions are equal, not times."""
MEANS = {
    "vm.round_trip": "enter the guest and come back",
    "vm.snapshot_loop_1_page": "run, and reset 1 page",
    "vm.snapshot_loop_16_pages": "run, and reset 16 pages",
    "vm.snapshot_loop_256_pages": "run, and reset 256 pages",
    "case.feedback": "scan the edge counters of a case that shows nothing new",
    "case.dirty_pages": "pages that a case writes",
    "case.reset": "reset after it",
    "case.run_with_target": "run it, the target's own instructions included",
    "fuzz.mutate_200_bytes": "mutate an input of 200 bytes",
    "mm.pin_hot_frame": "reach a page of physical memory that was reached lately",
    "mm.window_page_walk": "walk four hot page tables",
    "mm.window_page_copy": "copy a page",
    "mm.window_frame_free": "allocate, fill and free a frame",
    "mm.window_case": "a whole case of the target",
    "mm.window_case_reset": "the reset in it",
    "rstate.success_through_8_frames": "a success through 8 calls that could fail",
    "rstate.failure_of_9_frames": "a failure of 9 frames: made, passed on, handled",
    "trace.record": "write one record",
    "boot.counted_us.512M": "time with 512 MiB of memory",
    "boot.counted_us.64G": "time with 64 GiB",
    "boot.counted_frames.512M": "frames in use with 512 MiB",
    "boot.counted_frames.64G": "frames in use with 64 GiB",
    "layout.pages.with_windows": "mapped pages",
    "layout.one_in.with_windows": "an address hits one once in",
    "layout.pages.without_windows": "mapped pages without window slots",
    "layout.one_in.without_windows": "an address hits one once in",
}
INTRODUCTION = """\
Everything here is counted or measured in an emulator. Counts of instructions, pages and edges are exact and say
something about a real machine. Times and rates do not; only the ratio of two of them may.

The last column holds the other side of the same run, or a constant that was recorded once:

* **Linux's KVM**: a C program over `/dev/kvm` does the same work under Linux in the same emulated machine, counted too.
* **bare floor**: a loop around VMRUN that does nothing but the work itself.
* **libFuzzer**, **AFL++**: the same harness with AddressSanitizer, from the same seeds, under Linux in it.
* **grilled_cheese**: as its author gives it.""".splitlines()


def _said(*words):
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


def host_processor():
    """The model of the processor we run on, and how many there are."""
    path = Path("/proc/cpuinfo")
    names = re.findall(r"^model name\s*:\s*(.*)$", path.read_text() if path.exists() else "", re.MULTILINE)
    return f"{len(names)} x {names[0]}" if names else platform.machine()


def about(program):
    """What the tables say about their origin; `program` is the emulator."""
    commit = _said("git", "rev-parse", "--short=10", "HEAD") or "unknown"
    changed = _said("git", "status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs/measured.md")
    version = re.search(r"version (\S+)", _said(program, "--version"))
    return About(commit + (" and changes that are not committed" if changed else ""),
                 f"QEMU {version[1] if version else 'unknown'} (TCG)", host_processor())


def rows_of(section, rows):
    """The section's rows: their names begin as it says, and are those of its kind of measurement."""
    return [row for row in rows if row.name.startswith(section.beginnings)
            and (section.how == CLOCK or not row.name.endswith(TIME))
            and (section.filter != "mm.window.time" or row.name.endswith(TIME))]


def value_text(value):
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def table(rows):
    lines = ["| measured | | value | unit | compared with |", "|---|---|---:|---|---|"]
    for row in rows:
        means = MEANS.get(row.name[:-len(TIME)] if row.name.endswith(TIME) else row.name, "")
        lines.append(f"| `{row.name}` | {means} | {value_text(row.value)} | {row.unit} | {row.compared} |")
    return "\n".join(lines)


def said_anyhow(*words):
    """What a program prints, whatever its status: some say their version in their help."""
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace")
    return done.stdout


def saved_sections(document=None):
    """{target: text} of the comparisons with other fuzzers, which are measured one by one."""
    path = document or DOCUMENT
    text = path.read_text() if path.exists() else ""
    kept = text.partition(PEERS)[2]
    return dict(re.findall(r"(?ms)^(?=### ([^,\n]+),)(.*?)(?=^### |\Z)", kept))


def put_section(name, text, document=None):
    """Replaces the comparison of one target, and leaves the rest of the document as it is."""
    path = document or DOCUMENT
    sections = {**saved_sections(path), name: text}
    before = (path.read_text() if path.exists() else "").partition(PEERS)[0]
    write_atomically(path, before.rstrip("\n") + "\n\n" + peers_text(sections))


def peers_text(sections):
    return "\n".join([PEERS, "", PEERS_TEXT, "", *(sections[name].rstrip("\n") + "\n" for name in sorted(sections))])


def page(rows, origin, peers=None):
    """The whole document. Every row is in one table; a row that no section takes is an error of ours."""
    left = set(rows)
    parts = ["# Measured", "", "<!-- Written by `python3 build.py bench --write`: do not edit. -->", "",
             *INTRODUCTION, ""]
    for section in SECTIONS:
        own = rows_of(section, rows)
        left -= set(own)
        if own:
            parts += [f"## {section.title}", "", *([section.text, ""] if section.text else []), table(own), "",
                      f"`python3 build.py bench {section.filter}`, raclette {VERSION}, commit {origin.commit}; "
                      f"{origin.qemu} on {origin.host}; {section.how}.", ""]
    if left:
        raise ValueError(f"no section takes {sorted(row.name for row in left)}")
    return "\n".join([*parts, *([peers_text(peers)] if peers else [])])
