"""`build.py build`: the whole tree through ninja, then the size ledger."""
import re
import subprocess

from . import image, targetlist, targets, watch
from .common import BUILD, ROOT, TESTS_FAILED, Stop
from .graph import Graph
from .ninja import run_ninja

KERNEL_SIZES = BUILD / "kernel.sizes"


def ledger():
    """(name, bytes, budget) of each stage that is built."""
    rows = []
    for name, limit in (("stage0", image.STAGE0_CODE), ("stage1", image.STAGE1_BYTES), ("stage2", image.STAGE2_BYTES)):
        path = BUILD / f"{name}.bin"
        if path.exists():
            data = path.read_bytes()
            # stage2 counts whole (its constants may end in zeros); the others are filled up by their assembler
            rows.append((name, len(data) if name == "stage2" else image.code_size(data, limit), limit))
    return rows


def kernel_sizes():
    done = subprocess.run(["llvm-size", str(BUILD / "kernel.elf")], capture_output=True, text=True)
    numbers = re.findall(r"^\s*(\d+)\s+(\d+)\s+(\d+)", done.stdout, re.M)
    return [int(n) for n in numbers[0]] if numbers else None


def print_ledger():
    over = []
    for name, size, limit in ledger():
        print(f"{name:8} {size:6} of {limit} bytes")
        if size > limit:
            over.append(f"{name} is {size - limit} bytes over its budget")
    sizes = kernel_sizes() if (BUILD / "kernel.elf").exists() else None
    if sizes:
        before = [int(n) for n in KERNEL_SIZES.read_text().split()] if KERNEL_SIZES.exists() else sizes
        words = [f"{name} {now} ({now - then:+})" for name, now, then in zip(("text", "data", "bss"), sizes, before)]
        print(f"{'kernel':8} {', '.join(words)}")
        KERNEL_SIZES.write_text(" ".join(map(str, sizes)) + "\n")
    if over:
        raise Stop(TESTS_FAILED, "; ".join(over))


def build(quiet=True):
    """Everything but the host tests; returns the Graph, which knows what exists."""
    graph = Graph()
    if graph.ninja.defaults:
        run_ninja(quiet=quiet)
    return graph


def build_for(target):
    """What a run of one target needs, so that another, broken one does not stand in its way."""
    graph = Graph()
    require_image(graph)
    made = [path for _, path in targetlist.bundle_files(target) if path in graph.ninja.outputs]
    run_ninja([graph.image, targets.elf(target), *made])


def build_and_tell():
    graph = build(quiet=False)
    print_ledger()
    if graph.image is None:
        print("no image: the tree has no " + " or ".join(
            name for name, there in (("stage0", graph.stages[0]), ("stage1", graph.stages[1]), ("stage2", graph.stage2),
                                     ("kernel", graph.kernel)) if there is None))
    return 0


def main(arguments):
    return watch.main(build_and_tell) if getattr(arguments, "watch", False) else build_and_tell()


def require_image(graph):
    if graph.image is None:
        raise Stop(TESTS_FAILED, "there is no image to boot: a stage or the kernel is not in the tree")
    return ROOT / graph.image
