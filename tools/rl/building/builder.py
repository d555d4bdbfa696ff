"""Builds the tree, or what one run needs, with ninja; prints the size of each stage against its budget."""
import re
import subprocess

from tools.rl.building import target_files, targets
from tools.rl.building.graph import Graph
from tools.rl.building.ninja import run_ninja
from tools.rl.common import BUILD, Stop, TESTS_FAILED, kernel_elf
from tools.rl.images import disk_image


def ledger():
    """(name, bytes, budget) of each stage that is built."""
    rows = []
    for name, limit in (("stage0", disk_image.STAGE0_CODE), ("stage1", disk_image.STAGE1_BYTES),
                        ("stage2", disk_image.STAGE2_BYTES)):
        path = BUILD / f"{name}.bin"
        if path.exists():
            data = path.read_bytes()
            # stage2 counts whole (its constants may end in zeros); the others are filled up by their assembler
            rows.append((name, len(data) if name == "stage2" else disk_image.code_size(data, limit), limit))
    return rows


def kernel_sizes(folder):
    done = subprocess.run(["llvm-size", str(kernel_elf(folder))], capture_output=True, text=True)
    numbers = re.findall(r"^\s*(\d+)\s+(\d+)\s+(\d+)", done.stdout, re.M)
    return [int(n) for n in numbers[0]] if numbers else None


def print_ledger(folder=BUILD):
    over = []
    for name, size, limit in ledger():
        print(f"{name:8} {size:6} of {limit} bytes")
        if size > limit:
            over.append(f"{name} is {size - limit} bytes over its budget")
    sizes, last = kernel_sizes(folder) if kernel_elf(folder).exists() else None, folder / "kernel.sizes"
    if sizes:
        before = [int(n) for n in last.read_text().split()] if last.exists() else sizes
        words = [f"{name} {now} ({now - then:+})" for name, now, then in zip(("text", "data", "bss"), sizes, before)]
        print(f"{'kernel':8} {', '.join(words)}")
        last.write_text(" ".join(map(str, sizes)) + "\n")
    if over:
        raise Stop(TESTS_FAILED, "; ".join(over))


def build(quiet=True, folder=BUILD):
    """Everything but the host tests, or what another folder's images need; returns the Graph."""
    graph = Graph()
    run_ninja(() if folder == BUILD else graph.made[folder], quiet=quiet)
    return graph


def build_for(target, folder=BUILD):
    """What a run of one target needs, so that another, broken one does not stand in its way."""
    graph = Graph()
    made = [path for _, path in target_files.bundle_files(target) if path in graph.ninja.outputs]
    run_ninja([graph.images[folder], targets.elf(target), *made])
