"""`build.py build`: the whole tree through ninja, then the size ledger."""
import re
import subprocess

from . import image, targetlist, targets, watch
from .common import BUILD, DEBUG, ROOT, TESTS_FAILED, Stop, folder_of
from .graph import Graph
from .ninja import run_ninja


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


def kernel_sizes(folder):
    done = subprocess.run(["llvm-size", str(folder / "kernel.elf")], capture_output=True, text=True)
    numbers = re.findall(r"^\s*(\d+)\s+(\d+)\s+(\d+)", done.stdout, re.M)
    return [int(n) for n in numbers[0]] if numbers else None


def print_ledger(folder=BUILD):
    over = []
    for name, size, limit in ledger():
        print(f"{name:8} {size:6} of {limit} bytes")
        if size > limit:
            over.append(f"{name} is {size - limit} bytes over its budget")
    sizes, last = kernel_sizes(folder) if (folder / "kernel.elf").exists() else None, folder / "kernel.sizes"
    if sizes:
        before = [int(n) for n in last.read_text().split()] if last.exists() else sizes
        words = [f"{name} {now} ({now - then:+})" for name, now, then in zip(("text", "data", "bss"), sizes, before)]
        print(f"{'kernel':8} {', '.join(words)}")
        last.write_text(" ".join(map(str, sizes)) + "\n")
    if over:
        raise Stop(TESTS_FAILED, "; ".join(over))


def build(quiet=True, folder=BUILD):
    """Everything but the host tests, or the development build alone; returns the Graph, which knows what exists."""
    graph = Graph()
    if graph.ninja.defaults:
        run_ninja(graph.development if folder == DEBUG else (), quiet=quiet)
    return graph


def build_for(target, folder=BUILD):
    """What a run of one target needs, so that another, broken one does not stand in its way."""
    graph = Graph()
    image_made = require_image(graph, folder)
    made = [path for _, path in targetlist.bundle_files(target) if path in graph.ninja.outputs]
    run_ninja([image_made.relative_to(ROOT), targets.elf(target), *made])


def build_and_tell(folder):
    graph = build(quiet=False, folder=folder)
    print_ledger(folder)
    if graph.image is None:
        print("no image: the tree has no " + " or ".join(
            name for name, there in (("stage0", graph.stages[0]), ("stage1", graph.stages[1]), ("stage2", graph.stage2),
                                     ("kernel", graph.kernel)) if there is None))
    return 0


def main(arguments):
    folder = folder_of(arguments)
    if getattr(arguments, "watch", False):
        return watch.main(lambda: build_and_tell(folder))
    return build_and_tell(folder)


def require_image(graph, folder=BUILD):
    if graph.image is None:
        raise Stop(TESTS_FAILED, "there is no image to boot: a stage or the kernel is not in the tree")
    return ROOT / graph.images[folder]
